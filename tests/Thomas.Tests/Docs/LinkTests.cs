using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Thomas.Tests.Docs;

public sealed partial class LinkTests
{
    [Fact]
    public void Relative_links_lead_to_files_and_headings()
    {
        int links = 0;
        List<string> broken = [];
        foreach (string page in RepositoryFiles.Pages())
        {
            foreach (Match match in Link().Matches(WithoutCode(File.ReadAllText(page))))
            {
                string target = match.Groups["target"].Value;
                if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)) continue;
                links++;
                if (Problem(page, target) is string problem) broken.Add($"{Path.GetFileName(page)}: ({target}) {problem}");
            }
        }

        Assert.Empty(broken);
        Assert.True(links > 0, "no relative link was found");
    }

    [Fact]
    public void Source_paths_named_in_the_pages_exist()
    {
        string root = RepositoryFiles.Root();
        int paths = 0;
        List<string> missing = [];
        foreach (string page in RepositoryFiles.Pages())
        {
            foreach (Match match in SourcePath().Matches(File.ReadAllText(page)))
            {
                paths++;
                string path = Path.Combine(root, match.Groups["path"].Value);
                if (!File.Exists(path) && !Directory.Exists(path)) missing.Add($"{Path.GetFileName(page)}: {match.Value}");
            }
        }

        Assert.Empty(missing);
        Assert.True(paths > 0, "no source path was found");
    }

    [Theory]
    [InlineData("nowhere.md", "no such file")]
    [InlineData("architecture.md#nowhere", "no such heading")]
    [InlineData("#nowhere", "no such heading")]
    [InlineData("numerics.md", null)]
    [InlineData("architecture.md#folders", null)]
    [InlineData("../CHANGELOG.md", null)]
    public void Broken_links_are_told_from_sound_ones(string target, string? problem) =>
        Assert.Equal(problem, Problem(Path.Combine(RepositoryFiles.Root(), "docs", "formats.md"), target));

    private static string? Problem(string page, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        if (!File.Exists(path) && !Directory.Exists(path)) return "no such file";
        if (parts.Length == 1) return null;
        IEnumerable<string> anchors = Heading().Matches(WithoutCode(File.ReadAllText(path).ReplaceLineEndings("\n")))
            .Select(match => Anchor(match.Groups["text"].Value));
        return anchors.Contains(parts[1]) ? null : "no such heading";
    }

    /// <summary>The anchor that a heading gets: lower case, spaces to hyphens, other signs dropped.</summary>
    private static string Anchor(string heading) =>
        new([.. heading.Trim().ToLowerInvariant().Replace(' ', '-').Where(c => char.IsLetterOrDigit(c) || c is '-' or '_')]);

    private static string WithoutCode(string text) => CodeBlock().Replace(text, "");

    [GeneratedRegex(@"\[[^\]\n]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    // `src/Thomas/Ops` and the like, without wildcards or blanks.
    [GeneratedRegex(@"`(?<path>(src|tests|bench|docs|\.ci)/[\w./-]+)`")]
    private static partial Regex SourcePath();
}
