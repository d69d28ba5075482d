using System;
using System.Collections.Generic;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>An image of a <see cref="TuningSession"/>.</summary>
/// <param name="Id">Its number: rising in the order in which images are added, never given twice in a session.</param>
/// <param name="Label">Name of its class.</param>
/// <param name="Added">When it was added, in UTC.</param>
public sealed record TuningSessionItem(long Id, string Label, DateTimeOffset Added);

/// <summary>A class of a <see cref="TuningSession"/>.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Images">How many images it has, at least one.</param>
public sealed record TuningSessionClass(string Label, int Images);

/// <summary>What a training of a <see cref="TuningSession"/> gave.</summary>
public sealed record TuningSessionReport
{
    /// <summary>Names of the classes when it was trained, in the order of the matrices below.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Images that the head in use learned from: all there were.</summary>
    public required int Images { get; init; }

    /// <summary>
    /// The baseline: the images set aside, by the nearest class centroid of the others on the same features. Null if no image could be set aside.
    /// </summary>
    public required ConfusionMatrix? Before { get; init; }

    /// <summary>
    /// The images set aside, by a head that learned from the others only; the one in use learned from all and is at least as good as a rule. Null if no image
    /// could be set aside. See <see cref="Checked"/>.
    /// </summary>
    public required ConfusionMatrix? After { get; init; }

    /// <summary>What the accuracies were measured on, as a sentence.</summary>
    public required string Checked { get; init; }

    /// <summary>The images set aside that the head of <see cref="After"/> took for another class, in the order of their numbers.</summary>
    internal IReadOnlyList<SessionMistake> Mistakes { get; init; } = [];

    /// <summary>
    /// What the user must know: classes that were not checked or look the same, a result below the baseline, a head that could not be kept for the next start,
    /// a device that failed, so that the CPU trained.
    /// </summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>What the guard of <see cref="TuningSessionOptions.Guard"/> did; null without one, and after the session was opened again.</summary>
    public PauseReport? Pauses { get; init; }

    /// <summary>Time of the whole training, checking and pauses included.</summary>
    public required TimeSpan Duration { get; init; }
}

/// <summary>An image that was taken for another class when a session was checked.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Actual">Its class, a place in <see cref="TuningSessionReport.Labels"/>.</param>
/// <param name="Predicted">The class that it was taken for.</param>
/// <param name="Probability">Probability of that class, 0 to 1.</param>
internal sealed record SessionMistake(long Id, int Actual, int Predicted, double Probability);
