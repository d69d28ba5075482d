using System;
using System.CommandLine;
using Thomas.Runtime;

namespace Thomas.Cli.Options;

/// <summary>When a run pauses to spare the device: what all commands share that compute for long.</summary>
internal sealed class GuardOptions
{
    // For tests and for trying out what a device without sensors would do.
    private const string SensorRoot = "THOMAS_SYSFS";

    private static readonly RunGuard Default = new();

    private readonly Option<double?> _temperature = Parse.Number(
        "--max-temperature",
        FormattableString.Invariant(
            $"Pause while the hottest of processor, graphics, case and battery is above this many °C, until it is {Default.TemperatureHysteresis} °C cooler"),
        20.0, 120.0);
    private readonly Option<double?> _battery = Parse.Number(
        "--min-battery", "Pause while the battery is below this percentage and not being charged", 1.0, 99.0);
    private readonly Option<string> _action = Parse.Word(
        "--low-battery", "What to do then: wait for the charger, or stop as with Ctrl-C (default wait); either saves the checkpoint first", "wait", "stop");

    /// <summary>The folder that stands for /sys; null for the system's.</summary>
    public static string? Root => Environment.GetEnvironmentVariable(SensorRoot) is { Length: > 0 } root ? root : null;

    public void AddTo(Command command)
    {
        command.Add(_temperature);
        command.Add(_battery);
        command.Add(_action);
    }

    /// <summary>The guard; null if no limit was given.</summary>
    /// <exception cref="UsageException">Options that do not go together.</exception>
    public RunGuard? Read(ParseResult parsed)
    {
        double? temperature = parsed.GetValue(_temperature), percent = parsed.GetValue(_battery);
        string? action = parsed.GetValue(_action);
        if (action is not null && percent is null) throw new UsageException("--low-battery needs --min-battery: the percentage below which it holds.");
        if (temperature is null && percent is null) return null;
        return new RunGuard
        {
            MaximumTemperature = temperature,
            MinimumBattery = percent / 100,
            LowBattery = action == "stop" ? LowBatteryAction.Stop : LowBatteryAction.Wait,
            SensorRoot = Root,
        };
    }
}
