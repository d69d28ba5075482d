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

    /// <summary>
    /// A table whose columns are as wide as their cells. Where they do not all fit, cells say less, then minor columns are left out, then columns get narrower.
    /// </summary>
    private static void Print(ReportTable table, Action<string> writeLine)
    {
        foreach (string line in Wrap(VisibleText.Of(table.Caption), Columns)) writeLine(line);
        List<string[]> lines = Lines(table, isShort: false);
        if (Width(lines, table) > Columns) lines = Lines(table, isShort: true);
        if (Width(lines, table) > Columns)
        {
            int[] kept = Array.FindAll(Indexes(table), c => !table.Columns[c].IsMinor);
            table = new ReportTable(
                table.Caption, Array.ConvertAll(kept, c => table.Columns[c]), [.. Rows(table, row => Array.ConvertAll(kept, c => row[c]))]);
            lines = Lines(table, isShort: true);
        }

        int[] widths = Widths(lines, table);
        foreach (string[] line in lines) PrintRow(table, line, widths, writeLine);
    }

    private static List<string[]> Lines(ReportTable table, bool isShort)
    {
        List<string[]> lines = [.. Rows(table, row => Array.ConvertAll(row, cell => VisibleText.Of(isShort ? cell.Short ?? cell.Text : cell.Text)))];
        string[] headings = Array.ConvertAll(Indexes(table), c => VisibleText.Of(table.Columns[c].Name));
        if (Array.Exists(headings, static heading => heading.Length > 0)) lines.Insert(0, headings);
        return lines;
    }

    private static IEnumerable<T> Rows<T>(ReportTable table, Func<ReportCell[], T> convert)
    {
        foreach (ReportCell[] row in table.Rows) yield return convert(row);
    }

    private static int[] Indexes(ReportTable table)
    {
        int[] indexes = new int[table.Columns.Count];
        for (int c = 0; c < indexes.Length; c++) indexes[c] = c;
        return indexes;
    }

    private static int Width(List<string[]> lines, ReportTable table)
    {
        int width = Gap * table.Columns.Count;
        foreach (int column in Widest(lines, table)) width += column;
        return width;
    }

    private static int[] Widest(List<string[]> lines, ReportTable table)
    {
        int[] widths = new int[table.Columns.Count];
        foreach (string[] line in lines)
        {
            for (int c = 0; c < widths.Length; c++) widths[c] = Math.Max(widths[c], VisibleText.Width(line[c]));
        }

        return widths;
    }

    private static int[] Widths(List<string[]> lines, ReportTable table)
    {
        int[] widths = Widest(lines, table);
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
