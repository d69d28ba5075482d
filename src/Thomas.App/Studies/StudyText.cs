using System;
using System.Collections.Generic;
using System.Text;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>A report on a terminal of a hundred columns.</summary>
internal static class StudyText
{
    private const int Columns = 100, Gap = 2, LeastColumn = 8;

    /// <summary>Writes a report line by line; samples and folded tables are for the page.</summary>
    public static void Print(StudyReport report, Action<string> writeLine)
    {
        writeLine(VisibleText.Of(report.Title));
        if (!report.Header.IsComplete) writeLine("not complete: the run was interrupted");
        foreach (ReportSection section in ReportSections.Of(report))
        {
            if (section.Id == "samples") continue;
            writeLine("");
            writeLine(section.Title.ToUpperInvariant());
            foreach (ReportBlock block in section.Blocks) Print(block, writeLine);
        }
    }

    private static void Print(ReportBlock block, Action<string> writeLine)
    {
        switch (block)
        {
            case ReportHeading heading:
                writeLine("");
                writeLine(VisibleText.Shorten(heading.Text, Columns));
                break;
            case ReportText text:
                foreach (string line in Wrap(VisibleText.Of(text.Text), Columns)) writeLine(line);
                break;
            case ReportList list:
                foreach (string item in list.Items)
                {
                    string mark = "- ";
                    foreach (string line in Wrap(VisibleText.Of(item), Columns - mark.Length))
                    {
                        writeLine(mark + line);
                        mark = "  ";
                    }
                }

                break;
            case ReportTable { IsFolded: false } table:
                writeLine("");
                Print(table, writeLine);
                break;
        }
    }

    /// <summary>A table whose columns are as wide as their cells, or narrower where they do not all fit; text that is cut keeps both ends.</summary>
    private static void Print(ReportTable table, Action<string> writeLine)
    {
        writeLine(VisibleText.Shorten(table.Caption, Columns));
        List<string[]> lines = [];
        bool hasHeadings = false;
        string[] headings = new string[table.Columns.Count];
        for (int c = 0; c < headings.Length; c++)
        {
            headings[c] = VisibleText.Of(table.Columns[c].Name);
            hasHeadings |= headings[c].Length > 0;
        }

        if (hasHeadings) lines.Add(headings);
        foreach (ReportCell[] row in table.Rows) lines.Add(Array.ConvertAll(row, static cell => VisibleText.Of(cell.Text)));
        int[] widths = Widths(lines, table);
        foreach (string[] line in lines) PrintRow(table, line, widths, writeLine);
    }

    private static int[] Widths(List<string[]> lines, ReportTable table)
    {
        int[] widths = new int[table.Columns.Count];
        foreach (string[] line in lines)
        {
            for (int c = 0; c < widths.Length; c++) widths[c] = Math.Max(widths[c], VisibleText.Width(line[c]));
        }

        int over = (Gap * widths.Length) - Columns;
        foreach (int width in widths) over += width;
        for (; over > 0; over--)
        {
            int widest = 0;
            for (int c = 1; c < widths.Length; c++)
            {
                if (widths[c] >= widths[widest]) widest = c;
            }

            if (widths[widest] <= LeastColumn) break;
            widths[widest]--;
        }

        return widths;
    }

    /// <summary>A row; cells that are wider than their column go on in further lines.</summary>
    private static void PrintRow(ReportTable table, string[] cells, int[] widths, Action<string> writeLine)
    {
        List<string>[] wrapped = new List<string>[cells.Length];
        int height = 0;
        for (int c = 0; c < cells.Length; c++)
        {
            wrapped[c] = Wrap(cells[c], widths[c]);
            height = Math.Max(height, wrapped[c].Count);
        }

        for (int i = 0; i < height; i++)
        {
            StringBuilder line = new();
            for (int c = 0; c < cells.Length; c++)
            {
                string text = i < wrapped[c].Count ? wrapped[c][i] : "", room = new(' ', Math.Max(0, widths[c] - VisibleText.Width(text)));
                line.Append(' ', Gap).Append(table.Columns[c].IsNumber ? room + text : text + room);
            }

            writeLine(line.ToString().TrimEnd());
        }
    }

    /// <summary>Lines of words; a word that is wider than a line is cut in its middle.</summary>
    private static List<string> Wrap(string text, int width)
    {
        List<string> lines = [];
        StringBuilder line = new();
        foreach (string word in text.Split(' '))
        {
            string piece = VisibleText.Shorten(word, Math.Max(2, width));
            if (line.Length > 0 && VisibleText.Width(line.ToString()) + 1 + VisibleText.Width(piece) > width)
            {
                lines.Add(line.ToString());
                line.Clear();
            }

            if (line.Length > 0) line.Append(' ');
            line.Append(piece);
        }

        lines.Add(line.ToString());
        return lines;
    }
}
