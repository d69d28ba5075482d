using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>What the gradients of layers with bias and fused activation share.</summary>
internal static class EpilogueGradient
{
    /// <summary>The gradient before the node's activation.</summary>
    /// <exception cref="GraphException">The activation's derivative needs its argument, which a fused node does not hand out.</exception>
    public static Value Undo(GradientContext g, Activation activation)
    {
        if (activation.Kind == ActivationKind.None) return g.GradOutput;
        if (!activation.GradientReadsOutput) throw new GraphException($"{g.Node}: {activation.Kind} must be a separate node in training");
        return g.Emit(OpCatalog.ActivateGradient, "gradSum", [g.GradOutput, g.Output], new ActivateAttributes(activation));
    }

    /// <summary>The sum over all axes but the last.</summary>
    public static Value Bias(GradientContext g, Value dy)
    {
        int[] axes = new int[dy.Shape.Rank - 1];
        for (int i = 0; i < axes.Length; i++) axes[i] = i;
        return g.Emit(OpCatalog.Reduce, "gradBias", [dy], new ReduceAttributes(ReduceKind.Sum, new IntList(axes), KeepDims: false));
    }
}
