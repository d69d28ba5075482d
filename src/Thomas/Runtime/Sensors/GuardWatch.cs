using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>A <see cref="RunGuard"/> at work in one run. Used by one thread at a time.</summary>
internal sealed class GuardWatch
{
    // A sensor may fail to answer now and then; until it has failed this often in a row its last answer holds.
    private const int FailuresOfLost = 3;

    private readonly RunGuard _guard;
    private readonly SensorClock _clock;
    private readonly Action<string, string, bool> _tell;
    private readonly Action<string, string> _warn;
    private readonly List<string> _warnings = [];
    private readonly PauseTally _hot = new(), _status = new(), _low = new(), _held = new();
    private SystemSensors? _sensors;
    private GuardReading _last = new();
    private string _hottest = "";
    private string _problem = "";
    private int _temperatureFailures;
    private int _batteryFailures;
    private bool _isHot;
    private bool _isLow;
    private bool _hasBegun;
    private TimeSpan _next;

    /// <param name="guard">The limits.</param>
    /// <param name="tell">
    /// Told the stage, what happens, and whether the run is paused: when a pause begins, at every look while it lasts, and when it ends.
    /// </param>
    /// <param name="warn">Told the stage and what the guard cannot do.</param>
    public GuardWatch(RunGuard guard, Action<string, string, bool> tell, Action<string, string> warn)
    {
        (_guard, _clock, _tell, _warn) = (guard, guard.Clock, tell, warn);
        _next = _clock.Now;
    }

    /// <summary>How long the run was paused so far.</summary>
    public TimeSpan Paused { get; private set; }

    /// <summary>How often.</summary>
    public int Count { get; private set; }

    /// <summary>Why the run must end; null if it need not.</summary>
    public string? StopReason { get; private set; }

    /// <summary>Why the run is paused; of several reasons the one that a person can do least about.</summary>
    public PauseCause Cause => _isLow ? PauseCause.Battery : _isHot || IsThrottled ? PauseCause.Temperature : IsHeld ? PauseCause.User : PauseCause.None;

    /// <summary>Whether it is time for a look. Nothing else of a watch costs anything between two looks.</summary>
    public bool IsDue => _clock.Now >= _next || _guard.Switch is { IsOn: true };

    /// <summary>What it did so far.</summary>
    public PauseReport ToReport()
    {
        List<string> reasons = [];
        if (_hot.Count > 0) reasons.Add(_hot.Describe(Text($"above {_guard.MaximumTemperature:0.#} °C (hottest {_hot.Extreme:0.#} °C{_hot.Name})")));
        if (_status.Count > 0) reasons.Add(_status.Describe($"while the system's thermal status was above {_guard.MaximumStatus}"));
        if (_low.Count > 0) reasons.Add(_low.Describe(Text($"with the battery below {Percent(_guard.MinimumBattery)} (lowest {Percent(_low.Extreme)})")));
        if (_held.Count > 0) reasons.Add(_held.Describe("by hand"));
        return new PauseReport { Duration = Paused, Count = Count, Reasons = reasons, StopReason = StopReason, Warnings = [.. _warnings] };
    }

