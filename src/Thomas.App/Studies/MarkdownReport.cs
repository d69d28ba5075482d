using System;
using System.Collections.Generic;
using System.Text;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>A report, or sections of it, as Markdown of the kind that GitHub shows: headings, sentences and tables, no charts.</summary>
internal static class MarkdownReport
{
    public static string Render(StudyReport report)
    {
        StringBuilder text = new();
        text.Append("# ").Append(Text(report.Title)).Append("\n\n");
        if (!report.Header.IsComplete) text.Append("This report is not complete: the run was interrupted.\n\n");
        foreach (ReportSection section in ReportSections.Of(report))
        {
            // Hundreds of numbers a line; report.json has them.
            if (section.Id == "samples") continue;
            text.Append("## ").Append(Text(section.Title)).Append("\n\n").Append(MarkdownTables.Of(section));
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>Text with what Markdown and HTML would take for markup as escapes.</summary>
    internal static string Text(string text)
    {
        string visible = VisibleText.Of(text);
        StringBuilder escaped = new();
        for (int i = 0; i < visible.Length; i++)
        {
            // Names have underscores inside words, where they are none of markup's.
            char c = visible[i];
            bool isInside = i > 0 && i + 1 < visible.Length && char.IsAsciiLetterOrDigit(visible[i - 1]) && char.IsAsciiLetterOrDigit(visible[i + 1]);
            if (c == '_' && isInside) escaped.Append(c);
            else if (@"\`*_{}[]|#~".Contains(c, StringComparison.Ordinal)) escaped.Append('\\').Append(c);
            else if (c == '<') escaped.Append("&lt;");
            else if (c == '>') escaped.Append("&gt;");
            else if (c == '&') escaped.Append("&amp;");
            else escaped.Append(c);
        }

        return escaped.ToString();
    }
}

/// <summary>Parts of a report as Markdown, for pages that are made from <c>report.json</c>.</summary>
internal static class MarkdownTables
{
    /// <summary>What is in a section, without its heading; empty if the report has nothing of it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="section">
    /// The short name of the section: "run", "notes", "absent", "speed", "peers", "kernels", "accuracy", "stages", "sensors", "published".
    /// </param>
    /// <param name="isBrief">Leaves out the tables that a page shows only when it is asked for.</param>
    public static string Of(StudyReport report, string section, bool isBrief = false) =>
        ReportSections.Find(report, section) is ReportSection found ? Of(found, isBrief) : "";

    /// <summary>What is in a section, without its heading.</summary>
    /// <param name="section">The section.</param>
    /// <param name="isBrief">Leaves out the tables that a page shows only when it is asked for.</param>
    public static string Of(ReportSection section, bool isBrief = false)
    {
        StringBuilder text = new();
        foreach (ReportBlock block in isBrief ? Brief(section.Blocks) : section.Blocks)
        {
            switch (block)
            {
                case ReportHeading heading: text.Append("### ").Append(MarkdownReport.Text(heading.Text)).Append("\n\n"); break;
                case ReportText paragraph: text.Append(MarkdownReport.Text(paragraph.Text)).Append("\n\n"); break;
                case ReportList list: Append(text, list); break;
                case ReportTable table: text.Append(Of(table)).Append('\n'); break;
                case ReportChart: break;
                default: throw new System.Diagnostics.UnreachableException($"Unknown {block.GetType()}.");
            }
        }

        return text.ToString();
    }

    /// <summary>The blocks without folded tables, and without headings that have no table left.</summary>
    private static List<ReportBlock> Brief(IReadOnlyList<ReportBlock> blocks)
    {
        List<ReportBlock> brief = [], part = [];
        foreach (ReportBlock block in blocks)
        {
            if (block is ReportHeading) End();
            if (block is not ReportTable { IsFolded: true }) part.Add(block);
        }

        End();
        return brief;

        void End()
        {
            if (part.Count > 0 && (part[0] is not ReportHeading || part.Exists(block => block is ReportTable))) brief.AddRange(part);
            part.Clear();
        }
    }

    /// <summary>A table under its caption.</summary>
    public static string Of(ReportTable table)
    {
        StringBuilder text = new();
        text.Append("**").Append(MarkdownReport.Text(table.Caption)).Append("**\n\n");
        AppendRow(text, table.Columns, static column => column.Name);
        AppendRow(text, table.Columns, static column => column.IsNumber ? "---:" : "---", isMarkup: true);
        foreach (ReportCell[] row in table.Rows) AppendRow(text, row, static cell => cell.Text);
        return text.ToString();
    }

    private static void Append(StringBuilder text, ReportList list)
    {
        foreach (string item in list.Items) text.Append("- ").Append(MarkdownReport.Text(item)).Append('\n');
        text.Append('\n');
    }

    private static void AppendRow<T>(StringBuilder text, IReadOnlyList<T> cells, Func<T, string> value, bool isMarkup = false)
    {
        text.Append('|');
        foreach (T cell in cells) text.Append(' ').Append(isMarkup ? value(cell) : MarkdownReport.Text(value(cell))).Append(" |");
        text.Append('\n');
    }
}
