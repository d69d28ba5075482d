using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text.RegularExpressions;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>What the formatter does not hold: a short <c>if</c> stands on one line, a longer one has braces; no line is longer than 160 columns.</summary>
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

    [Fact]
    public void No_line_is_longer_than_the_columns_that_editorconfig_names()
    {
        string config = File.ReadAllText(Path.Combine(RepositoryFiles.Root(), ".editorconfig"));
        int columns = int.Parse(LineLength().Match(config).Groups[1].Value, CultureInfo.InvariantCulture);
        List<string> wrong = [];
        foreach (string path in Sources())
        {
            string[] lines = File.ReadAllLines(path);
            foreach (int i in TooLong(lines, columns)) wrong.Add($"{path}:{i + 1}");
        }

        Expect.True(wrong.Count == 0, $"{string.Join('\n', wrong)}");
    }

    [Fact]
    public void A_long_line_is_seen_unless_it_is_text_of_several_lines()
    {
        string[] lines = ["short", "much too long", "x = \"\"\"", "text that is too long", "\"\"\";", "y = \"\"\"a\"\"\";", "long after it"];
        Assert.Equal([1, 5, 6], TooLong(lines, 10));
    }

    /// <summary>The lines that are too long; those of a raw string of several lines are as they have to be.</summary>
    private static IEnumerable<int> TooLong(string[] lines, int columns)
    {
        bool isText = false;
        for (int i = 0; i < lines.Length; i++)
        {
            bool ends = lines[i].Split("\"\"\"").Length % 2 == 0;
            if (!isText && lines[i].Length > columns) yield return i;
            isText ^= ends;
        }
    }

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

    [GeneratedRegex(@"max_line_length\s*=\s*(\d+)")]
    private static partial Regex LineLength();

    [GeneratedRegex(@"^\s*((else )?if \(.*\)|else)$")]
    private static partial Regex IfAlone();
}
