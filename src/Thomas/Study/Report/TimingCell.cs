using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>One combination of model, work and device, and how long it takes.</summary>
internal sealed record TimingCell
{
    /// <summary>Stages that a cell can measure.</summary>
    public const string Decode = "decode", Prepare = "prepare", Compile = "compile", FirstStep = "first-step", Step = "step", Inference = "inference";

    /// <summary>All parts below between slashes: the same in every report that measures the same.</summary>
    public required string Id { get; init; }

    /// <summary>The experiment of the study that it belongs to.</summary>
    public required string Experiment { get; init; }

    /// <summary>What is measured: one of the constants above.</summary>
    public required string Stage { get; init; }

    /// <summary>The model; of images, that for which they are prepared.</summary>
    public required string Model { get; init; }

    /// <summary>The update policy of a step; "inference" for inferences, "" for images.</summary>
    public required string Policy { get; init; }

    /// <summary>The data set whose images are decoded and prepared; null elsewhere.</summary>
    public string? Data { get; init; }

    /// <summary>"serial", "cpu", "opencl:N" or "hybrid:N"; of another program its name and version.</summary>
    public required string Device { get; init; }

    /// <summary>Threads of the CPU.</summary>
    public required int Threads { get; init; }

    /// <summary>Images at a time.</summary>
    public required int Batch { get; init; }

    /// <summary>Type of stored activations: "float32" or "half"; "int8" does not exist yet.</summary>
    public required string Type { get; init; }

    /// <summary>Settings that differ from those by default, as words; "" for none.</summary>
    public required string Switches { get; init; }

    /// <summary>Multiply-adds of one measurement; 0 where they say nothing.</summary>
    public long MultiplyAdds { get; init; }

    /// <summary>The measurements in the order in which they were made, none left out.</summary>
    public required IReadOnlyList<TimingSample> Samples { get; init; }

    /// <summary>What the samples say.</summary>
    public required TimingSummary Summary { get; init; }

    /// <summary>How many times faster than the serial device at the same work; null where that was not measured, and for that device itself.</summary>
    public SpeedUp? OverSerial { get; init; }

    /// <summary>How many times faster than one thread at the same work, beside what the machine's multiply-adds gained; null for one thread.</summary>
    public SpeedUp? OverOneThread { get; init; }

    /// <summary>Energy of one measurement by the machine's counters; null where it has none.</summary>
    public double? Joules { get; init; }
}

/// <summary>One measurement.</summary>
/// <param name="Seconds">Of one step, inference, or image.</param>
/// <param name="Gigaflops">What a loop of multiply-adds in registers gave on as many threads immediately before.</param>
/// <param name="Visit">Which of the times that the study came back to the cell, with new memory.</param>
internal readonly record struct TimingSample(double Seconds, double Gigaflops, int Visit = 0);

/// <summary>Statistics of samples.</summary>
/// <param name="Median">The median, seconds.</param>
/// <param name="Low">Lower end of the 95 % bootstrap interval of the median; the median itself where there are fewer than three samples.</param>
/// <param name="High">Upper end.</param>
/// <param name="Minimum">The shortest.</param>
/// <param name="Maximum">The longest.</param>
/// <param name="Outliers">Samples more than 1.5 interquartile ranges outside the quartiles; they stay among the samples.</param>
/// <param name="Gigaflops">The median rate of the loop beside the samples.</param>
internal sealed record TimingSummary(double Median, double Low, double High, double Minimum, double Maximum, int Outliers, double Gigaflops);

/// <summary>A ratio of medians.</summary>
/// <param name="Id">The cell compared with.</param>
/// <param name="Ratio">Its median over this one's: above 1 this one is faster.</param>
/// <param name="Low">Lower end of the 95 % bootstrap interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="Machine">The ratio of the loops of multiply-adds beside both: what more threads could gain at that time.</param>
internal sealed record SpeedUp(string Id, double Ratio, double Low, double High, double Machine);
