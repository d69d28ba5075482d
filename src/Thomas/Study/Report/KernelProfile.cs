using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>Where the time of a training step or an inference goes.</summary>
internal sealed record KernelProfile
{
    /// <summary>The kinds, in the order of the bars of a chart.</summary>
    public static readonly IReadOnlyList<string> Kinds =
    [
        KernelKinds.ForwardConvolution, KernelKinds.ForwardDense, KernelKinds.Activation, KernelKinds.Pooling, KernelKinds.Normalization,
        KernelKinds.ForwardOther, KernelKinds.Loss, KernelKinds.BackwardData, KernelKinds.WeightGradient, KernelKinds.BothGradients,
        KernelKinds.ActivationBackward, KernelKinds.PoolingBackward, KernelKinds.NormalizationBackward, KernelKinds.BackwardOther, KernelKinds.Recompute,
        KernelKinds.Update, KernelKinds.Transfer, KernelKinds.NonKernel,
    ];

    /// <summary>As of a cell.</summary>
    public required string Id { get; init; }

    /// <summary>The experiment of the study that it belongs to.</summary>
    public required string Experiment { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>The update policy; "inference" for none.</summary>
    public required string Policy { get; init; }

    /// <summary>"serial", "cpu" or "opencl:N".</summary>
    public required string Device { get; init; }

    /// <summary>Threads of the CPU.</summary>
    public required int Threads { get; init; }

    /// <summary>Images of a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Type of stored activations.</summary>
    public required string Type { get; init; }

    /// <summary>Settings that differ from those by default.</summary>
    public required string Switches { get; init; }

    /// <summary>Medians by kind; the last, "non-kernel", is what the step took beside its kernels.</summary>
    public required IReadOnlyList<KernelKind> Parts { get; init; }

    /// <summary>The median of whole steps with a clock around every kernel.</summary>
    public required double TimedStepSeconds { get; init; }

    /// <summary>The median of whole steps without, which took turns with them.</summary>
    public required double StepSeconds { get; init; }
}

/// <summary>One kind of kernel in a step.</summary>
/// <param name="Kind">One of <see cref="KernelProfile.Kinds"/>.</param>
/// <param name="Seconds">Of a step.</param>
/// <param name="Kernels">How many kernels.</param>
/// <param name="MultiplyAdds">What they compute.</param>
internal sealed record KernelKind(string Kind, double Seconds, int Kernels, long MultiplyAdds);
