using System;
using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.App.Reports;

/// <summary>Memory of the process in a run: what it was with the model loaded, what it may become, what it was at its peak.</summary>
/// <param name="start">Bytes with the model loaded.</param>
/// <param name="bound">Bound of what the run adds; null for none.</param>
internal sealed class RunMemory(long start, long? bound)
{
    private long _start = start;

    /// <summary>What was planned; null without a bound.</summary>
    public RunPlan? Plan { get; set; }

    /// <summary>Looks at the process, now that the model is loaded. Under a bound the garbage of loading goes first.</summary>
    public static RunMemory Begin(long? bound)
    {
        long start = ProcessMemory.ResidentBytes;
        if (bound is not null) ProcessMemory.Trim();
        return new RunMemory(start, bound);
    }

    /// <summary>Loads the model, or builds it, where that comes after what counts as added: its memory belongs to the start.</summary>
    public T Loading<T>(Func<T> load)
    {
        long before = ProcessMemory.ResidentBytes;
        T result = load();
        _start += Math.Max(0, ProcessMemory.ResidentBytes - before);
        return result;
    }

    /// <summary>What people read about it, under its heading; nothing without a bound.</summary>
    public IEnumerable<(string Name, string Value)> Fields()
    {
        if (bound is not long most) yield break;
        string peak = ProcessMemory.PeakBytes is long bytes ? $", {Format.Bytes(bytes)} at its peak: {Format.Bytes(long.Max(0, bytes - _start))} added" : "";
        string planned = Plan is null ? "" : $", {Format.Bytes(Plan.Total)} planned";
        yield return ("process", $"{Format.Bytes(_start)} with the model loaded{peak}{planned}, the bound is {Format.Bytes(most)}");
        if (Plan is not null) yield return ("", Plan.ToText());
    }

    public ProcessReport Report() => new(_start, ProcessMemory.PeakBytes, Plan?.Total, bound, Plan is null ? null : Stages(Plan));

    public static List<MemoryStageReport> Stages(RunPlan plan)
    {
        List<MemoryStageReport> stages = [];
        foreach (RunStage stage in plan.Stages)
        {
            List<MemoryPartReport> parts = [];
            foreach ((string name, long bytes) in stage.Parts)
            {
                if (bytes > 0) parts.Add(new MemoryPartReport(name, bytes));
            }

            stages.Add(new MemoryStageReport(stage.Name, stage.Bytes, parts) { DeviceBytes = stage.DeviceBytes > 0 ? stage.DeviceBytes : null });
        }

        return stages;
    }
}
