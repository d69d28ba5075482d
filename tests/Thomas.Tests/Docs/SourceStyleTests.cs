using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>What the formatter does not hold: a short <c>if</c> stands on one line, a longer one has braces.</summary>
public sealed partial class SourceStyleTests
{
    [Fact]
    public void An_if_has_its_statement_on_the_same_line_or_in_braces()
    {
        List<string> wrong = [];
        foreach (string path in Sources())
        {
            string[] lines = File.ReadAllLines(path);
            for (int i = 0; i + 1 < lines.Length; i++)
            {
                if (IfAlone().IsMatch(lines[i]) && IsBalanced(lines[i]) && !lines[i + 1].TrimStart().StartsWith('{')) wrong.Add($"{path}:{i + 1}");
            }
        }

        Expect.True(wrong.Count == 0, $"{string.Join('\n', wrong)}");
    }

    [Theory]
    [InlineData("        if (a)", true)]
    [InlineData("        else if (a(b))", true)]
    [InlineData("        else", true)]
    [InlineData("        if (a) b();", false)]
    [InlineData("        elsewhere", false)]
    public void An_if_alone_on_its_line_is_seen(string line, bool expected) => Assert.Equal(expected, IfAlone().IsMatch(line));

    private static bool IsBalanced(string line) => line.Split('(').Length == line.Split(')').Length;

    private static IEnumerable<string> Sources()
    {
        string root = RepositoryFiles.Root();
        foreach (string folder in (string[])["src", "tests", "bench", "samples"])
        {
            foreach (string path in Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            {
                string[] parts = path.Split(Path.DirectorySeparatorChar);
                if (!Array.Exists(parts, part => part is "obj" or "bin")) yield return path;
            }
        }
    }

    [GeneratedRegex(@"^\s*((else )?if \(.*\)|else)$")]
    private static partial Regex IfAlone();
}
