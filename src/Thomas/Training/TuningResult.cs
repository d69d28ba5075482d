using System.Collections.Generic;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What tuning produced and how it went.</summary>
public sealed class TuningResult
{
    /// <summary>The model with its new head, the best weights seen, labels and preprocessing inside.</summary>
    public required Model Model { get; init; }

    /// <summary>Class names in the order of the model's outputs and of the matrices below.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Validation before training.</summary>
    public required ConfusionMatrix Before { get; init; }

    /// <summary>What was measured before training, for example a nearest-centroid classifier on the same features.</summary>
    public required string BeforeMethod { get; init; }

    /// <summary>Validation with the weights kept.</summary>
    public required ConfusionMatrix After { get; init; }

    /// <summary>One entry per epoch.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The epoch whose weights were kept, from 1.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Training pictures used.</summary>
    public required int TrainingPictures { get; init; }

    /// <summary>Pictures that could not be decoded and were left out.</summary>
    public required IReadOnlyList<BrokenPicture> Broken { get; init; }

    /// <summary>The preprocessing used.</summary>
    public required PictureInput Input { get; init; }

    /// <summary>What each stage took.</summary>
    public required StageTimes Times { get; init; }

    /// <summary>Whether training was cancelled; the model then holds the best weights up to that point.</summary>
    public required bool Cancelled { get; init; }

    /// <summary>Decisions and warnings, for the log.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Names of the kernels of the frozen part, in the order they run; empty if all features were read from the cache.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }
}
