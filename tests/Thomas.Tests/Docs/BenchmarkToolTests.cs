using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>What the pages say of <c>bench/Thomas.Benchmarks</c>, which no test runs.</summary>
public sealed partial class BenchmarkToolTests
{
    [Fact]
    public void Tools_that_pages_name_exist()
    {
        HashSet<string> tools = [.. Tool().Matches(RepositoryFiles.Read("bench/Thomas.Benchmarks/Program.cs")).Select(match => match.Groups[1].Value)];
        Assert.Contains("inference", tools);
        List<string> missing = [];
        int named = 0;
        foreach (string page in RepositoryFiles.Pages().Where(page => Path.GetFileName(page) != "CHANGELOG.md"))
        {
            foreach (Match match in Use().Matches(File.ReadAllText(page)))
            {
                named++;
                if (!tools.Contains(match.Groups[1].Value)) missing.Add($"{Path.GetFileName(page)}: {match.Value}");
            }
        }

        Assert.Empty(missing);
        Assert.True(named > 10, $"only {named} uses were found");
    }

    [Theory]
    [InlineData("`$B profile lenet5`", "profile")]
    [InlineData("dotnet run -c Release --project bench/Thomas.Benchmarks -- steps lenet5", "steps")]
    [InlineData("`bench/Thomas.Benchmarks session` prints", "session")]
    [InlineData("of `valgrind Thomas.Benchmarks profile lenet5`", "profile")]
    public void A_use_is_found(string text, string tool) => Assert.Equal(tool, Use().Match(text).Groups[1].Value);

    [GeneratedRegex(@"new\(""([a-z]+)"", \d, ")]
    private static partial Regex Tool();

    // After the program, or after the variable that a page sets to it.
    [GeneratedRegex(@"(?:\$B|Thomas\.Benchmarks(?: --)?) ([a-z]+)\b")]
    private static partial Regex Use();
}
