using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>The rewrites between a model's graph and the graph that runs. Each can be switched off, which must not change results beyond rounding.</summary>
internal static class CompilePasses
{
    private static readonly CompilePass InvertedResiduals = new("fuse-inverted-residual", FuseInvertedResidual.Run, ForCpuCaches: true);

    /// <summary>Lets convolutions sum the statistics for batch normalization on devices of OpenCL.</summary>
    public static CompilePass OpenClMoments { get; } =
        new("fuse-batch-norm-moments-opencl", FuseBatchNormMoments.RunOnOpenCl, FusesKernels: true, ForOpenCl: true);

    /// <summary>Makes one launch of a whole inverted residual on devices of OpenCL.</summary>
    public static CompilePass OpenClBlocks { get; } =
        new("fuse-inverted-residual-opencl", FuseInvertedResidual.RunOnOpenCl, FusesKernels: true, ForOpenCl: true);

    /// <summary>Computes 8-bit parts in integers, rounded as applications do.</summary>
    public static CompilePass LowerQuantized { get; } = new("lower-quantized", Passes.LowerQuantized.Run);

    /// <summary>Computes 8-bit parts in integers, rounded as TensorFlow Lite's built-in kernels do.</summary>
    public static CompilePass LowerQuantizedFixedPoint { get; } = new("lower-quantized-fixed", Passes.LowerQuantized.RunFixedPoint);

    /// <summary>All rewrites, in order.</summary>
    public static IReadOnlyList<CompilePass> All { get; } =
    [
        new("eliminate-dead-nodes", EliminateDeadNodes.Run),
        new("fold-constants", FoldConstants.Run),
        new("fuse-pad", FusePad.Run),
        LowerQuantized,
        LowerQuantizedFixedPoint,
        new("fold-batch-norm", FoldBatchNorm.Run),
        new("fuse-epilogue", FuseEpilogue.Run, FusesKernels: true),
        new("fuse-batch-norm-activation", FuseBatchNormActivation.Run, FusesKernels: true),
        new("fuse-batch-norm-moments", FuseBatchNormMoments.Run, ForCpuCaches: true),
        OpenClMoments,
        new("fuse-bias-gradient", FuseBiasGradient.Run, FusesKernels: true),
        new("fuse-depthwise-gradients", FuseDepthwiseGradients.Run, ForCpuCaches: true),
        new("read-steps", ReadSteps.Run, ForCpuCaches: true),
        InvertedResiduals,
        OpenClBlocks,
    ];

    /// <summary>Runs the passes.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="isWanted">Which of them; null for all.</param>
    public static Graph Run(Graph graph, Func<CompilePass, bool>? isWanted = null)
    {
        foreach (CompilePass pass in All)
        {
            if (isWanted is null || isWanted(pass)) graph = pass.Run(graph);
        }

        return graph;
    }

    /// <summary>The pass that finds more to do after recomputation: what is not kept for the backward pass need not exist in the forward pass either.</summary>
    public static Graph RunAfterRecompute(Graph graph, Func<CompilePass, bool> isWanted) => isWanted(InvertedResiduals) ? InvertedResiduals.Run(graph) : graph;
}
