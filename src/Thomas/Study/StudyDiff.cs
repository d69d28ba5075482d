using System;
using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>What a cell became from one report to another.</summary>
internal enum CellChange
{
    /// <summary>No change beyond the noise.</summary>
    Same,

    /// <summary>Slower.</summary>
    Slower,

    /// <summary>Faster.</summary>
    Faster,

    /// <summary>Shown and not judged: several threads or another device, which the loop of one thread says nothing about, or too few samples.</summary>
    Shown,
}

/// <summary>One cell of both reports.</summary>
/// <param name="Before">In the first.</param>
/// <param name="After">In the second.</param>
/// <param name="Ratio">Time after over time before; above 1 it is slower. Of judged cells scaled by the loop of multiply-adds beside each sample.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Change">What is made of it.</param>
internal sealed record CellDifference(TimingCell Before, TimingCell After, double Ratio, double Low, double High, CellChange Change);

/// <summary>Compares two reports with their noise.</summary>
/// <remarks>
/// Cells of one thread are judged: each sample is multiplied by what the machine's multiply-adds gave beside it, so that another clock or a busy neighbor
/// changes nothing, and a cell counts as slower (faster) if the whole interval of the ratio of medians lies more than <see cref="Tolerance"/> above (below) 1.
/// The intervals of all judged cells hold together with a probability of 95 % (Bonferroni).
/// </remarks>
internal sealed class StudyDiff
{
    /// <summary>What two runs of the same program may differ by for reasons that are in no run's own noise, such as where its memory lies.</summary>
    public const double Tolerance = 0.03;

    private const double Confidence = 0.95;

    private StudyDiff(IReadOnlyList<CellDifference> cells, IReadOnlyList<string> onlyBefore, IReadOnlyList<string> onlyAfter, IReadOnlyList<string> notes) =>
        (Cells, OnlyBefore, OnlyAfter, Notes) = (cells, onlyBefore, onlyAfter, notes);

    /// <summary>Cells that both reports have.</summary>
    public IReadOnlyList<CellDifference> Cells { get; }

    /// <summary>Identities that only the first has.</summary>
    public IReadOnlyList<string> OnlyBefore { get; }

    /// <summary>Identities that only the second has.</summary>
    public IReadOnlyList<string> OnlyAfter { get; }

    /// <summary>What else differs: machine, program.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>How many cells changed so.</summary>
    public int Count(CellChange change)
    {
        int count = 0;
        foreach (CellDifference cell in Cells) count += cell.Change == change ? 1 : 0;
        return count;
    }

    /// <summary>Compares.</summary>
    public static StudyDiff Of(StudyReport before, StudyReport after)
    {
        Dictionary<string, TimingCell> old = new(StringComparer.Ordinal);
        foreach (TimingCell cell in before.Timings) old[cell.Id] = cell;
        List<(TimingCell Before, TimingCell After)> pairs = [];
        List<string> onlyAfter = [];
        int judged = 0;
        foreach (TimingCell cell in after.Timings)
        {
            if (!old.Remove(cell.Id, out TimingCell? same)) onlyAfter.Add(cell.Id);
            else
            {
                pairs.Add((same, cell));
                if (IsJudged(same) && IsJudged(cell)) judged++;
            }
        }

        List<CellDifference> cells = [];
        double confidence = 1 - ((1 - Confidence) / Math.Max(1, judged));
        foreach ((TimingCell a, TimingCell b) in pairs) cells.Add(Compare(a, b, confidence));
        return new StudyDiff(cells, [.. old.Keys], onlyAfter, Different(before.Header, after.Header));
    }

    private static bool IsJudged(TimingCell cell) =>
        cell is { Stage: TimingCell.Step or TimingCell.Inference, Threads: 1, Device: "cpu" or "serial" }
        && cell.Samples.Count >= SampleStatistics.LeastForInterval;

    private static CellDifference Compare(TimingCell before, TimingCell after, double confidence)
    {
        if (!IsJudged(before) || !IsJudged(after))
        {
            (double plain, double from, double to) = SampleStatistics.Ratio(
                SampleStatistics.Seconds(after.Samples), SampleStatistics.Seconds(before.Samples));
            return new CellDifference(before, after, plain, from, to, CellChange.Shown);
        }

        (double ratio, double low, double high) = SampleStatistics.Ratio(Scaled(after.Samples), Scaled(before.Samples), confidence);
        CellChange change = low > 1 + Tolerance ? CellChange.Slower : high < 1 / (1 + Tolerance) ? CellChange.Faster : CellChange.Same;
        return new CellDifference(before, after, ratio, low, high, change);
    }

    /// <summary>Times as multiply-adds of the machine: what the time was worth when it was measured.</summary>
    private static double[] Scaled(IReadOnlyList<TimingSample> samples)
    {
        double[] scaled = new double[samples.Count];
        for (int i = 0; i < scaled.Length; i++) scaled[i] = samples[i].Seconds * samples[i].Gigaflops;
        return scaled;
    }

    private static List<string> Different(ReportHeader before, ReportHeader after)
    {
        List<string> notes = [];
        Compare("processor", before.Processor, after.Processor);
        Compare("instruction sets", before.Tier, after.Tier);
        Compare("system", before.System, after.System);
        Compare("runtime", before.Runtime, after.Runtime);
        Compare("version", before.Version, after.Version);
        Compare("commit", before.Commit ?? "unknown", after.Commit ?? "unknown");
        if (!before.IsComplete || !after.IsComplete) notes.Add($"the {(before.IsComplete ? "second" : "first")} report is of an interrupted study");
        return notes;

        void Compare(string what, string a, string b)
        {
            if (a != b) notes.Add($"{what}: {a}, then {b}");
        }
    }
}
