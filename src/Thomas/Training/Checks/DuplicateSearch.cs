using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>
/// Groups images that are the same, first by their bytes, then by their pixels, then by their thumbnails, and says what is wrong with each group. Of a group
/// that is known already, one image stands for all in the next search, so nothing is told twice.
/// </summary>
/// <remarks>
/// Mirrored images are not compared: where left and right matter (arrows, letters), they are different images, and where they do not, training mirrors images
/// anyway.
/// </remarks>
internal sealed class DuplicateSearch(Dataset dataset, IReadOnlyList<ImageLook> looks)
{
    private readonly bool[] _isKnown = new bool[looks.Count];

    /// <summary>Adds the findings; false if there were too many alike images to compare them all.</summary>
    public bool Run(List<DatasetFinding> findings, CancellationToken cancellation)
    {
        foreach (List<int> group in SameImages.ByBytes(dataset.Samples, cancellation)) Take(group, ImageMatch.Bytes, findings);
        foreach (List<int> group in SameImages.Group<UInt128>(Unknown(), i => looks[i].PixelHash)) Take(group, ImageMatch.Pixels, findings);
        int[] parents = new int[looks.Count];
        for (int i = 0; i < parents.Length; i++) parents[i] = i;
        ImageLook?[] left = new ImageLook?[looks.Count];
        foreach (int i in Unknown()) left[i] = looks[i];
        bool isComplete = SimilarImages.Find(left, (a, b) => Join(parents, a, b), cancellation);
        foreach (List<int> group in SameImages.Group<int>(Unknown(), i => Root(parents, i))) Take(group, ImageMatch.Similar, findings);
        return isComplete;
    }

    private List<int> Unknown()
    {
        List<int> unknown = [];
        for (int i = 0; i < _isKnown.Length; i++)
        {
            if (!_isKnown[i]) unknown.Add(i);
        }

        return unknown;
    }

    private void Take(List<int> group, ImageMatch match, List<DatasetFinding> findings)
    {
        foreach (int i in group.GetRange(1, group.Count - 1)) _isKnown[i] = true;
        List<Sample> images = group.ConvertAll(i => dataset.Samples[i]);
        string how = match switch
        {
            ImageMatch.Bytes => "the same file",
            ImageMatch.Pixels => "the same pixels in different files",
            _ => "nearly the same image",
        };
        SortedSet<int> classes = [];
        SortedSet<Subset> parts = [];
        foreach (Sample image in images)
        {
            classes.Add(image.ClassIndex);
            parts.Add(image.Subset == Subset.Unassigned ? Subset.Train : image.Subset);
        }

        if (classes.Count > 1)
        {
            List<string> names = [];
            foreach (int c in classes) names.Add($"'{dataset.ClassNames[c]}'");
            findings.Add(new DatasetFinding(FindingKind.TwoLabels, images, $"{how}, labeled {string.Join(" and ", names)}") { Match = match });
        }

        if (parts.Count > 1)
        {
            List<string> names = [];
            foreach (Subset part in parts) names.Add(PartChecks.NameOf(part));
            findings.Add(new DatasetFinding(FindingKind.AcrossParts, images, $"{how} in {string.Join(" and ", names)}") { Match = match });
        }

        if (classes.Count > 1 || parts.Count > 1) return;
        bool mayBeDivided = images[0].Subset == Subset.Unassigned;
        string count = string.Create(CultureInfo.InvariantCulture, $"{how}, {images.Count} times in '{dataset.ClassNames[images[0].ClassIndex]}'");
        findings.Add(new DatasetFinding(
            FindingKind.Repeated, images, mayBeDivided ? $"{count}; one may be set aside to check what was learned from another" : count)
        {
            Match = match,
            IsWarning = mayBeDivided,
        });
    }

    private static void Join(int[] parents, int a, int b)
    {
        (int rootA, int rootB) = (Root(parents, a), Root(parents, b));
        parents[Math.Max(rootA, rootB)] = Math.Min(rootA, rootB);
    }

    private static int Root(int[] parents, int i)
    {
        while (parents[i] != i) i = parents[i] = parents[parents[i]];
        return i;
    }
}
