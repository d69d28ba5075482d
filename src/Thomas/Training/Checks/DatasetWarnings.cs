using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>
/// The findings that training and evaluation tell unasked, since they cost nothing there: images with the same bytes that are in two parts, or have two labels.
/// </summary>
internal static class DatasetWarnings
{
    /// <summary>A sentence for each kind.</summary>
    /// <param name="learned">The training images.</param>
    /// <param name="checks">The validation images.</param>
    /// <param name="classNames">Names of the classes.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<Sample> learned, IReadOnlyList<Sample> checks, IReadOnlyList<string> classNames, CancellationToken cancellation = default)
    {
        Sample[] samples = [.. learned, .. checks];
        int shared = 0, conflicts = 0;
        string example = "", conflict = "";
        foreach (List<int> group in SameImages.ByBytes(samples, cancellation))
        {
            // Numbers rise in a group, and training images come first.
            Sample first = samples[group[0]];
            foreach (int i in group)
            {
                if (group[0] >= learned.Count || i < learned.Count) continue;
                if (shared++ == 0) example = $"'{samples[i].Image.Name}' is '{first.Image.Name}'";
            }

            int other = group.FindIndex(i => samples[i].ClassIndex != first.ClassIndex);
            if (other < 0) continue;
            if (conflicts++ == 0) conflict = $"{Labeled(first, classNames)} and {Labeled(samples[group[other]], classNames)} are the same";
        }

        List<string> warnings = [];
        if (shared > 0)
        {
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{shared} of {checks.Count} validation images {(shared == 1 ? "is a training image" : "are training images")} too ({example}): accuracy on "
                + $"them says nothing about new images. 'check' lists them."));
        }

        if (conflicts > 0)
        {
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{conflicts} image{(conflicts == 1 ? " has" : "s have")} more than one label ({conflict}), and a model can learn only one. 'check' lists "
                + $"them."));
        }

        return warnings;
    }

    private static string Labeled(Sample sample, IReadOnlyList<string> classNames) => $"'{sample.Image.Name}' ({classNames[sample.ClassIndex]})";
}
