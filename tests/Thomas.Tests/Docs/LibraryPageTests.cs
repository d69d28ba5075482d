using System;
using System.Linq;
using System.Text.RegularExpressions;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>The samples of docs/library.md are code that is compiled against the public API.</summary>
public sealed partial class LibraryPageTests
{
    [Fact]
    public void Every_sample_is_part_of_the_program()
    {
        string page = RepositoryFiles.Read("docs/library.md"), program = Squeezed(RepositoryFiles.Read("samples/Thomas.LibrarySample/Program.cs"));
        string[] samples = [.. Sample().Matches(page).Select(match => match.Groups["code"].Value)];
        Assert.True(samples.Length > 3);
        foreach (string sample in samples) Expect.True(program.Contains(Squeezed(sample), StringComparison.Ordinal), $"the program does not have\n{sample}");
    }

    /// <summary>Lines without their indentation.</summary>
    private static string Squeezed(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
