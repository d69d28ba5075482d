using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using Thomas.App.Reports;
using Thomas.Data;
using Thomas.Training;

namespace Thomas.App.Results;

/// <summary>What a check of a data set found, as lines for people, as a table and for <c>--json</c>.</summary>
internal static class CheckText
{
    private const int ListedFindings = 5, ListedImages = 3;

    /// <summary>The findings of each kind under a heading, the worst kind first; without <paramref name="all"/> only the first few of each.</summary>
    public static IEnumerable<string> Lines(DatasetCheckResult result, bool all)
    {
        foreach (List<DatasetFinding> kind in ByKind(result))
        {
            yield return $"{(kind.Exists(static finding => finding.IsWarning) ? "warning" : "note")}: {Heading(kind, result.Dataset)}";
            int shown = all ? kind.Count : Math.Min(kind.Count, ListedFindings);
            for (int i = 0; i < shown; i++) yield return $"  {Line(kind[i], result.Dataset)}";
            if (shown < kind.Count) yield return $"  and {kind.Count - shown} more";
        }
    }

    /// <summary>Writes one line for each image of each finding, whole or not at all.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Save(string path, DatasetCheckResult result)
    {
        CsvTable table = new("finding", "kind", "severity", "match", "path", "label", "part", "message");
        int number = 0;
        foreach (DatasetFinding finding in result.Findings)
        {
            string[] first = [Format.Invariant($"{++number}"), NameOf(finding.Kind), Severity(finding), NameOf(finding.Match) ?? ""];
            if (finding.Images.Count == 0) table.AddRow([.. first, "", "", "", CsvTable.Name(finding.Message)]);
            foreach (Sample image in finding.Images)
            {
                table.AddRow([
                    .. first, CsvTable.Path(image.Image.Name), CsvTable.Name(result.Dataset.ClassNames[image.ClassIndex]), PartOf(image),
                    CsvTable.Name(finding.Message)]);
            }
        }

        table.Save(path);
    }

    /// <summary>The findings for <c>--json</c>.</summary>
    public static List<FindingReport> Report(DatasetCheckResult result)
    {
        List<FindingReport> reports = [];
        foreach (DatasetFinding finding in result.Findings)
        {
            List<FoundImageReport> images = [];
            foreach (Sample image in finding.Images)
            {
                string? part = image.Subset == Subset.Unassigned ? null : PartOf(image);
                images.Add(new FoundImageReport(image.Image.Name, result.Dataset.ClassNames[image.ClassIndex], part));
            }

            reports.Add(new FindingReport(NameOf(finding.Kind), Severity(finding), NameOf(finding.Match), finding.Message, images));
        }

        return reports;
    }

    private static List<List<DatasetFinding>> ByKind(DatasetCheckResult result)
    {
        List<List<DatasetFinding>> kinds = [];
        foreach (DatasetFinding finding in result.Findings)
        {
            if (kinds.Count == 0 || kinds[^1][0].Kind != finding.Kind) kinds.Add([]);
            kinds[^1].Add(finding);
        }

        return kinds;
    }

    private static string Heading(List<DatasetFinding> findings, Dataset dataset)
    {
        int count = findings.Count;
        return findings[0].Kind switch
        {
            FindingKind.Untrainable => "nothing can be trained on this data",
            FindingKind.TwoLabels => $"{Format.Plural(count, "image has", "images have")} several labels; a model can learn only one. Keep the right one.",
            FindingKind.AcrossParts => $"{Shared(findings, dataset)}: accuracy on them says nothing about new images. Keep each image in one part.",
            FindingKind.Unreadable => $"{Format.Plural(count, "file")} cannot be read as {(count == 1 ? "an image" : "images")} and will be left out",
            FindingKind.DoubtfulLabel => $"{Format.Plural(count, "image")} may carry the wrong label",
            FindingKind.AlikeNames => "class names that differ only slightly",
            FindingKind.FewValidationImages => "few validation images, so results are uncertain",
            FindingKind.FewImages => $"{Format.Plural(count, "class has", "classes have")} very few training images",
            FindingKind.OneColor => $"{Format.Plural(count, "image shows", "images show")} nothing but one color",
            FindingKind.Repeated => $"{Format.Plural(count, "image")} more than once in one class",
            FindingKind.SmallImage => $"{Format.Plural(count, "image is", "images are")} very small",
            FindingKind.GrayImage => $"{Format.Plural(count, "image is", "images are")} gray, most others have colors",
            FindingKind.Imbalance => "the classes differ much in their number of images",
            FindingKind.Reading => "how the data was read",
            _ => throw new UnreachableException($"Unknown {findings[0].Kind}."),
        };
    }

