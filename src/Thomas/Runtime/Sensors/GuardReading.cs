namespace Thomas.Runtime;

/// <summary>How hot a system says it is. The numbers are those of Android's <c>PowerManager.getCurrentThermalStatus()</c>.</summary>
public enum ThermalStatus
{
    /// <summary>Not hot.</summary>
    None = 0,

    /// <summary>Light throttling, which a person does not notice.</summary>
    Light = 1,

    /// <summary>Moderate throttling, which is hardly noticed.</summary>
    Moderate = 2,

    /// <summary>Severe throttling, which is noticed.</summary>
    Severe = 3,

    /// <summary>The system has done everything to use less power.</summary>
    Critical = 4,

    /// <summary>Parts of the device are being switched off.</summary>
    Emergency = 5,

    /// <summary>The device switches itself off.</summary>
    Shutdown = 6,
}

/// <summary>What a <see cref="RunGuard"/> is told of the device; what is not known stays null.</summary>
public sealed record GuardReading
{
    /// <summary>Degrees Celsius of what must not become too hot, for example of the battery.</summary>
    public double? Temperature { get; init; }

    /// <summary>Charge of the battery as a share, from 0 to 1.</summary>
    public double? Battery { get; init; }

    /// <summary>Whether the device has other power than the battery's: it is being charged, or is full and plugged in.</summary>
    public bool? IsCharging { get; init; }

    /// <summary>How hot the system says it is.</summary>
    public ThermalStatus? Status { get; init; }
}

/// <summary>What a run does when the battery is low and not being charged.</summary>
public enum LowBatteryAction
{
    /// <summary>Saves its checkpoint, if it writes one, waits for the charger, and goes on by itself.</summary>
    Wait,

    /// <summary>Saves its checkpoint and ends as if it were canceled, with the best weights so far.</summary>
    Stop,
}
