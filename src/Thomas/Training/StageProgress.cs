using System;
using Thomas.Data;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What a report says of the pauses of a <see cref="RunGuard"/>.</summary>
public enum PauseState
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The run is paused.</summary>
    Paused,

    /// <summary>The run goes on after a pause.</summary>
    Resumed,
}

/// <summary>How far a long job is.</summary>
/// <param name="Stage">Name of the stage: decode, features, infer, train ...</param>
/// <param name="Done">Items of the stage that are done.</param>
/// <param name="Total">Items of the stage in all.</param>
/// <param name="Message">Something to show, such as an epoch's result; may be empty.</param>
public readonly record struct StageProgress(string Stage, int Done, int Total, string Message = "")
{
    /// <summary>
    /// Whether this is no progress but something to tell at once: a checkpoint or a cache that could not be written. The counts mean nothing then.
    /// </summary>
    public bool IsWarning { get; init; }

    /// <summary>
    /// Whether this is no progress but tells of a pause: <see cref="Message"/> says why and until when. A pause is told again at every look of
    /// the guard. The counts mean nothing then.
    /// </summary>
    public PauseState Pause { get; init; }

    /// <summary>Loss of the step of training that was done last; null where this tells of something else.</summary>
    internal float? Loss { get; init; }

    /// <summary>Why the run is paused, where <see cref="Pause"/> says that it is.</summary>
    internal PauseCause Cause { get; init; }

    /// <summary>A warning.</summary>
    /// <param name="stage">The stage that it is about.</param>
    /// <param name="message">What went wrong and what follows from it.</param>
    /// <returns>The report.</returns>
    public static StageProgress Warning(string stage, string message)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(message);
        return new(stage, 0, 0, message) { IsWarning = true };
    }

    /// <summary>What a guard works with: it tells of pauses and warns through a progress.</summary>
    internal static GuardWatch? Watch(RunGuard? guard, IProgress<StageProgress>? progress)
    {
        if (guard is null) return null;
        GuardWatch? watch = null;
        return watch = new GuardWatch(
            guard,
            (stage, message, isPaused) => progress?.Report(new StageProgress(stage, 0, 0, message)
            {
                Pause = isPaused ? PauseState.Paused : PauseState.Resumed,
                Cause = isPaused ? watch!.Cause : PauseCause.None,
            }),
            (stage, message) => progress?.Report(Warning(stage, message)));
    }

    /// <summary>Tells of the preparation of images as the stage <c>decode</c>.</summary>
    /// <param name="progress">Who is told; may be null.</param>
    /// <returns>What <see cref="PreparedSet.Create"/> takes; null if nobody is told.</returns>
    public static IProgress<PrepareProgress>? Decoding(IProgress<StageProgress>? progress) =>
        progress is null
        ? null
        : new ImmediateProgress<PrepareProgress>(p => progress.Report(new StageProgress("decode", p.Done, p.Total, p.Broken == 0 ? "" : $"{p.Broken} broken")));

    internal static IProgress<int>? Counting(IProgress<StageProgress>? progress, string stage, int total) =>
        progress is null ? null : new ImmediateProgress<int>(done => progress.Report(new StageProgress(stage, done, total)));
}
