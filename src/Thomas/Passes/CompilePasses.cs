using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>The rewrites between a model's graph and the graph that runs. Each can be switched off, which must not change results beyond rounding.</summary>
internal static class CompilePasses
{
    /// <summary>The name of <see cref="FuseInvertedResidual"/>.</summary>
    private const string InvertedResiduals = "fuse-inverted-residual";

    /// <summary>Name and rewrite, in order.</summary>
    public static IReadOnlyList<(string Name, Func<Graph, Graph> Run)> All { get; } =
    [
        ("eliminate-dead-nodes", EliminateDeadNodes.Run),
        ("fold-constants", FoldConstants.Run),
        ("fuse-pad", FusePad.Run),
        ("fold-batch-norm", FoldBatchNorm.Run),
        ("fuse-epilogue", FuseEpilogue.Run),
        ("fuse-batch-norm-activation", FuseBatchNormActivation.Run),
        ("fuse-batch-norm-moments", FuseBatchNormMoments.Run),
        ("fuse-bias-gradient", FuseBiasGradient.Run),
        ("fuse-depthwise-gradients", FuseDepthwiseGradients.Run),
        (InvertedResiduals, FuseInvertedResidual.Run),
    ];

    public static Graph Run(Graph graph, IReadOnlyCollection<string>? switchedOff = null)
    {
        foreach ((string name, Func<Graph, Graph> run) in All)
        {
            if (switchedOff is null || !Contains(switchedOff, name)) graph = run(graph);
        }

        return graph;
    }

    /// <summary>The pass that finds more to do after recomputation: what is not kept for the backward pass need not exist in the forward pass either.</summary>
    public static Graph RunAfterRecompute(Graph graph, IReadOnlyCollection<string> switchedOff) =>
        Contains(switchedOff, InvertedResiduals) ? graph : FuseInvertedResidual.Run(graph);

    private static bool Contains(IReadOnlyCollection<string> names, string name)
    {
        foreach (string candidate in names)
        {
            if (candidate == name) return true;
        }

        return false;
    }
}
