using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Thomas.App.Studies;

namespace Thomas.Tests.Docs;

/// <summary>
/// Writes the tables of reports into a page: what stands between <c>&lt;!-- report FILE SECTION --&gt;</c> and <c>&lt;!-- end --&gt;</c>, with the file beside
/// the page, and between <c>&lt;!-- history --&gt;</c> and the end. Tables that a report's own page keeps folded are left out.
/// </summary>
internal static partial class StudyTables
{
    /// <summary>The page with its tables made anew.</summary>
    public static string Fill(string page)
    {
        string docs = Path.Combine(RepositoryFiles.Root(), "docs");
        page = Place().Replace(page, match =>
        {
            string file = Path.Combine(docs, match.Groups["file"].Value);
            string tables = MarkdownTables.Of(ReportFile.Read(file), match.Groups["section"].Value, isBrief: true);
            if (tables.Length == 0) throw new InvalidOperationException($"{file} has no section '{match.Groups["section"].Value}'.");

            // The sections of the page are above those of the report.
            return Filled(match, tables.Replace("### ", "#### ", StringComparison.Ordinal));
        });
        string[] files = Directory.GetFiles(Path.Combine(docs, "benchmarks"), "*.json");
        return History().Replace(page, match => Filled(match, StudyHistory.Of(files.Order(StringComparer.Ordinal).Select(ReportFile.Read))));
    }

    private static string Filled(Match place, string tables) => $"{place.Groups["begin"].Value}\n\n{tables.TrimEnd()}\n\n<!-- end -->";

    [GeneratedRegex("(?<begin><!-- report (?<file>[^ ]+) (?<section>[a-z]+) -->)\n.*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Place();

    [GeneratedRegex("(?<begin><!-- history -->)\n.*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex History();
}
