using System.IO;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Thomas.Tests.Docs;

public sealed partial class ChangelogTests
{
    [Fact]
    public void The_newest_version_is_the_package_version()
    {
        string version =
            XDocument.Load(Path.Combine(RepositoryFiles.Root(), "Directory.Build.props")).Root!.Element("PropertyGroup")!.Element("Version")!.Value;
        Match newest = VersionHeading().Match(RepositoryFiles.Read("CHANGELOG.md"));
        Assert.True(newest.Success, "CHANGELOG.md has no heading of the form '## [1.2.3] - ...'");
        Assert.Equal(version, newest.Groups["version"].Value);
    }

    [GeneratedRegex(@"^## \[(?<version>\d+\.\d+\.\d+)\]", RegexOptions.Multiline)]
    private static partial Regex VersionHeading();
}
