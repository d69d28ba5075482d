using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Text;
using OxyPlot;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>A report as one page: no network, no script, light or dark as the reader's system is, narrow or wide, on paper.</summary>
internal static class HtmlReport
{
    private const string StyleResource = "report.css";

    // Nothing of the page may load anything, whatever the names of classes and files contain.
    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

    // Shorter cells are never broken into lines on a screen.
    private const int LongText = 34;

    // Shorter tables are never broken between sheets of paper.
    private const int FewRows = 25;

    public static string Render(StudyReport report)
    {
        StringBuilder page = new();
        string title = Text(report.Title);
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"").Append(Policy).Append("\">\n<link rel=\"icon\" href=\"data:,\">\n<title>")
            .Append(title).Append("</title>\n<style>\n").Append(Style()).Append("</style>\n</head>\n<body>\n<header>\n<h1>").Append(title).Append("</h1>\n<p>")
            .Append(Text(Subtitle(report))).Append("</p>\n");
        if (!report.Header.IsComplete) page.Append("<p class=\"warning\">This report is not complete: the run was interrupted.</p>\n");
        IReadOnlyList<ReportSection> sections = ReportSections.Of(report);
        page.Append("<nav aria-label=\"Sections\"><ul>");
        foreach (ReportSection section in sections)
        {
            page.Append("<li><a href=\"#").Append(section.Id).Append("\">").Append(Text(section.Title)).Append("</a></li>");
        }

        page.Append("</ul></nav>\n</header>\n<main>\n");
        int charts = 0;
        foreach (ReportSection section in sections) AppendSection(page, section, ref charts);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static string Subtitle(StudyReport report)
    {
        ReportHeader header = report.Header;
        return Format.Invariant($"{header.Processor}, {header.Tier}; {header.Version}; {header.Began:yyyy-MM-dd}");
    }

    private static void AppendSection(StringBuilder page, ReportSection section, ref int charts)
    {
        page.Append("<section aria-labelledby=\"").Append(section.Id).Append("\">\n<h2 id=\"").Append(section.Id).Append("\">").Append(Text(section.Title))
            .Append("</h2>\n");
        bool isInGrid = false;
        foreach (ReportBlock block in section.Blocks)
        {
            if (block is ReportChart != isInGrid) page.Append((isInGrid = !isInGrid) ? "<div class=\"charts\">\n" : "</div>\n");
            switch (block)
            {
                case ReportHeading heading: page.Append("<h3>").Append(Text(heading.Text)).Append("</h3>\n"); break;
                case ReportText text: page.Append("<p>").Append(Text(text.Text)).Append("</p>\n"); break;
                case ReportList list: AppendList(page, list); break;
                case ReportTable table: AppendTable(page, table); break;
                case ReportChart chart: AppendChart(page, chart, Format.Invariant($"c{++charts}")); break;
                default: throw new System.Diagnostics.UnreachableException($"Unknown {block.GetType()}.");
            }
        }

        page.Append(isInGrid ? "</div>\n" : "").Append("</section>\n");
    }

    private static void AppendList(StringBuilder page, ReportList list)
    {
        page.Append("<ul>\n");
        foreach (string item in list.Items) page.Append("<li>").Append(Text(item)).Append("</li>\n");
        page.Append("</ul>\n");
    }

    private static void AppendTable(StringBuilder page, ReportTable table)
    {
        string caption = Text(table.Caption);
        if (table.IsFolded) page.Append("<details>\n<summary>").Append(caption).Append("</summary>\n");

        // A box that scrolls must be reachable by keyboard.
        string kind = table.Rows.Count <= FewRows ? "table few" : "table";
        page.Append("<div class=\"").Append(kind).Append("\" tabindex=\"0\" role=\"region\" aria-label=\"").Append(caption)
            .Append("\">\n<table>\n<caption><span>").Append(caption).Append("</span></caption>\n");
        bool hasHeadings = false;
        foreach (ReportColumn column in table.Columns) hasHeadings |= column.Name.Length > 0;
        if (hasHeadings)
        {
            page.Append("<thead><tr>");
            foreach (ReportColumn column in table.Columns)
            {
                page.Append(column.IsNumber ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">").Append(Text(column.Name)).Append("</th>");
            }

            page.Append("</tr></thead>\n");
        }

        page.Append("<tbody>\n");
        foreach (ReportCell[] row in table.Rows)
        {
            page.Append("<tr>");
            for (int i = 0; i < row.Length; i++) AppendCell(page, row[i], isName: i < table.Names, table.Columns[i].IsNumber);
            page.Append("</tr>\n");
        }

        page.Append("</tbody>\n</table>\n</div>\n").Append(table.IsFolded ? "</details>\n" : "");
    }

    private static void AppendCell(StringBuilder page, ReportCell cell, bool isName, bool isNumber)
    {
        string tag = isName ? "th" : "td";
        page.Append('<').Append(tag).Append(isName ? " scope=\"row\"" : "");
        bool isLong = cell.Text.Length > LongText;
        string kind = $"{(isNumber ? "n" : "")}{(cell.Heat > 0 ? cell.IsWrong ? " hw" : " h" : "")}{(isLong ? " l" : "")}".Trim();
        if (kind.Length > 0) page.Append(" class=\"").Append(kind).Append('"');
        if (cell.Heat > 0) page.Append(Format.Invariant($" style=\"--h:{100 * cell.Heat:0}%\""));
        page.Append('>').Append(Text(cell.Text)).Append("</").Append(tag).Append('>');
    }

    private static void AppendChart(StringBuilder page, ReportChart chart, string id)
    {
        page.Append("<figure>\n<figcaption>").Append(Text(chart.Title)).Append("</figcaption>\n").Append(ChartDrawing.Svg(chart, id)).Append('\n');
        IReadOnlyList<(string Name, OxyColor Color, int Mark)> legend = ChartDrawing.Legend(chart);
        if (legend.Count > 0)
        {
            page.Append("<ul class=\"legend\">\n");
            foreach ((string name, OxyColor color, int mark) in legend)
            {
                string shape = mark < 0 ? "" : (mark % 4) switch { 0 => " class=\"dot\"", 2 => " class=\"triangle\"", 3 => " class=\"diamond\"", _ => "" };
                page.Append("<li><i").Append(shape).Append(" style=\"background:var(").Append(ChartColors.VariableOf(color)).Append(")\"></i>")
                    .Append(Text(name)).Append("</li>\n");
            }

            page.Append("</ul>\n");
        }

        page.Append("</figure>\n");
    }

    /// <summary>Text from wherever it comes, with its invisible characters as escapes and nothing that is markup.</summary>
    private static string Text(string text) => WebUtility.HtmlEncode(VisibleText.Of(text));

    private static string Style()
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream(StyleResource)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
