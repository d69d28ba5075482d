using System.Collections.Generic;

namespace Thomas.App.Studies;

// What a report says, before it becomes a page, Markdown or lines on a terminal.

/// <summary>A part of a report under a heading.</summary>
/// <param name="Id">Short name, for links.</param>
/// <param name="Title">The heading.</param>
/// <param name="Blocks">What is in it, in order.</param>
internal sealed record ReportSection(string Id, string Title, IReadOnlyList<ReportBlock> Blocks);

/// <summary>A piece of a section.</summary>
internal abstract record ReportBlock;

/// <summary>A smaller heading.</summary>
internal sealed record ReportHeading(string Text) : ReportBlock;

/// <summary>A paragraph.</summary>
internal sealed record ReportText(string Text) : ReportBlock;

/// <summary>Sentences, one below the other.</summary>
internal sealed record ReportList(IReadOnlyList<string> Items) : ReportBlock;

/// <summary>A table.</summary>
/// <param name="Caption">What it shows.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Rows">Its rows, each with a cell for every column.</param>
internal sealed record ReportTable(string Caption, IReadOnlyList<ReportColumn> Columns, IReadOnlyList<ReportCell[]> Rows) : ReportBlock
{
    /// <summary>How many columns on the left name the row.</summary>
    public int Names { get; init; } = 1;

    /// <summary>Whether a page shows it only when it is asked for: long, and not what most readers look for.</summary>
    public bool IsFolded { get; init; }
}

/// <summary>A column.</summary>
/// <param name="Name">Its heading.</param>
/// <param name="IsNumber">Whether it holds numbers, which are set to the right.</param>
internal sealed record ReportColumn(string Name, bool IsNumber = true)
{
    /// <summary>Whether a terminal that is too narrow for all columns leaves it out.</summary>
    public bool IsMinor { get; init; }
}

/// <summary>A cell of a table.</summary>
/// <param name="Text">What is in it.</param>
internal sealed record ReportCell(string Text)
{
    /// <summary>The same in fewer characters, for a terminal.</summary>
    public string? Short { get; init; }

    /// <summary>0 to 1: how strongly a page colors it.</summary>
    public double Heat { get; init; }

    /// <summary>Whether the color is that of something wrong.</summary>
    public bool IsWrong { get; init; }

    public static implicit operator ReportCell(string text) => new(text);
}

/// <summary>A chart, of which only pages show a drawing; its figures stand in a table too.</summary>
/// <param name="Title">What it shows, with the unit.</param>
/// <param name="Description">The same in a sentence for those who cannot see it.</param>
internal abstract record ReportChart(string Title, string Description) : ReportBlock;

/// <summary>Horizontal bars, each below its label.</summary>
internal sealed record BarChart(string Title, string Description, IReadOnlyList<Bar> Bars) : ReportChart(Title, Description)
{
    /// <summary>A mark at each bar, such as 1 for ratios; null for none.</summary>
    public double? Reference { get; init; }

    /// <summary>The largest possible value; null where there is none.</summary>
    public double? Most { get; init; }

    /// <summary>Whether the scale may be logarithmic.</summary>
    public bool MayBeLogarithmic { get; init; }
}

/// <summary>A bar with its interval; both ends are the value itself where there is none.</summary>
internal sealed record Bar(string Label, double Value, double Low, double High)
{
    /// <summary>Bars of one kind have one color.</summary>
    public int Kind { get; init; }
}

/// <summary>Horizontal bars made of parts.</summary>
internal sealed record StackedChart(string Title, string Description, IReadOnlyList<string> Parts, IReadOnlyList<StackedBar> Bars)
    : ReportChart(Title, Description);

/// <summary>A bar made of parts.</summary>
/// <param name="Label">What it is.</param>
/// <param name="Values">A value for each part.</param>
/// <param name="Whole">What the parts should add up to, which is marked.</param>
internal sealed record StackedBar(string Label, IReadOnlyList<double> Values, double Whole);

/// <summary>Lines over a common axis.</summary>
internal sealed record LineChart(string Title, string Description, string Horizontal, IReadOnlyList<Line> Lines) : ReportChart(Title, Description)
{
    /// <summary>Whether a step to the right doubles the value, as for batch sizes.</summary>
    public bool Doubles { get; init; }

    /// <summary>Whether the lines show shares.</summary>
    public bool AreShares { get; init; }

    /// <summary>Whether the points are marked.</summary>
    public bool HasMarks { get; init; }

    /// <summary>Whether the vertical axis begins at zero.</summary>
    public bool FromZero { get; init; }
}

/// <summary>A line; values that are no numbers interrupt it.</summary>
internal sealed record Line(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);
