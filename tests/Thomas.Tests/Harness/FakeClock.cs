using System;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Tests.Harness;

/// <summary>A clock that only waiting moves, and that tells of each wait.</summary>
internal sealed class FakeClock : SensorClock
{
    private TimeSpan _now = TimeSpan.FromHours(1);

    /// <summary>Told the number of the wait, from 1, after it.</summary>
    public Action<int>? Waited { get; set; }

    /// <summary>By how much each look at the clock moves it.</summary>
    public TimeSpan Tick { get; set; }

    public int Waits { get; private set; }

    public override TimeSpan Now => _now += Tick;

    public void Pass(double seconds) => _now += TimeSpan.FromSeconds(seconds);

    public override void Wait(TimeSpan time, CancellationToken cancellation)
    {
        _now += time;
        Waited?.Invoke(++Waits);
    }
}
