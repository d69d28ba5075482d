using System;
using System.Diagnostics;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run pauses while the device is too hot or its battery too low.</summary>
internal sealed partial class TrainingRun
{
    private GuardWatch? _watch;

    private TimeSpan Paused => _watch?.Paused ?? default;

    private void BeginWatch()
    {
        _watch = _options.Watch ?? StageProgress.Watch(_options.Guard, _progress);
        if (_watch is GuardWatch watch) _timer.Paused = () => watch.Paused;
    }

    /// <summary>Looks at the device before a step, and pauses. False if the run must end.</summary>
    private bool MayGoOn() => _watch!.Wait("train", _cancellation, SaveCancelled);

    /// <summary>Time since a moment, without the pauses since then.</summary>
    private TimeSpan Worked(long start, TimeSpan pausedBefore)
    {
        TimeSpan worked = Stopwatch.GetElapsedTime(start) - (Paused - pausedBefore);
        return worked > TimeSpan.Zero ? worked : default;
    }

    /// <summary>What the guard did; null without one, and where the guard is that of a whole tuning run, which tells of it.</summary>
    private PauseReport? EndWatch() => _options.Watch is null && _watch is not null ? PauseNotes.End(_watch, _notes, _timer) : null;
}
