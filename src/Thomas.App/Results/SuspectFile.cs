using System.Collections.Generic;
using System.Diagnostics;
using Thomas.App.Reports;
using Thomas.Data;
using Thomas.Training;

namespace Thomas.App.Results;

/// <summary>Images that may carry the wrong label, as the file of <c>--suspects</c> and as a line for people.</summary>
internal static class SuspectFile
{
    public static void Save(string path, IReadOnlyList<LabelSuspect> suspects, IReadOnlyList<string> classes)
    {
        CsvTable table = new("path", "label", "suggested", "doubt", "convincing", "part");
        foreach (LabelSuspect suspect in suspects)
        {
            table.AddRow(
                CsvTable.Path(suspect.Sample.Image.Name),
                CsvTable.Name(classes[suspect.Sample.ClassIndex]),
                CsvTable.Name(classes[suspect.Suggested]),
                CsvTable.Number(suspect.Doubt),
                suspect.IsConvincing ? "1" : "0",
                suspect.Sample.Subset switch
                {
                    Subset.Train => "train",
                    Subset.Validation => "validation",
                    Subset.Test => "test",
                    Subset.Unassigned => "",
                    _ => throw new UnreachableException($"Unknown {suspect.Sample.Subset}."),
                });
        }

        table.Save(path);
    }

    /// <summary>How many suspects are convincing; they come first.</summary>
    public static int Convincing(IReadOnlyList<LabelSuspect> suspects)
    {
        int count = 0;
        while (count < suspects.Count && suspects[count].IsConvincing) count++;
        return count;
    }

    /// <summary>What is to be told of them unasked; null if nothing is.</summary>
    public static string? Note(IReadOnlyList<LabelSuspect>? suspects, IReadOnlyList<string> classes)
    {
        if (suspects is null || Convincing(suspects) is not (> 0 and int count)) return null;
        LabelSuspect first = suspects[0];
        return $"{Format.Plural(count, "image")} may carry the wrong label, {(count == 1 ? "" : "such as ")}'{first.Sample.Image.Name}' (labeled "
            + $"'{classes[first.Sample.ClassIndex]}', looks like '{classes[first.Suggested]}'); --suspects FILE.csv lists {(count == 1 ? "it" : "them")}";
    }

    /// <summary>The convincing ones, for <c>--json</c>.</summary>
    public static List<SuspectReport>? Report(IReadOnlyList<LabelSuspect>? suspects, IReadOnlyList<string> classes)
    {
        if (suspects is null) return null;
        List<SuspectReport> reports = [];
        foreach (LabelSuspect suspect in suspects)
        {
            if (!suspect.IsConvincing) break;
            reports.Add(new SuspectReport(
                suspect.Sample.Image.Name, classes[suspect.Sample.ClassIndex], classes[suspect.Suggested], suspect.Doubt));
        }

        return reports;
    }
}
