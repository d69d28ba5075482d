using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Where the time of steps goes, by kind of kernel: a chart and a table for each model, device and batch, with the policies side by side.</summary>
internal static class KernelSection
{
    private const string Other = "other";

    // As many as there are colors that can be told from each other.
    private const int MostKinds = 9;

    // What is never more than this share of a bar cannot be seen in it.
    private const double Visible = 0.03;

    public static List<ReportBlock> Of(IReadOnlyList<KernelProfile> profiles)
    {
        List<ReportBlock> blocks = [];
        if (profiles.Count == 0) return blocks;
        blocks.Add(new ReportText(
            "\"non-kernel\" is what the step takes besides its kernels: copying the batch, launching, waiting. The mark at a bar is the whole step as it was "
            + "measured without a clock around every kernel. What is never more than 3 % of a bar is in \"other\"; the tables have every kind."));
        List<string> kinds = Kinds(profiles), shown = Largest(profiles, kinds);
        List<ReportBlock> tables = [];
        foreach (((string Model, string Device, int Batch) key, List<KernelProfile> group) in ReportSections.Group(
            profiles, profile => (profile.Model, Figures.Device(profile.Device, profile.Threads, profile.Type, profile.Switches), profile.Batch)))
        {
            string name = $"{key.Model}, {key.Device}, {Format.Plural(key.Batch, "image")}";
            List<StackedBar> bars = [.. group.Select(profile => Bar(profile, shown))];
            blocks.Add(new StackedChart(
                $"{name}: time of a step by kind of kernel, milliseconds",
                $"Stacked bars of the time that each kind of kernel takes in a step of {name}; the figures stand in the table below.",
                [.. shown, Other], bars));
            tables.Add(Table(name, group, kinds));
        }

        return [.. blocks, .. tables];
    }

    /// <summary>Kinds that occur, in the order of the contract; others after them.</summary>
    private static List<string> Kinds(IReadOnlyList<KernelProfile> profiles)
    {
        HashSet<string> there = [.. profiles.SelectMany(profile => profile.Parts).Where(part => part.Seconds > 0).Select(part => part.Kind)];
        return [.. KernelProfile.Kinds.Where(there.Contains), .. there.Except(KernelProfile.Kinds).Order(StringComparer.Ordinal)];
    }

    /// <summary>Kinds that have a color of their own in all charts of the report, in their order.</summary>
    private static List<string> Largest(IReadOnlyList<KernelProfile> profiles, List<string> kinds)
    {
        Dictionary<string, double> shares = kinds.ToDictionary(kind => kind, kind => profiles.Max(profile => Seconds(profile, kind) / Sum(profile)));
        HashSet<string> largest = [
            .. kinds.Where(kind => shares[kind] >= Visible && kind != KernelKinds.NonKernel).OrderByDescending(kind => shares[kind]).Take(MostKinds)];
        if (kinds.Contains(KernelKinds.NonKernel)) largest.Add(KernelKinds.NonKernel);
        return [.. kinds.Where(largest.Contains)];
    }

    private static StackedBar Bar(KernelProfile profile, List<string> shown)
    {
        List<double> values = [.. shown.Select(kind => Seconds(profile, kind) * 1e3)];
        values.Add(Math.Max(0, (Sum(profile) * 1e3) - values.Sum()));
        return new StackedBar($"{profile.Policy}: {Figures.Time(profile.StepSeconds)}", values, profile.StepSeconds * 1e3);
    }

    private static ReportTable Table(string name, List<KernelProfile> group, List<string> kinds)
    {
        List<ReportCell[]> rows = [];
        foreach (string kind in kinds)
        {
            if (!group.Exists(profile => Seconds(profile, kind) > 0)) continue;
            rows.Add([kind, .. group.Select(profile => Part(profile, kind))]);
        }

        rows.Add(["sum of the kinds", .. group.Select(profile => (ReportCell)Figures.Time(Sum(profile)))]);
        rows.Add(["step", .. group.Select(profile => (ReportCell)Figures.Time(profile.StepSeconds))]);
        rows.Add(["sum against the step", .. group.Select(profile => (ReportCell)Figures.Percent(Sum(profile) / profile.StepSeconds))]);
        rows.Add(["step with clocks", .. group.Select(profile => (ReportCell)Figures.Time(profile.TimedStepSeconds))]);
        List<ReportColumn> columns = [new("Kind of kernel", false), .. group.Select(profile => new ReportColumn(profile.Policy))];
        return new ReportTable($"{name}: time of a step by kind of kernel", columns, rows);
    }

    private static ReportCell Part(KernelProfile profile, string kind)
    {
        double seconds = Seconds(profile, kind);
        return seconds == 0 ? Figures.None : Format.Invariant($"{Figures.Time(seconds)} ({100 * seconds / Sum(profile):0} %)");
    }

    private static double Seconds(KernelProfile profile, string kind)
    {
        double seconds = 0;
        foreach (KernelKind part in profile.Parts)
        {
            if (part.Kind == kind) seconds += part.Seconds;
        }

        return seconds;
    }

    private static double Sum(KernelProfile profile)
    {
        double sum = 0;
        foreach (KernelKind part in profile.Parts) sum += part.Seconds;
        return sum;
    }
}
