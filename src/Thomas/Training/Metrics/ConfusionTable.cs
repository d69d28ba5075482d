using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Thomas.Training;

/// <summary>Lays out a confusion matrix for a terminal.</summary>
internal static class ConfusionTable
{
    private const int MaxMatrixClasses = 20;
    private const int MaxNameWidth = 24;
    private const int ListedPairs = 10;

    public static string Format(ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        StringBuilder text = new();
        if (matrix.Classes <= MaxMatrixClasses) AppendMatrix(text, matrix, names);
        else AppendList(text, matrix, names);
        text.Append(
            CultureInfo.InvariantCulture,
            $"accuracy {matrix.Accuracy:0.0%} ({matrix.Correct} of {matrix.Total}{Interval(matrix)}), mean recall {matrix.MacroRecall:0.0%}");
        return text.ToString();
    }

    /// <summary>Below 200 samples the accuracy alone says more than is known.</summary>
    private static string Interval(ConfusionMatrix matrix) =>
        matrix.Total is > 0 and < ShareInterval.ManySamples ? $"; 95% interval {matrix.AccuracyInterval}" : "";

    private static void AppendMatrix(StringBuilder text, ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        int nameWidth = "true \\ predicted".Length, countWidth = 3;
        for (int a = 0; a < matrix.Classes; a++)
        {
            nameWidth = Math.Max(nameWidth, VisibleText.Width(Name(names, a)));
            for (int p = 0; p < matrix.Classes; p++) countWidth = Math.Max(countWidth, Digits(matrix[a, p]));
        }

        // Columns carry the number of the class: twenty names do not fit beside each other.
        int labelWidth = Digits(matrix.Classes - 1);
        text.Append("true \\ predicted".PadRight(nameWidth + labelWidth + 1));
        for (int p = 0; p < matrix.Classes; p++) text.Append(' ').Append(Number(p).PadLeft(countWidth));
        text.Append("   recall\n");
        for (int a = 0; a < matrix.Classes; a++)
        {
            text.Append(Number(a).PadLeft(labelWidth)).Append(' ').Append(VisibleText.Pad(Name(names, a), nameWidth));
            for (int p = 0; p < matrix.Classes; p++) text.Append(' ').Append((matrix[a, p] == 0 ? "." : Number(matrix[a, p])).PadLeft(countWidth));
            ClassMetrics metrics = matrix.OfClass(a);
            text.Append("   ").Append(Share(metrics.Recall)).Append(metrics.Support == 0 ? "" : $" of {Number(metrics.Support)}").Append('\n');
        }

        text.Append("precision".PadRight(nameWidth + labelWidth + 1));
        for (int p = 0; p < matrix.Classes; p++)
        {
            double? precision = matrix.OfClass(p).Precision;
            string percent = precision is null ? "-" : (100 * precision.Value).ToString("0", CultureInfo.InvariantCulture);
            text.Append(' ').Append(percent.PadLeft(countWidth));
        }

        text.Append("   %\n");
    }

    private static void AppendList(StringBuilder text, ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        int nameWidth = "class".Length;
        IReadOnlyList<ClassMetrics> classes = matrix.PerClass();
        foreach (ClassMetrics c in classes)
        {
            if (c.Support > 0 || c.Predicted > 0) nameWidth = Math.Max(nameWidth, VisibleText.Width(Name(names, c.Class)));
        }

        text.Append("class".PadRight(nameWidth)).Append("  samples   recall  precision\n");
        foreach (ClassMetrics c in classes)
        {
            if (c.Support == 0 && c.Predicted == 0) continue;
            text.Append(VisibleText.Pad(Name(names, c.Class), nameWidth)).Append("  ").Append(Number(c.Support).PadLeft(7));
            text.Append("   ").Append(Share(c.Recall)).Append("     ").Append(Share(c.Precision)).Append('\n');
        }

        IReadOnlyList<ConfusedPair> pairs = matrix.MostConfused(ListedPairs);
        if (pairs.Count > 0) text.Append("most frequent mistakes:\n");
        foreach (ConfusedPair pair in pairs)
            text.Append(CultureInfo.InvariantCulture, $"{pair.Count,9}  {Name(names, pair.Actual)} predicted as {Name(names, pair.Predicted)}\n");
    }

    private static string Name(IReadOnlyList<string> names, int index)
    {
        string name = index < names.Count && names[index].Length > 0 ? names[index] : "class " + Number(index);
        return VisibleText.Shorten(name, MaxNameWidth);
    }

    private static string Share(double? share) =>
        (share is null ? "-" : share.Value.ToString("0.0%", CultureInfo.InvariantCulture)).PadLeft(6);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static int Digits(int value) => Number(value).Length;
}