    /// <summary>How many of the images that check something are elsewhere too.</summary>
    private static string Shared(List<DatasetFinding> findings, Dataset dataset)
    {
        HashSet<string> validation = [], test = [];
        foreach (DatasetFinding finding in findings)
        {
            foreach (Sample image in finding.Images)
            {
                if (image.Subset == Subset.Validation) validation.Add(image.Image.Name);
                if (image.Subset == Subset.Test) test.Add(image.Image.Name);
            }
        }

        List<string> shares = [];
        if (validation.Count > 0) shares.Add($"{validation.Count} of {dataset.Only(Subset.Validation).Samples.Count} validation images");
        if (test.Count > 0) shares.Add($"{test.Count} of {dataset.Only(Subset.Test).Samples.Count} test images");
        return $"{string.Join(" and ", shares)} {(validation.Count + test.Count == 1 ? "is" : "are")} in another part too";
    }

    private static string Line(DatasetFinding finding, Dataset dataset)
    {
        if (finding.Images.Count == 0) return finding.Message;
        List<string> names = [];
        for (int i = 0; i < finding.Images.Count && i < ListedImages; i++) names.Add(Short(finding.Images[i].Image.Name, dataset.Name));
        if (finding.Images.Count > ListedImages) names.Add(Format.Invariant($"{finding.Images.Count - ListedImages} more"));
        return $"{string.Join(" and ", names)}: {finding.Message}";
    }

    /// <summary>A path below the data folder, or below that of the data's list.</summary>
    private static string Short(string name, string data)
    {
        string? folder = Directory.Exists(data) ? data : Path.GetDirectoryName(Path.GetFullPath(data));
        if (string.IsNullOrEmpty(folder)) return name;
        folder = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        return name.StartsWith(folder, StringComparison.Ordinal) ? name[folder.Length..] : name;
    }

    private static string Severity(DatasetFinding finding) => finding.IsWarning ? "warning" : "note";

    private static string PartOf(Sample image) => image.Subset switch
    {
        Subset.Train => "train",
        Subset.Validation => "validation",
        Subset.Test => "test",
        Subset.Unassigned => "",
        _ => throw new UnreachableException($"Unknown {image.Subset}."),
    };

    private static string? NameOf(ImageMatch? match) => match switch
    {
        null => null,
        ImageMatch.Bytes => "bytes",
        ImageMatch.Pixels => "pixels",
        ImageMatch.Similar => "similar",
        _ => throw new UnreachableException($"Unknown {match}."),
    };

    private static string NameOf(FindingKind kind) => kind switch
    {
        FindingKind.Untrainable => "untrainable",
        FindingKind.TwoLabels => "two-labels",
        FindingKind.AcrossParts => "across-parts",
        FindingKind.Unreadable => "unreadable",
        FindingKind.DoubtfulLabel => "doubtful-label",
        FindingKind.AlikeNames => "alike-names",
        FindingKind.FewValidationImages => "few-validation-images",
        FindingKind.FewImages => "few-images",
        FindingKind.OneColor => "one-color",
        FindingKind.Repeated => "repeated",
        FindingKind.SmallImage => "small-image",
        FindingKind.GrayImage => "gray-image",
        FindingKind.Imbalance => "imbalance",
        FindingKind.Reading => "reading",
        _ => throw new UnreachableException($"Unknown {kind}."),
    };
}
