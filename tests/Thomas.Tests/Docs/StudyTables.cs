using System;
using System.IO;
using System.Text.RegularExpressions;
using Thomas.App.Studies;

namespace Thomas.Tests.Docs;

/// <summary>
/// Writes the tables of a report into a page: what stands between <c>&lt;!-- report FILE SECTION --&gt;</c> and <c>&lt;!-- end --&gt;</c>, with the file beside
/// the page. Tables that a report's own page keeps folded are left out.
/// </summary>
internal static partial class StudyTables
{
    /// <summary>The page with its tables made anew.</summary>
    public static string Fill(string page) => Place().Replace(page, static match =>
    {
        string file = Path.Combine(RepositoryFiles.Root(), "docs", match.Groups["file"].Value);
        string tables = MarkdownTables.Of(ReportFile.Read(file), match.Groups["section"].Value, isBrief: true);
        if (tables.Length == 0) throw new InvalidOperationException($"{file} has no section '{match.Groups["section"].Value}'.");

        // The sections of the page are above those of the report.
        return $"{match.Groups["begin"].Value}\n\n{tables.Replace("### ", "#### ", StringComparison.Ordinal).TrimEnd()}\n\n<!-- end -->";
    });

    [GeneratedRegex("(?<begin><!-- report (?<file>[^ ]+) (?<section>[a-z]+) -->)\n.*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Place();
}
