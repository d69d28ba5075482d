using System;
using System.Collections.Generic;
using System.IO;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>The texts of the repository, for tests that run beside the sources.</summary>
internal static class RepositoryFiles
{
    /// <summary>The repository's folder; the test is skipped where the program runs without its sources.</summary>
    public static string Root()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Thomas.slnx"))) return at.FullName;
        }

        Assert.Skip("the sources are not beside the test program");
        return "";
    }

    /// <summary>The Markdown files that users read: those of the root folder and of docs.</summary>
    public static IReadOnlyList<string> Pages()
    {
        string root = Root();
        return [.. Directory.EnumerateFiles(root, "*.md"), .. Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md")];
    }

    /// <summary>A text file of the repository with lines ended by \n.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root(), path)).ReplaceLineEndings("\n");
}
