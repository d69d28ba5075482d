using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Draws charts with OxyPlot. They are as wide as a phone, so that their text is not scaled down there; legends belong to the page.</summary>
internal static class ChartDrawing
{
    private const double Width = 360, RowHeight = 36, LinesHeight = 230, FontSize = 12, AxisHeight = 30;

    // Places within the row of a bar, which has the height 1: the bar below, its label above.
    private const double BarFrom = 0.06, BarTo = 0.46, LabelAt = 0.56, Whisker = 0.13;

    // Bars of which the longest is this many times the shortest cannot be compared on a linear scale.
    private const double LogarithmicFrom = 20;

    // Twelve points of Arial in 340 pixels.
    private const int LabelColumns = 52;

    /// <summary>The drawing as SVG.</summary>
    public static string Svg(ReportChart chart, string id)
    {
        (PlotModel model, double height) = chart switch
        {
            BarChart bars => Draw(bars),
            StackedChart stacked => Draw(stacked),
            LineChart lines => Draw(lines),
            _ => throw new System.Diagnostics.UnreachableException($"Unknown {chart.GetType()}."),
        };
        return SvgDrawing.Of(model, Width, height, chart.Title, chart.Description, id);
    }

    /// <summary>Names and colors of a chart; empty where it needs none.</summary>
    public static IReadOnlyList<(string Name, OxyColor Color, int Mark)> Legend(ReportChart chart) => chart switch
    {
        StackedChart stacked => [
            .. stacked.Parts.Select((part, i) => (part, PartColor(stacked, i), -1)).Where((_, i) => stacked.Bars.Any(bar => bar.Values[i] > 0))],
        LineChart lines => [.. lines.Lines.Select((line, i) => (line.Name, ChartColors.Of(i), i))],
        _ => [],
    };

    private static (PlotModel Model, double Height) Draw(BarChart chart)
    {
        Bar[] bars = [.. chart.Bars.Where(bar => double.IsFinite(bar.Value))];
        double least = bars.Length == 0 ? 0 : bars.Min(bar => bar.Low), most = bars.Length == 0 ? 1 : bars.Max(bar => Math.Max(bar.High, bar.Value));
        if (chart.Reference is double line) most = Math.Max(most, line);
        bool isLogarithmic = chart.MayBeLogarithmic && least > 0 && most > LogarithmicFrom * bars.Min(bar => bar.Value);
        double from = isLogarithmic ? Math.Pow(10, Math.Floor(Math.Log10(least) + 0.01)) : 0;
        PlotModel model = Model();
        AddRows(model, isLogarithmic, from, chart.Most ?? (isLogarithmic ? most * 1.3 : most * 1.04), bars.Length);
        RectangleBarSeries rectangles = new() { StrokeColor = ChartColors.Ink, StrokeThickness = 0 };
        LineSeries whiskers = new() { Color = ChartColors.Ink, StrokeThickness = 1.2, LineStyle = LineStyle.Solid };

        // Around them the color of the paper, so that they show on bars of any color.
        LineSeries halo = new() { Color = ChartColors.Paper, StrokeThickness = 3.2, LineStyle = LineStyle.Solid };
        for (int i = 0; i < bars.Length; i++)
        {
            (double row, Bar bar) = (bars.Length - 1 - i, bars[i]);
            rectangles.Items.Add(new RectangleBarItem(from, row + BarFrom, Math.Max(bar.Value, from), row + BarTo) { Color = ChartColors.Of(bar.Kind) });
            if (chart.Reference is double reference) AddMark(model, reference, row, row + BarTo + BarFrom);
            AddLabel(model, bar.Label, from, row);
            if (bar.Low == bar.High) continue;
            double middle = row + ((BarFrom + BarTo) / 2);
            foreach ((double x, double y) in ((double, double)[])[
                (bar.Low, middle - Whisker), (bar.Low, middle + Whisker), (double.NaN, 0), (bar.Low, middle), (bar.High, middle), (double.NaN, 0),
                (bar.High, middle - Whisker), (bar.High, middle + Whisker), (double.NaN, 0)])
            {
                whiskers.Points.Add(double.IsNaN(x) ? DataPoint.Undefined : new DataPoint(x, y));
            }
        }

        model.Series.Add(rectangles);
        halo.Points.AddRange(whiskers.Points);
        foreach (LineSeries lines in (LineSeries[])[halo, whiskers]) if (lines.Points.Count > 0) model.Series.Add(lines);
        return (model, (RowHeight * bars.Length) + AxisHeight);
    }

