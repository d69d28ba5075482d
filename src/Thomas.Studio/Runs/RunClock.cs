using System;
using System.Diagnostics;

namespace Thomas.Studio.Runs;

/// <summary>The time of a run without its pauses. Used under the lock of its owner.</summary>
internal sealed class RunClock
{
    private TimeSpan _worked;
    private long? _since = Stopwatch.GetTimestamp();

    /// <summary>Time worked so far.</summary>
    public TimeSpan Worked => _worked + (_since is long since ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero);

    /// <summary>Stops the time.</summary>
    public void Pause() => (_worked, _since) = (Worked, null);

    /// <summary>Lets it go on.</summary>
    public void Resume() => _since ??= Stopwatch.GetTimestamp();
}
