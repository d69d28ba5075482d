using System;
using System.IO;

namespace Thomas.Runtime;

/// <summary>Which way a battery's energy goes.</summary>
internal enum BatteryFlow
{
    /// <summary>The system does not say.</summary>
    Unknown,

    /// <summary>The device runs on it.</summary>
    Discharging,

    /// <summary>It is being charged.</summary>
    Charging,

    /// <summary>Neither: it is full, or charging is held back.</summary>
    Resting,
}

/// <summary>What a battery said.</summary>
/// <param name="Share">Its charge as a share; null where it is not known.</param>
/// <param name="Flow">Which way its energy goes.</param>
/// <param name="Watts">Power, positive in either direction; null where it is not known.</param>
/// <param name="Celsius">Its temperature; null where it is not known.</param>
internal readonly record struct BatteryState(double? Share, BatteryFlow Flow, double? Watts, double? Celsius);

/// <summary>A battery of the device itself, below <c>class/power_supply</c>.</summary>
/// <param name="folder">Its folder.</param>
internal sealed class BatterySensor(string folder) : SensorHealth(Path.GetFileName(folder))
{
    // The units are microampere and microvolt, but some phones give milliampere and millivolt: nothing that computes takes less than 10 mA or runs below 0.1 V.
    private const long MostMilliamperes = 10_000, MostMillivolts = 100_000;

    private const double MostWatts = 1000;

    /// <summary>Whether a power supply is a battery that the device runs on. Those of mice and headsets have the scope "Device".</summary>
    public static bool IsOne(string folder, out bool isDenied)
    {
        SysFileState state = SysFile.ReadText(Path.Combine(folder, "type"), out string type);
        isDenied = state == SysFileState.Denied;
        return type == "Battery" && SysFile.Text(Path.Combine(folder, "scope")) != "Device";
    }

    /// <summary>Reads it.</summary>
    public BatteryState Read()
    {
        double? share = Share();
        BatteryFlow flow = Flow(SysFile.Text(Path.Combine(folder, "status")));
        double? celsius = Value("temp") is long tenths ? TemperatureSensor.Plausible(tenths / 10.0) : null;
        Note(share is not null || flow != BatteryFlow.Unknown || celsius is not null);
        return new BatteryState(share, flow, Watts(), celsius);
    }

    private static BatteryFlow Flow(string status) => status switch
    {
        "Discharging" => BatteryFlow.Discharging,
        "Charging" => BatteryFlow.Charging,
        "Full" or "Not charging" => BatteryFlow.Resting,
        _ => BatteryFlow.Unknown,
    };

    private double? Share()
    {
        // Some gauges report a little more than 100 after a full charge.
        if (Value("capacity") is long percent and >= 0 and <= 120) return Math.Min(percent, 100) / 100.0;
        return Ratio("energy_now", "energy_full") ?? Ratio("charge_now", "charge_full");
    }

    private double? Ratio(string now, string full) =>
        Value(now) is long n and >= 0 && Value(full) is long f and > 0 && n <= f * 1.2 ? Math.Min(1, (double)n / f) : null;

    /// <summary>
    /// Power of the battery. Laptops give it or the current without a sign; gauges of phones give a current that is negative in one direction, and which one
    /// differs. So the sign is dropped, and <see cref="BatteryState.Flow"/> says the direction.
    /// </summary>
    private double? Watts()
    {
        if (Value("power_now") is long microwatts && microwatts is not (0 or long.MinValue)) return Plausible(Math.Abs(microwatts) * 1e-6);
        if (Value("current_now") is not (long current and not long.MinValue) || Value("voltage_now") is not (long voltage and > 0)) return null;
        double amperes = Math.Abs(current) * (Math.Abs(current) < MostMilliamperes ? 1e-3 : 1e-6);
        return Plausible(amperes * voltage * (voltage < MostMillivolts ? 1e-3 : 1e-6));
    }

    private static double? Plausible(double watts) => watts is > 0 and < MostWatts ? watts : null;

    private long? Value(string name) => SysFile.Number(Path.Combine(folder, name));
}