    private static (PlotModel Model, double Height) Draw(StackedChart chart)
    {
        PlotModel model = Model();
        double most = chart.Bars.Max(bar => Math.Max(bar.Whole, bar.Values.Sum()));
        AddRows(model, isLogarithmic: false, 0, most * 1.02, chart.Bars.Count);
        RectangleBarSeries[] parts = [
            .. chart.Parts.Select((_, i) => new RectangleBarSeries
            {
                FillColor = PartColor(chart, i), StrokeColor = ChartColors.Paper, StrokeThickness = 0.6,
            })];
        for (int i = 0; i < chart.Bars.Count; i++)
        {
            (double row, StackedBar bar, double x) = (chart.Bars.Count - 1 - i, chart.Bars[i], 0);
            for (int p = 0; p < parts.Length; x += bar.Values[p++])
            {
                if (bar.Values[p] > 0) parts[p].Items.Add(new RectangleBarItem(x, row + BarFrom, x + bar.Values[p], row + BarTo));
            }

            AddLabel(model, bar.Label, 0, row);
            AddMark(model, bar.Whole, row, row + BarTo + BarFrom);
        }

        foreach (RectangleBarSeries part in parts) model.Series.Add(part);
        return (model, (RowHeight * chart.Bars.Count) + AxisHeight);
    }

    private static (PlotModel Model, double Height) Draw(LineChart chart)
    {
        PlotModel model = Model();
        double[] values = [.. chart.Lines.SelectMany(line => line.Y).Where(double.IsFinite)];
        double least = values.Length == 0 ? 0 : values.Min(), most = values.Length == 0 ? 1 : values.Max();
        if (chart.FromZero) least = Math.Min(0, least);
        double room = most > least ? 0.06 * (most - least) : Math.Max(1e-6, 0.1 * Math.Abs(most));
        LinearAxis x = Axis(AxisPosition.Bottom), y = Axis(AxisPosition.Left);
        (y.Minimum, y.Maximum) = (chart.FromZero ? least : least - room, chart.AreShares ? Math.Min(100, most + room) : most + room);
        if (chart.AreShares) y.Minimum = Math.Max(0, y.Minimum);
        if (y.Maximum <= y.Minimum) y.Maximum = y.Minimum + 1;
        y.MajorGridlineStyle = LineStyle.Solid;
        x.Title = chart.Horizontal;
        x.MinimumPadding = x.MaximumPadding = 0.04;
        if (chart.Doubles)
        {
            (x.MajorStep, x.LabelFormatter) = (1, static power => Tick(Math.Pow(2, power)));
        }
        else if (chart.Horizontal == "epoch") x.MinimumMajorStep = 1;
        model.Axes.Add(x);
        model.Axes.Add(y);
        for (int i = 0; i < chart.Lines.Count; i++) model.Series.Add(Series(chart, chart.Lines[i], i));
        return (model, LinesHeight);
    }

