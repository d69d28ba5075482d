using System.Collections.Generic;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>What the types of a report do not say and its readers rely on.</summary>
internal static class ReportCheck
{
    /// <summary>What is wrong with a report that was read from a file, as a clause; null for nothing.</summary>
    public static string? Problem(StudyReport report)
    {
        ReportHeader header = report.Header;
        string? problem = MissingElement("timings", report.Timings) ?? MissingElement("kernels", report.Kernels)
            ?? MissingElement("accuracies", report.Accuracies) ?? MissingElement("absent", report.Absent) ?? MissingElement("published", report.Published)
            ?? MissingElement("stages", report.Stages) ?? MissingElement("notes", report.Notes) ?? MissingElement("devices", header.Devices);
        if (problem is not null) return problem;
        foreach (TimingCell cell in report.Timings)
        {
            if (cell.Batch < 1) return $"the cell '{VisibleText.Of(cell.Id)}' has a batch of {cell.Batch}";
        }

        foreach (KernelProfile profile in report.Kernels)
        {
            if (MissingElement("parts", profile.Parts) is string part) return part;
        }

        foreach (AccuracyRun run in report.Accuracies)
        {
            problem = MissingElement("labels", run.Labels) ?? MissingElement("epochs", run.Epochs) ?? Of(run, run.Before) ?? Of(run, run.After)
                ?? Of(run, run.AfterLastLayer) ?? Of(run, run.Test);
            if (problem is not null) return problem;
        }

        return report.Sensors is SensorRecord sensors ? Of(sensors) : null;
    }

    private static string? Of(AccuracyRun run, AccuracyReport? accuracy)
    {
        if (accuracy is null) return null;
        if (MissingElement("classes", accuracy.Classes) is string missing) return missing;
        if (accuracy.Confusion is not int[][] matrix) return null;
        bool isSquare = matrix.Length == run.Labels.Count;
        foreach (int[]? row in matrix) isSquare &= row is not null && row.Length == matrix.Length;
        return isSquare
            ? null
            : $"the confusion matrix of '{VisibleText.Of(run.Id)}' does not have a row and a column for each of its {run.Labels.Count} labels";
    }

    private static string? Of(SensorRecord sensors)
    {
        if ((MissingElement("series", sensors.Series) ?? MissingElement("absent", sensors.Absent)) is string missing) return missing;
        foreach (SensorSeries series in sensors.Series)
        {
            if (series.Seconds.Count != series.Values.Count)
            {
                return $"the sensor '{VisibleText.Of(series.Name)}' has {series.Values.Count} values at {series.Seconds.Count} times";
            }
        }

        return null;
    }

    /// <summary>JSON may have null where a list has no type for it.</summary>
    private static string? MissingElement<T>(string name, IReadOnlyList<T> list)
        where T : class
    {
        foreach (T? element in list)
        {
            if (element is null) return $"an element of \"{name}\" is null";
        }

        return null;
    }
}
