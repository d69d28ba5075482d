using System;
using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>
/// What a study, or a single run of <c>tune</c> or <c>train</c>, has measured: the content of <c>report.json</c>, from which everything else is made. Times are
/// in seconds, temperatures in degrees Celsius, energies in joules, rates in 10^9 floating point operations a second; shares are 0 to 1.
/// </summary>
internal sealed record StudyReport
{
    /// <summary>The version of the schema that this program writes; it reads no other.</summary>
    public const int CurrentSchema = 1;

    /// <summary>The version of the schema of the file.</summary>
    public required int Schema { get; init; }

    /// <summary>What was run: "bench", "tune" or "train".</summary>
    public required string Kind { get; init; }

    /// <summary>A title for people.</summary>
    public required string Title { get; init; }

    /// <summary>Where, when and by what it was measured.</summary>
    public required ReportHeader Header { get; init; }

    /// <summary>Times of stages, one entry for each combination that was measured.</summary>
    public IReadOnlyList<TimingCell> Timings { get; init; } = [];

    /// <summary>Where the time of steps goes, by kind of kernel.</summary>
    public IReadOnlyList<KernelProfile> Kernels { get; init; } = [];

    /// <summary>Accuracies, one entry for each run of training or evaluation.</summary>
    public IReadOnlyList<AccuracyRun> Accuracies { get; init; } = [];

    /// <summary>Temperature, power and clock over the time of the run; null where nothing was recorded.</summary>
    public SensorRecord? Sensors { get; init; }

    /// <summary>What was asked for and not measured, and why.</summary>
    public IReadOnlyList<AbsentCell> Absent { get; init; } = [];

    /// <summary>Figures that others published, to be read beside those measured here.</summary>
    public IReadOnlyList<PublishedFigure> Published { get; init; } = [];

    /// <summary>Stages of a run of <c>tune</c> or <c>train</c>, in order.</summary>
    public IReadOnlyList<StageSeconds> Stages { get; init; } = [];

    /// <summary>What a reader must know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Where, when and by what a report was made.</summary>
internal sealed record ReportHeader
{
    /// <summary>When the run began.</summary>
    public required DateTimeOffset Began { get; init; }

    /// <summary>How long the program worked on it, over all its sessions.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether everything was measured that was asked for; false after an interruption.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>The program and its version.</summary>
    public required string Version { get; init; }

    /// <summary>The commit that the program was built from; null where it is not known.</summary>
    public string? Commit { get; init; }

    /// <summary>The command as it was given.</summary>
    public required string Command { get; init; }

    /// <summary>The seed of everything random.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The processor as the system calls it.</summary>
    public required string Processor { get; init; }

    /// <summary>The architecture of the process, such as X64 or Arm64.</summary>
    public required string Architecture { get; init; }

    /// <summary>The instruction sets in use, such as avx512.</summary>
    public required string Tier { get; init; }

    /// <summary>Processors of the system, and how many of them are used by default.</summary>
    public required int Processors { get; init; }

    /// <summary>Processors that are used by default: the fast cores.</summary>
    public required int PerformanceProcessors { get; init; }

    /// <summary>Memory of the system in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The operating system and its version.</summary>
    public required string System { get; init; }

    /// <summary>The .NET runtime, and whether the program was compiled natively.</summary>
    public required string Runtime { get; init; }

    /// <summary>Devices besides the CPU that took part.</summary>
    public IReadOnlyList<ReportDevice> Devices { get; init; } = [];
}

/// <summary>A device besides the CPU.</summary>
/// <param name="Name">As it is named on the command line, such as opencl:0.</param>
/// <param name="Model">What its driver calls it.</param>
/// <param name="Driver">The version of the driver.</param>
/// <param name="Platform">The OpenCL platform.</param>
internal sealed record ReportDevice(string Name, string Model, string Driver, string Platform);

/// <summary>What was asked for and not measured.</summary>
/// <param name="Experiment">The experiment of the study.</param>
/// <param name="What">The combination, as the identities of cells are written.</param>
/// <param name="Reason">A sentence.</param>
internal sealed record AbsentCell(string Experiment, string What, string Reason);

/// <summary>A figure that others published.</summary>
/// <param name="Subject">Whose program.</param>
/// <param name="What">What was measured, on which device.</param>
/// <param name="Figure">The figure with its unit.</param>
/// <param name="Source">Where it stands.</param>
internal sealed record PublishedFigure(string Subject, string What, string Figure, string Source);

/// <summary>A stage of a run.</summary>
/// <param name="Name">Its name, such as decode.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record StageSeconds(string Name, double Seconds);
