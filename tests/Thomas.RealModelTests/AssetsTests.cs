using System.IO;
using Xunit;

namespace Thomas.RealModelTests;

public sealed class AssetsTests
{
    // Never skipped: a wrong path must fail, or every other test here would be skipped or fail for an unclear reason. It also
    // keeps a run without assets from counting as "no tests".
    [Fact]
    public void The_asset_folder_is_unset_or_complete()
    {
        if (Assets.Root is not string root) return;
        Assert.True(Path.IsPathFullyQualified(root), $"{Assets.Variable} must be an absolute path, not '{root}'");
        foreach (string folder in (string[])["models", "datasets", "golden", "labels"])
            Assert.True(Directory.Exists(Path.Combine(root, folder)), $"{Assets.Variable}={root} has no folder {folder}");
    }
}
