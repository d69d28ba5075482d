using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Study;

/// <summary>The energy of a part of a run.</summary>
/// <param name="Joules">Energy since the meter began; null where nothing says it.</param>
/// <param name="Source">What said it, such as "RAPL package-0"; null where nothing did.</param>
/// <param name="Problem">Why nothing says it, a sentence; null where something does.</param>
/// <param name="Seconds">Time since the meter began.</param>
internal readonly record struct EnergyReading(double? Joules, string? Source, string? Problem, double Seconds)
{
    /// <summary>Energy of one of several equal parts, such as a step or an image; null where the energy is not known.</summary>
    public double? JoulesOf(long parts) => parts > 0 ? Joules / parts : null;
}

/// <summary>
/// Measures energy: from the counters of the processor's packages where they can be read, else from the power of the batteries while the device runs on them.
/// </summary>
/// <remarks>
/// The counters include cores, caches and graphics of the processor, but not memory, disk, screen or graphics cards; batteries give the power of the whole
/// device, as a value that most gauges renew only every few seconds, so short parts are inexact. A counter begins again at zero after some minutes to hours of
/// full load, and battery power is integrated between samples: over long parts call <see cref="Sample"/> at least once a minute, which a <see
/// cref="SensorLog"/> does for the meters that it gives out. Safe for several threads at once if the sensors are used by it alone or by one log.
/// </remarks>
internal sealed class EnergyMeter
{
    private readonly Lock _gate;
    private readonly SystemSensors _sensors;
    private readonly SensorClock _clock;
    private readonly List<(EnergyCounter Counter, long Last)> _packages = [];
    private readonly TimeSpan _began;
    private readonly string _source;
    private double _joules;
    private double? _watts;
    private TimeSpan _sampled;
    private string? _problem;

    private EnergyMeter(SystemSensors sensors, SensorClock clock, Lock gate)
    {
        (_sensors, _clock, _gate) = (sensors, clock, gate);
        _began = _sampled = clock.Now;
        List<string> names = [];
        foreach (EnergyCounter counter in sensors.Counters)
        {
            if (!counter.IsPackage || counter.Read() is not long count) continue;
            _packages.Add((counter, count));
            names.Add(counter.Name);
        }

        _source = _packages.Count > 0 ? "RAPL " + string.Join(", ", names) : "battery";
        if (_packages.Count > 0) return;
        _watts = Watts(out _problem);
    }

    /// <summary>Begins to measure.</summary>
    /// <param name="sensors">The sensors.</param>
    /// <param name="clock">Time; null for the system's.</param>
    public static EnergyMeter Begin(SystemSensors sensors, SensorClock? clock = null) => Begin(sensors, clock ?? SensorClock.System, new Lock());

    /// <summary>As the other, with a lock that others who use the same sensors hold meanwhile.</summary>
    internal static EnergyMeter Begin(SystemSensors sensors, SensorClock clock, Lock gate)
    {
        lock (gate) return new EnergyMeter(sensors, clock, gate);
    }

    /// <summary>Reads the counters, or the power of the batteries.</summary>
    public void Sample()
    {
        lock (_gate)
        {
            if (_packages.Count > 0) SampleCounters();
            else SampleBatteries();
        }
    }

    /// <summary>The energy so far.</summary>
    public EnergyReading Read()
    {
        lock (_gate)
        {
            Sample();
            double seconds = (_sampled - _began).TotalSeconds;
            return _problem is null ? new EnergyReading(_joules, _source, null, seconds) : new EnergyReading(null, null, _problem, seconds);
        }
    }

    private void SampleCounters()
    {
        _sampled = _clock.Now;
        for (int i = 0; i < _packages.Count; i++)
        {
            (EnergyCounter counter, long last) = _packages[i];
            if (counter.Read() is long now)
            {
                _joules += counter.Joules(last, now);
                _packages[i] = (counter, now);
            }
            else
            {
                // What it counts meanwhile is in the difference once it answers again.
                if (counter.IsLost) _problem = $"The energy counter {counter.Name} can no longer be read.";
            }
        }
    }

    private void SampleBatteries()
    {
        TimeSpan now = _clock.Now;
        double? watts = Watts(out string? problem);
        _problem ??= problem;
        if (_watts is double before && watts is double after) _joules += (before + after) / 2 * (now - _sampled).TotalSeconds;
        (_watts, _sampled) = (watts, now);
    }

    /// <summary>Power of all batteries that the device runs on.</summary>
    private double? Watts(out string? problem)
    {
        double? sum = null;
        bool isCharging = false, isDischarging = false, isSilent = false;
        foreach (BatterySensor battery in _sensors.Batteries)
        {
            BatteryState state = battery.Read();
            isCharging |= state.Flow == BatteryFlow.Charging;
            if (state.Flow != BatteryFlow.Discharging) continue;
            isDischarging = true;
            isSilent |= state.Watts is null;
            sum = (sum ?? 0) + state.Watts;
        }

        problem = _sensors.Batteries.Count == 0 ? NoCounter()
            : isCharging ? "The battery was being charged, so its power was not that of the device, and no energy counter can be read."
            : !isDischarging ? "The device did not run on its battery, and no energy counter can be read."
            : isSilent ? "The battery does not say its power, and no energy counter can be read."
            : null;
        return problem is null ? sum : null;
    }

    private string NoCounter()
    {
        foreach (string absent in _sensors.Absent)
        {
            if (absent.StartsWith("No energy counter", StringComparison.Ordinal)) return absent;
        }

        return _sensors.Absent.Count > 0 ? _sensors.Absent[0] : "No energy counter of a whole processor can be read, and there is no battery.";
    }
}
