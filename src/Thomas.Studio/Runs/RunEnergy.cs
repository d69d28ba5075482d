using System;
using System.Threading;
using Thomas.Runtime;
using Thomas.Study;

namespace Thomas.Studio.Runs;

/// <summary>The energy of a run, where the device says it. Counters begin again at zero under load, so they are read often.</summary>
internal sealed class RunEnergy : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly EnergyMeter _meter;
    private readonly Timer _timer;

    public RunEnergy(string? root)
    {
        _meter = EnergyMeter.Begin(new SystemSensors(root));
        _timer = new Timer(static meter => ((EnergyMeter)meter!).Sample(), _meter, Interval, Interval);
    }

    /// <summary>Joules so far; null where nothing says them.</summary>
    public double? Joules => _meter.Read().Joules;

    public void Dispose() => _timer.Dispose();
}