    /// <summary>As <see cref="Wait"/>, for stages that end by exception.</summary>
    /// <exception cref="RunStoppedException">The guard ends the run.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public void Pass(string stage, CancellationToken cancellation)
    {
        if (!IsDue) return;
        bool goesOn = Wait(stage, cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (!goesOn) throw new RunStoppedException(StopReason!);
    }

    /// <summary>Looks at the device, and returns when the run may go on or was canceled.</summary>
    /// <param name="stage">What the run is doing.</param>
    /// <param name="cancellation">Ends the pause.</param>
    /// <param name="save">Called once in a pause for the battery or by hand, or before the run ends for the battery.</param>
    /// <returns>False if the run must end, see <see cref="StopReason"/>.</returns>
    public bool Wait(string stage, CancellationToken cancellation, Action? save = null)
    {
        StopReason = null;
        CancellationToken switched = Switched;
        Look(stage);
        if (Reason() is not string reason)
        {
            _next = _clock.Now + _guard.Interval;
            return true;
        }

        bool isSaved = false, hasWaited = false;
        TimeSpan began = _clock.Now;
        (bool wasHot, bool wasLow, bool wasStatus, bool wasHeld) = (false, false, false, false);
        while (!cancellation.IsCancellationRequested)
        {
            (wasHot, wasLow, wasStatus, wasHeld) = (wasHot || _isHot, wasLow || _isLow, wasStatus || IsThrottled, wasHeld || IsHeld);
            if ((_isLow || IsHeld) && !isSaved)
            {
                isSaved = true;
                save?.Invoke();
            }

            if (_isLow && _guard.LowBattery == LowBatteryAction.Stop)
            {
                StopReason = Text($"the battery is at {Percent(_last.Battery)}, below the limit of {Percent(_guard.MinimumBattery)}, and is not being charged");
                break;
            }

            _tell(stage, $"paused: {reason}", true);
            Rest(switched, cancellation);
            hasWaited = true;
            switched = Switched;
            Look(stage);
            if (Reason() is not string next) break;
            reason = next;
        }

        TimeSpan paused = _clock.Now - began;
        _next = _clock.Now + _guard.Interval;

        // A run that is stopped at the first look, or was canceled before, has not been paused.
        if (!hasWaited) return StopReason is null;
        Paused += paused;
        Count++;
        if (wasHot) _hot.Add(paused);
        if (wasStatus) _status.Add(paused);
        if (wasLow) _low.Add(paused);
        if (wasHeld) _held.Add(paused);
        if (StopReason is null && !cancellation.IsCancellationRequested) _tell(stage, $"goes on after a pause of {Duration(paused)}", false);
        return StopReason is null;
    }

    private bool IsHeld { get; set; }

    // Taken before each look, so that no change after it is missed.
    private CancellationToken Switched => _guard.Switch?.Changed ?? CancellationToken.None;

    private bool IsThrottled => _last.Status is ThermalStatus status && status > _guard.MaximumStatus;

    /// <summary>Why the run has to pause, with what ends it; null if it need not.</summary>
    private string? Reason()
    {
        if (_isLow)
        {
            return Text($"the battery is at {Percent(_last.Battery)}, goes on when it is charged or reaches {Percent(BatteryToGoOn)}");
        }

        if (_isHot) return Text($"{_last.Temperature:0.#} °C{_hottest}, goes on below {TemperatureToGoOn:0.#} °C");
        if (IsHeld) return "by hand, goes on when it is resumed";
        return IsThrottled ? $"the system's thermal status is {_last.Status}, goes on when it is {_guard.MaximumStatus} or less" : null;
    }

    private double TemperatureToGoOn => _guard.MaximumTemperature!.Value - _guard.TemperatureHysteresis;

    private double BatteryToGoOn => Math.Min(1, _guard.MinimumBattery!.Value + _guard.BatteryHysteresis);

    /// <summary>Waits until the next look, or until the switch changes.</summary>
    private void Rest(CancellationToken switched, CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(switched, cancellation);
        _clock.Wait(_guard.Interval, either.Token);
    }

    /// <summary>Reads the device and decides. Between its two levels each decision stays what it was.</summary>
    private void Look(string stage)
    {
        bool isFirst = !_hasBegun;
        _hasBegun = true;
        IsHeld = _guard.Switch is { IsOn: true };
        GuardReading now = Read();
        if (_guard.MaximumTemperature is double hottest)
        {
            if (now.Temperature is double celsius)
            {
                _temperatureFailures = 0;
                _isHot = _isHot ? celsius >= TemperatureToGoOn : celsius > hottest;
                if (_isHot) _hot.Higher(celsius, _hottest);
            }
            else if (IsLost(ref _temperatureFailures, isFirst))
            {
                _isHot = false;
                Warn(stage, Text($"the limit of {hottest:0.#} °C has no effect{(isFirst ? "" : " any more")}: {Problem("temperature")}"));
            }
            else
            {
                now = now with { Temperature = _last.Temperature };
            }
        }

        if (_guard.MinimumBattery is double lowest)
        {
            if (now.Battery is double share && double.IsFinite(share))
            {
                _batteryFailures = 0;
                _isLow = now.IsCharging != true && share < (_isLow ? BatteryToGoOn : lowest);
                if (_isLow) _low.Lower(share);
            }
            else if (IsLost(ref _batteryFailures, isFirst))
            {
                _isLow = false;
                Warn(stage, Text($"the limit of {Percent(lowest)} battery has no effect{(isFirst ? "" : " any more")}: {Problem("battery")}"));
            }
            else
            {
                now = now with { Battery = _last.Battery };
            }
        }

        if (isFirst && now.Status is null && _guard is { MaximumTemperature: null, MinimumBattery: null, Read: not null })
        {
            Warn(stage, $"the guard has no effect: {Problem("thermal status")}");
        }

        _last = now;
    }

    private GuardReading Read()
    {
        _hottest = "";
        if (_guard.Read is Func<GuardReading> read)
        {
            try
            {
                _problem = "";
                GuardReading reading = read() ?? new GuardReading();
                return reading.Temperature is double celsius && !double.IsFinite(celsius) ? reading with { Temperature = null } : reading;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Hours of training must not be lost because a service of the system did not answer.
                _problem = e.Message;
                return new GuardReading();
            }
        }

        _sensors ??= new SystemSensors(_guard.SensorRoot);
        (double Celsius, string Name)? hottest = _guard.MaximumTemperature is null ? null : _sensors.Hottest();
        if (hottest is not null) _hottest = $" ({hottest.Value.Name})";
        (double? share, bool? isCharging) = _guard.MinimumBattery is null ? default : _sensors.Power();
        return new GuardReading { Temperature = hottest?.Celsius, Battery = share, IsCharging = isCharging };
    }

    /// <summary>Whether what did not answer counts as lost, which is true once: at the first look, or after several failures.</summary>
    private static bool IsLost(ref int failures, bool isFirst)
    {
        if (!isFirst) return ++failures == FailuresOfLost;
        failures = FailuresOfLost;
        return true;
    }

    /// <summary>Why something cannot be read, as a sentence.</summary>
    private string Problem(string what)
    {
        if (_guard.Read is not null) return _problem.Length > 0 ? $"reading the device failed: {_problem}" : $"the app gave no {what}.";
        foreach (string absent in _sensors!.Absent)
        {
            if (absent.StartsWith($"No {what}", StringComparison.Ordinal) || absent.StartsWith("Sensors", StringComparison.Ordinal)) return absent;
        }

        return $"The {what} can no longer be read.";
    }

    private void Warn(string stage, string text)
    {
        _warnings.Add(text);
        _warn(stage, text);
    }

    private static string Percent(double? share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.#} %");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    internal static string Duration(TimeSpan time) => time.TotalMinutes switch
    {
        < 2 => Text($"{time.TotalSeconds:0.#} s"),
        < 120 => Text($"{time.TotalMinutes:0.#} min"),
        _ => Text($"{time.TotalHours:0.#} h"),
    };

    /// <summary>Pauses of one kind.</summary>
    private sealed class PauseTally
    {
        private TimeSpan _time;

        public int Count { get; private set; }

        public double? Extreme { get; private set; }

        public string Name { get; private set; } = "";

        public void Add(TimeSpan time) => (Count, _time) = (Count + 1, _time + time);

        public void Higher(double value, string name)
        {
            if (Extreme >= value) return;
            (Extreme, Name) = (value, name.Replace(" (", ", ", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal));
        }

        public void Lower(double value)
        {
            if (!(Extreme <= value)) Extreme = value;
        }

        public string Describe(string why) => Text($"paused {(Count == 1 ? "once" : $"{Count} times")}, {Duration(_time)} in all, {why}");
    }
}
