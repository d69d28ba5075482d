using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>What the system's sensors said during a run.</summary>
internal sealed record SensorRecord
{
    /// <summary>The sensors that were read.</summary>
    public required IReadOnlyList<SensorSeries> Series { get; init; }

    /// <summary>Kinds of sensors that this system does not have, each a sentence.</summary>
    public required IReadOnlyList<string> Absent { get; init; }

    /// <summary>Energy of the whole run; null where no counter or battery says it.</summary>
    public double? Joules { get; init; }

    /// <summary>How the energy was found, such as "RAPL package-0"; null where it was not.</summary>
    public string? EnergySource { get; init; }

    /// <summary>How long the run waited because the device was hot or its battery low.</summary>
    public double PausedSeconds { get; init; }
}

/// <summary>Values of one sensor over time.</summary>
/// <param name="Name">As the system calls it.</param>
/// <param name="Kind">"temperature", "power", "clock" or "charge".</param>
/// <param name="Unit">Such as °C, W, MHz or %.</param>
/// <param name="Seconds">Times since the run began.</param>
/// <param name="Values">Values at these times.</param>
internal sealed record SensorSeries(string Name, string Kind, string Unit, IReadOnlyList<double> Seconds, IReadOnlyList<double> Values);