    private static LineSeries Series(LineChart chart, Line line, int index)
    {
        LineSeries series = new()
        {
            Color = ChartColors.Of(index),
            StrokeThickness = 2,
            LineStyle = LineStyle.Solid,
            LineJoin = LineJoin.Round,
            MarkerType = chart.HasMarks ? MarkOf(index) : MarkerType.None,
            MarkerSize = 3.5,
            MarkerFill = ChartColors.Of(index),
        };
        for (int i = 0; i < Math.Min(line.X.Count, line.Y.Count); i++)
        {
            series.Points.Add(double.IsFinite(line.Y[i]) ? new DataPoint(chart.Doubles ? Math.Log2(line.X[i]) : line.X[i], line.Y[i]) : DataPoint.Undefined);
        }

        return series;
    }

    /// <summary>The shape of a line's points: also those who see no colors tell lines apart.</summary>
    private static MarkerType MarkOf(int index) => (index % 4) switch
    {
        0 => MarkerType.Circle,
        1 => MarkerType.Square,
        2 => MarkerType.Triangle,
        _ => MarkerType.Diamond,
    };

    private static OxyColor PartColor(StackedChart chart, int part)
    {
        if (part == chart.Parts.Count - 1) return ChartColors.Other;
        return chart.Parts[part] == KernelKinds.NonKernel ? ChartColors.NonKernel : ChartColors.Of(part);
    }

    private static PlotModel Model() => new()
    {
        Culture = CultureInfo.InvariantCulture,
        DefaultFontSize = FontSize,
        TextColor = ChartColors.Ink,
        PlotAreaBorderThickness = new OxyThickness(0),
        PlotAreaBorderColor = ChartColors.Faint,
        Padding = new OxyThickness(1, 2, 6, 6),
        Background = OxyColors.Undefined,
        PlotAreaBackground = OxyColors.Undefined,
    };

    private static LinearAxis Axis(AxisPosition position) => Styled(new LinearAxis { MinorTickSize = 0 }, position);

    private static T Styled<T>(T axis, AxisPosition position)
        where T : Axis
    {
        axis.Position = position;
        axis.TicklineColor = axis.AxislineColor = axis.TitleColor = axis.TextColor = ChartColors.Faint;
        axis.AxislineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = ChartColors.Grid;
        axis.MajorTickSize = 4;
        axis.LabelFormatter = Tick;
        return axis;
    }

    private static string Tick(double value) => value.ToString("#,0.######", CultureInfo.InvariantCulture);

    /// <summary>The axes of a chart of bars: values below, rows without labels on the left.</summary>
    private static void AddRows(PlotModel model, bool isLogarithmic, double from, double to, int rows)
    {
        Axis values = isLogarithmic
            ? Styled(new LogarithmicAxis { MinorTickSize = 2, MinorTicklineColor = ChartColors.Faint }, AxisPosition.Bottom)
            : Axis(AxisPosition.Bottom);
        (values.Minimum, values.Maximum, values.MajorGridlineStyle) = (from, to > from ? to : from + 1, LineStyle.Solid);
        model.Axes.Add(values);
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Minimum = 0,
            Maximum = Math.Max(1, rows),
            TickStyle = TickStyle.None,
            LabelFormatter = static _ => "",
            AxislineStyle = LineStyle.Solid,
            AxislineColor = ChartColors.Faint,
        });
    }

    private static void AddLabel(PlotModel model, string label, double x, double row) => model.Annotations.Add(new TextAnnotation
    {
        Text = VisibleText.Shorten(label, LabelColumns),
        TextPosition = new DataPoint(x, row + LabelAt),
        TextColor = ChartColors.Ink,
        StrokeThickness = 0,
        Stroke = OxyColors.Undefined,
        TextHorizontalAlignment = HorizontalAlignment.Left,
        TextVerticalAlignment = VerticalAlignment.Bottom,
        Offset = new ScreenVector(3, 0),
    });

    private static void AddMark(PlotModel model, double x, double from, double to) => model.Annotations.Add(new LineAnnotation
    {
        Type = LineAnnotationType.Vertical,
        X = x,
        MinimumY = from,
        MaximumY = to,
        Color = ChartColors.Ink,
        StrokeThickness = 1.5,
        LineStyle = LineStyle.Solid,
    });
}
