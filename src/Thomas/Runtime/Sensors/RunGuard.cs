using System;
using System.Globalization;

namespace Thomas.Runtime;

/// <summary>
/// Pauses a training run while the device is too hot or its battery too low. The run goes on by itself, and its result has the same bits as without a pause.
/// </summary>
/// <remarks>
/// <para>The guard looks between steps, between batches of features and of validation, and at most once every <see cref="Interval"/>. A pause ends at once when
/// the run is canceled. The time of pauses does not count as time of steps, epochs or stages.</para>
/// <para>Temperatures and charge come from <c>/sys</c>, which Linux has, or from <see cref="Read"/>. If what a limit is about cannot be read, a warning says
/// at the start that the limit has no effect.</para>
/// </remarks>
/// <example>
/// On Android an app may not read <c>/sys</c>, so it says what it knows:
/// <code>
/// TuningOptions options = new()
/// {
///     Guard = new RunGuard
///     {
///         MaximumTemperature = 42,
///         MinimumBattery = 0.2,
///         Read = () =&gt; new GuardReading
///         {
///             Temperature = batteryIntent.GetIntExtra(BatteryManager.ExtraTemperature, 0) / 10.0,
///             Battery = batteryManager.GetIntProperty((int)BatteryProperty.Capacity) / 100.0,
///             IsCharging = batteryManager.IsCharging,
///             Status = (ThermalStatus)powerManager.CurrentThermalStatus,
///         },
///     },
/// };
/// </code>
/// </example>
public sealed record RunGuard
{
    /// <summary>Degrees Celsius above which a run pauses; null for no limit. From <c>/sys</c> it is compared with the hottest of processor, graphics, case and
    /// battery.</summary>
    public double? MaximumTemperature { get; init; }

    /// <summary>By how many degrees it must have cooled below <see cref="MaximumTemperature"/> before the run goes on.</summary>
    public double TemperatureHysteresis { get; init; } = 3;

    /// <summary>The highest status that a run computes at, where <see cref="Read"/> gives one; it pauses while the status is above.</summary>
    public ThermalStatus MaximumStatus { get; init; } = ThermalStatus.Moderate;

    /// <summary>Charge of the battery, a share above 0 and below 1, below which a run does not go on unless the device is charged; null for no limit.</summary>
    public double? MinimumBattery { get; init; }

    /// <summary>By which share the battery must be above <see cref="MinimumBattery"/> before a run that waits goes on without the charger.</summary>
    public double BatteryHysteresis { get; init; } = 0.02;

    /// <summary>What a run does when the battery is low.</summary>
    public LowBatteryAction LowBattery { get; init; }

    /// <summary>Time from one look at the sensors to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Reads the device in the place of <c>/sys</c>; null for <c>/sys</c>. Called on the thread that computes. If it throws, that counts as a reading of
    /// nothing.
    /// </summary>
    public Func<GuardReading>? Read { get; init; }

    /// <summary>Pauses the run by hand; null where nobody can.</summary>
    internal PauseSwitch? Switch { get; init; }

    /// <summary>What stands for <c>/sys</c>.</summary>
    internal string? SensorRoot { get; init; }

    /// <summary>Time, for tests.</summary>
    internal SensorClock Clock { get; init; } = SensorClock.System;

    /// <exception cref="ArgumentException">A limit is out of its range, or there is none; the message names it.</exception>
    internal void Validate()
    {
        if (MaximumTemperature is null && MinimumBattery is null && Read is null && Switch is null)
        {
            throw new ArgumentException("A guard needs a limit: a highest temperature, a lowest charge, or a delegate that reads the device's status.");
        }

        Require(MaximumTemperature is null or (>= -20 and <= 150), nameof(MaximumTemperature), MaximumTemperature, "-20 to 150 °C");
        Require(TemperatureHysteresis is >= 0 and <= 100, nameof(TemperatureHysteresis), TemperatureHysteresis, "0 to 100 °C");
        Require(Enum.IsDefined(MaximumStatus), nameof(MaximumStatus), (int)MaximumStatus, "one of the defined states");
        Require(MinimumBattery is null or (> 0 and < 1), nameof(MinimumBattery), MinimumBattery, "a share above 0 and below 1");
        Require(BatteryHysteresis is >= 0 and < 1, nameof(BatteryHysteresis), BatteryHysteresis, "a share of 0 or more and below 1");
        Require(Enum.IsDefined(LowBattery), nameof(LowBattery), (int)LowBattery, "one of the defined actions");
        Require(Interval > TimeSpan.Zero && Interval <= TimeSpan.FromDays(1), nameof(Interval), Interval.TotalSeconds, "above 0 and at most a day, in seconds");
    }

    private static void Require(bool holds, string name, double? value, string allowed)
    {
        if (holds) return;
        throw new ArgumentOutOfRangeException(name, value, string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be {allowed}."));
    }
}
