using System.Collections.Generic;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>Native and managed memory that a training run held besides model and images.</summary>
/// <param name="Variables">Parameters, statistics, moments, sums of gradients.</param>
/// <param name="Step">Arena and packed constants of the step's graphs.</param>
/// <param name="Rollback">The state to go back to where numbers are no longer finite.</param>
/// <param name="Best">The best weights so far.</param>
/// <param name="Batches">Batches that were prepared ahead.</param>
/// <param name="Validation">Arena and packed constants of the validation's graph.</param>
public readonly record struct TrainerMemory(long Variables, long Step, long Rollback, long Best, long Batches, long Validation)
{
    /// <summary>
    /// What of all that is in the memory of a device that is not the CPU. Where that is the host's memory as well, it is the part that the device works in.
    /// </summary>
    public long Device { get; init; }

    /// <summary>Sum of all.</summary>
    public long Total => Variables + Step + Rollback + Best + Batches + Validation;
}

/// <summary>What <see cref="Trainer"/> produced and how it went.</summary>
public sealed class TrainerResult
{
    /// <summary>The model with the weights kept, its labels and preprocessing inside.</summary>
    public required Model Model { get; init; }

    /// <summary>Class names in the order of the model's outputs and of the matrices below.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Validation with the weights that training started from; null without validation images.</summary>
    public required ConfusionMatrix? Before { get; init; }

    /// <summary>
    /// Validation with the weights kept, whose epoch was chosen by these same images; null without validation images, or if training was canceled before any
    /// were kept.
    /// </summary>
    public required ConfusionMatrix? After { get; init; }

    /// <summary>One entry per epoch, those before a resumption included.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>
    /// The epoch whose weights were kept; 0 if no epoch was better than the model as given, or if training was canceled before one was finished: then they are
    /// as the last step left them, unless the model as given had the right classes and there were validation images to say how good it is.
    /// </summary>
    public required int BestEpoch { get; init; }

    /// <summary>Peak learning rate in the end, after restarts.</summary>
    public required float LearningRate { get; init; }

    /// <summary>How often training went back to a good state because a number was not finite.</summary>
    public required int Restarts { get; init; }

    /// <summary>Whether it ended because no epoch was better for long enough.</summary>
    public required bool StoppedEarly { get; init; }

    /// <summary>Whether it was canceled, or ended by its guard, see <see cref="Pauses"/>.</summary>
    public required bool Cancelled { get; init; }

    /// <summary>Decisions and warnings, for the log.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Those of <see cref="Notes"/> that say that the CPU computed in the place of the device, and from where on.</summary>
    internal IReadOnlyList<string> DeviceNotes { get; init; } = [];

    /// <summary>What the user must know: class names that look the same, a result below the one before training.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether the trained model does worse on the validation images than the model did before training; false without such images.</summary>
    public bool IsBelowBaseline => After is not null && Before is not null && After.Accuracy < Before.Accuracy;

    /// <summary>The model's classes that no validation image was of; empty without validation images.</summary>
    public IReadOnlyList<string> UncheckedClasses => After?.WithoutSamples(Labels) ?? [];

    /// <summary>Elements of all trained tensors.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Mean wall-clock time of a step of this run, waiting for images included, pauses of a guard not; 0 if it made none.</summary>
    public required double SecondsPerStep { get; init; }

    /// <summary>Share of the time of the steps in which the network waited for its images.</summary>
    public required double WaitedShare { get; init; }

    /// <summary>What each stage took.</summary>
    public required StageTimes Times { get; init; }

    /// <summary>What the guard of <see cref="TrainerOptions.Guard"/> did; null without one, and where the guard is that of a whole tuning run.</summary>
    public PauseReport? Pauses { get; init; }

    /// <summary>In which form activations were kept for the backward pass: never <see cref="Compression.Auto"/>.</summary>
    public Compression Compression { get; init; }

    /// <summary>Memory held.</summary>
    public required TrainerMemory Memory { get; init; }

    /// <summary>Names of the kernels of a step, in the order they run.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }
}
