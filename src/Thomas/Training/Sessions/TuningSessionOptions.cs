using System;
using System.IO;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a <see cref="TuningSession"/> computes and trains.</summary>
/// <example>
/// <code>
/// TuningSessionOptions options = new() { ModelFile = "mobilenet_v2.onnx", Compile = new CompileOptions { Threads = 1 } };
/// </code>
/// </example>
public sealed record TuningSessionOptions
{
    /// <summary>How the last layer is trained. <see cref="TrainerOptions.Seed"/> also decides which images are set aside.</summary>
    public TrainerOptions Head { get; init; } = TrainerOptions.LastLayer;

    /// <summary>
    /// Share of the images of each class, above 0 and below 1, that is set aside to measure the accuracy; 0 measures nothing and halves the time. A class of
    /// fewer than
    /// <see cref="TuningSession.ImagesToCheck"/> images gives none.
    /// </summary>
    public double CheckShare { get; init; } = 0.2;

    /// <summary>Overrides what the model says, in a new session. One that exists already keeps its own, and refuses another.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>
    /// Pauses training while the device is too hot or its battery too low; null never does. With <see cref="LowBatteryAction.Stop"/> it ends training by a <see
    /// cref="RunStoppedException"/>, and the former head stays in use.
    /// </summary>
    public RunGuard? Guard { get; init; }

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>
    /// Path or name of the model's file, which a new session remembers for <see cref="TuningSession.ModelFileOf"/> and for messages; null for the model's own
    /// name.
    /// </summary>
    public string? ModelFile { get; init; }

    /// <summary>Stands between changes and their file, for tests.</summary>
    internal Func<Stream, Stream>? LogStream { get; init; }

    /// <summary>A log that holds so many bytes more than twice what is needed is written anew when the session is opened.</summary>
    internal long CompactAbove { get; init; } = 1 << 20;

    /// <exception cref="ArgumentException">An option is null or out of its range; the message names it.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Head);
        ArgumentNullException.ThrowIfNull(Compile);
        Head.ValidateForFeatures();
        Guard?.Validate();
        Preprocessing?.Check();
        if (CheckShare is >= 0 and < 1) return;
        throw new ArgumentOutOfRangeException(
            nameof(CheckShare), CheckShare, FormattableString.Invariant($"The share set aside is {CheckShare}; it must be 0 or more and below 1."));
    }
}
