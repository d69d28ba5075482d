using System;
using System.Collections.Generic;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run tells at its end what its guard did.</summary>
internal static class PauseNotes
{
    /// <summary>Adds a note for each kind of reason, and the pauses as a stage of their own.</summary>
    /// <returns>What the guard did; null without one.</returns>
    public static PauseReport? End(GuardWatch? watch, List<string> notes, StageTimer timer)
    {
        if (watch is null) return null;
        PauseReport report = watch.ToReport();
        notes.AddRange(report.Reasons);
        if (report.StopReason is string reason) notes.Add($"stopped: {reason}");
        if (report.Duration > TimeSpan.Zero) timer.Add("paused", report.Duration);
        return report;
    }
}
