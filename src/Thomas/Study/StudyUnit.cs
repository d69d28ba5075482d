using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Study;

/// <summary>What is measured together and kept together: cells that take turns, a profile, or a training run.</summary>
/// <param name="experiment">The title of the experiment.</param>
/// <param name="key">What tells it from the other units of the study, whatever the program is that runs it.</param>
internal abstract class StudyUnit(string experiment, string key)
{
    /// <summary>The title of the experiment.</summary>
    public string Experiment { get; } = experiment;

    /// <summary>What tells it from the other units.</summary>
    public string Key { get; } = key;

    /// <summary>How often it is measured at most.</summary>
    public virtual int Visits => 1;

    /// <summary>Measures it.</summary>
    /// <param name="visit">Which visit it is, from 0.</param>
    /// <param name="context">What measuring needs.</param>
    /// <param name="cancellation">Ends it before the next sample.</param>
    /// <exception cref="ThomasException">It cannot be measured; the message becomes the reason of an absent cell.</exception>
    public abstract StudyEntry Run(int visit, StudyContext context, CancellationToken cancellation);
}

/// <summary>What one visit of a unit found: a line of the journal.</summary>
internal sealed record StudyEntry
{
    /// <summary>The unit.</summary>
    public required string Unit { get; init; }

    /// <summary>The visit, from 0.</summary>
    public required int Visit { get; init; }

    /// <summary>Cells with the samples of this visit.</summary>
    public IReadOnlyList<TimingCell> Timings { get; init; } = [];

    /// <summary>Profiles.</summary>
    public IReadOnlyList<KernelProfile> Kernels { get; init; } = [];

    /// <summary>Training runs.</summary>
    public IReadOnlyList<AccuracyRun> Accuracies { get; init; } = [];

    /// <summary>What could not be measured.</summary>
    public IReadOnlyList<AbsentCell> Absent { get; init; } = [];

    /// <summary>Whether there was no time for later visits.</summary>
    public bool IsLast { get; init; }

    /// <summary>How long the visit took.</summary>
    public double Seconds { get; init; }
}

/// <summary>What the units of a study share while it runs.</summary>
/// <param name="plan">The study.</param>
/// <param name="sources">Models and data.</param>
/// <param name="cache">Folder of built programs and prepared images; null for none.</param>
internal sealed class StudyContext(StudyPlan plan, StudySources sources, string? cache) : IDisposable
{
    /// <summary>The study.</summary>
    public StudyPlan Plan { get; } = plan;

    /// <summary>Models and data.</summary>
    public StudySources Sources { get; } = sources;

    /// <summary>Folder of built programs and prepared images.</summary>
    public string? Cache { get; } = cache;

    /// <summary>The machine's multiply-adds.</summary>
    public PeakRate Peak { get; } = new();

    /// <summary>How many times longer than it took each sample is made to last, to try what a comparison finds; 1 for a study.</summary>
    public double Slowdown { get; init; } = 1;

    /// <summary>Records energy and sensors; null for none.</summary>
    public SensorLog? Sensors { get; init; }

    /// <summary>Limits of temperature and battery; null for none.</summary>
    public RunGuard? Guard { get; init; }

    /// <summary>What pauses the study at these limits; the runner sets it.</summary>
    public GuardWatch? Watch { get; set; }

    /// <summary>Pauses of training runs, which have a watch of their own.</summary>
    public TimeSpan OtherPauses { get; set; }

    /// <summary>Looks at the limits, between two samples.</summary>
    /// <exception cref="OperationCanceledException">The run is cancelled, or the guard ends it.</exception>
    public void Check(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Watch?.Pass("measure", cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Peak.Dispose();
}
