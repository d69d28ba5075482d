using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Thomas.Training;

namespace Thomas.App.Demo;

/// <summary>The figures of the demonstration for people: a table, and what it says.</summary>
internal static class DemoTable
{
    /// <summary>Differences below so many standard errors may be chance.</summary>
    private const double Significance = 2;

    /// <summary>A line for each policy.</summary>
    public static string ToText(IReadOnlyList<DemoTuning> tunings)
    {
        StringBuilder text = new();
        text.Append(Format.Invariant($"{"policy",-8} {"trained",9} {"own images",14} {"test before",12} {"test after",11} {"time",9} {"memory of a step",17}"));
        foreach (DemoTuning t in tunings)
        {
            string own = Format.Invariant($"{t.Own.Correct} of {t.Own.Total}");
            text.Append(string.Create(
                CultureInfo.InvariantCulture,
                $"\n{t.Policy,-8} {t.TrainedParameters,9:#,0} {own,14} {Format.Percent(t.Before.Accuracy),12} {Format.Percent(t.After.Accuracy),11} "
                + $"{Format.Duration(t.Duration),9} {Format.Bytes(t.StepBytes),17}"));
        }

        return text.ToString();
    }

    /// <summary>
    /// Compares the kept model with the network that had to learn everything from the same images. Counts as different what is more than two standard errors of
    /// the difference of two shares apart (binomial; the images are the same ones, so the true error is smaller).
    /// </summary>
    public static string Conclude(DemoTuning kept, DemoTuning scratch)
    {
        double tuned = kept.After.Accuracy, alone = scratch.After.Accuracy, error = StandardError(kept.After, scratch.After);
        string verdict = tuned - alone > Significance * error
            ? Format.Invariant($"knowing digits avoided {(tuned - alone) / (1 - alone):0%} of the mistakes")
            : alone - tuned > Significance * error
                ? "starting from random weights was better here"
                : Format.Invariant($"{kept.After.Total} images are too few to tell the two apart");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"After {kept.Own.Total} letters, the network that knew digits, tuned by '{kept.Policy}', gets {tuned:0.0%} of {kept.After.Total:#,0} new "
            + $"letters right; the same network from random weights gets {alone:0.0%}: {verdict}.");
    }

    private static double StandardError(ConfusionMatrix a, ConfusionMatrix b) =>
        Math.Sqrt((a.Accuracy * (1 - a.Accuracy) / a.Total) + (b.Accuracy * (1 - b.Accuracy) / b.Total));
}
