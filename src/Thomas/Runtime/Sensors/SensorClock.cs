using System;
using System.Diagnostics;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>Time for what watches sensors; tests replace it.</summary>
internal abstract class SensorClock
{
    /// <summary>The clock of the system.</summary>
    public static SensorClock System { get; } = new SystemClock();

    /// <summary>Time since some moment; it never goes back.</summary>
    public abstract TimeSpan Now { get; }

    /// <summary>Waits, or less if that is cancelled.</summary>
    public abstract void Wait(TimeSpan time, CancellationToken cancellation);

    private sealed class SystemClock : SensorClock
    {
        public override TimeSpan Now => Stopwatch.GetElapsedTime(0);

        public override void Wait(TimeSpan time, CancellationToken cancellation) => cancellation.WaitHandle.WaitOne(time);
    }
}
