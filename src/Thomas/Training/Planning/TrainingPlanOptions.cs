using System;
using Thomas.Autodiff;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What a training step is to be planned for.</summary>
public sealed record TrainingPlanOptions
{
    /// <summary>What is trained.</summary>
    public UpdatePolicy Policy { get; init; } = UpdatePolicy.All;

    /// <summary>What batch normalization does.</summary>
    public BatchNormMode BatchNorm { get; init; }

    /// <summary>The update rule.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Images of a step.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>
    /// Images of one run, a divisor of <see cref="Batch"/>; null leaves it to the planner, which takes the whole batch unless a memory bound speaks against it.
    /// </summary>
    public int? MicroBatch { get; init; }

    /// <summary>Bound of <see cref="TrainingMemory.Total"/>; null for none, and then nothing is recomputed.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>In which form activations are kept for the backward pass.</summary>
    public Compression Compression { get; init; }

    /// <summary>
    /// Whether all parameters change after the whole backward pass, as in most engines: shows what it costs that all gradients are there at once.
    /// </summary>
    internal bool UpdatesAtEnd { get; init; }

    /// <summary>What a run takes beside the step and counts towards <see cref="MemoryBytes"/>; null for nothing.</summary>
    internal Func<TrainingPlan, long>? Beside { get; init; }

    /// <summary>Share of the last layer's inputs that become zero in training.</summary>
    public float Dropout { get; init; }

    /// <summary>Seed of their choice.</summary>
    public ulong DropoutSeed { get; init; }

    /// <summary>Device, threads and switches.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Batch);
        if (MicroBatch is int micro && (micro < 1 || Batch % micro != 0))
        {
            throw new ArgumentOutOfRangeException(nameof(MicroBatch), micro, $"{nameof(MicroBatch)} is {micro}; it must divide the batch of {Batch}.");
        }

        _ = Compression.ToWord();
        if (MemoryBytes is <= 0) throw new ArgumentOutOfRangeException(nameof(MemoryBytes), MemoryBytes, $"{nameof(MemoryBytes)} must be positive.");
        ArgumentNullException.ThrowIfNull(Optimizer);
        Optimizer.Validate();
    }
}
