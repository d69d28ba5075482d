using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Moves batch normalization, and products and sums with per-channel constants, into the weights and bias of the convolution or dense layer before it.
/// </summary>
internal static class FoldBatchNorm
{
    public static Graph Run(Graph graph)
    {
        if (!HasCandidate(graph)) return EliminateDeadNodes.Run(graph);
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!TryFold(graph, rewriter, node)) rewriter.Copy(node);
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    /// <summary>Whether anything that could be folded follows a layer with weights: what is folded after it follows the same layer then.</summary>
    private static bool HasCandidate(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not (BatchNorm or Add or Multiply or Subtract or Divide)) continue;
            foreach (Value input in node.Inputs)
            {
                if (LinearNode.TryGet(input.Producer, out _)) return true;
            }
        }

        return false;
    }

    private static bool TryFold(Graph graph, GraphRewriter rewriter, Node node)
    {
        if (!TryGetScaleShift(node, out Value? source, out double[]? scale, out double[]? shift)) return false;

        // The producer may itself be the result of a fold, so it is looked up among the new nodes; its uses are those of the old graph.
        if (source.Consumers.Count != 1 || graph.IsOutput(source) || !AllFinite(scale) || !AllFinite(shift)) return false;
        if (!LinearNode.TryGet(rewriter.Map(source).Producer, out LinearNode linear) || !linear.CanFoldScale || linear.Channels != scale.Length) return false;

        rewriter.Enter(node);
        TensorData weights = ConstantMath.Scale(linear.Weights.Constant!, linear.ChannelAxis, scale);
        TensorData bias = ConstantMath.Affine(linear.Bias?.Constant, scale, shift);
        Value folded = rewriter.Builder.Add(
            linear.Node.Op,
            [linear.Node.Inputs[0], rewriter.Builder.Constant(linear.Weights.Name, weights), rewriter.Builder.Constant(
                linear.Bias?.Name ?? node.Name + ".bias", bias)],
            linear.With(hasBias: true, hasResidual: false, default),
            node.Name);
        rewriter.Set(node.Output, folded);
        return true;
    }

    /// <summary>An infinite factor would turn weights of zero into NaN, where the node itself gives infinity.</summary>
    private static bool AllFinite(double[] values)
    {
        foreach (double value in values)
        {
            if (!float.IsFinite((float)value)) return false;
        }

        return true;
    }

    /// <summary>Whether the node computes x * scale[c] + shift[c] with known scale and shift.</summary>
    private static bool TryGetScaleShift(
        Node node,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Value? source,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out double[]? scale,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out double[]? shift)
    {
        source = null;
        scale = shift = null;
        if (node.Op is BatchNorm)
        {
            source = node.Inputs[0];
            for (int i = 1; i < 5; i++)
            {
                if (!node.Inputs[i].IsConstant) return false;
            }

            ScaleShift(node, out scale, out shift);
            return true;
        }

        if (node.Op is not (Add or Multiply or Subtract or Divide)) return false;

        // The sums of an 8-bit layer are exact integers until they are scaled and rounded; in the weights the scale would make them inexact.
        if (node.Op is Multiply or Divide && node.Output.Consumers is [{ Op: FakeQuantize or Round }]) return false;
        int constant = node.Inputs[1].IsConstant ? 1 : node.Op is Add or Multiply && node.Inputs[0].IsConstant ? 0 : -1;
        if (constant < 0 || node.Inputs[1 - constant].IsConstant) return false;
        source = node.Inputs[1 - constant];
        Value operand = node.Inputs[constant];
        if (source.Shape.Rank == 0 || source.Shape != node.Output.Shape) return false;
        int channels = source.Shape[-1];
        if (operand.Shape.ElementCount != 1 && (operand.Shape.ElementCount != channels || operand.Shape[-1] != channels)) return false;

        ReadOnlySpan<float> values = operand.Constant!.Floats;
        scale = new double[channels];
        shift = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double value = values[values.Length == 1 ? 0 : c];
            (scale[c], shift[c]) = node.Op switch
            {
                Multiply => (value, 0.0),
                Divide => (1 / value, 0),
                Add => (1, value),
                Subtract => (1, -value),
                _ => throw new UnreachableException($"{node.Op.Name} is not folded."),
            };
        }

        return true;
    }

    /// <summary>The factors of a batch normalization with constant operands: scale / sqrt(variance + epsilon) and shift - mean * that.</summary>
    public static void ScaleShift(Node node, out double[] scale, out double[] shift)
    {
        double epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
        ReadOnlySpan<float> gamma = node.Inputs[1].Constant!.Floats, beta = node.Inputs[2].Constant!.Floats;
        ReadOnlySpan<float> mean = node.Inputs[3].Constant!.Floats, variance = node.Inputs[4].Constant!.Floats;
        scale = new double[gamma.Length];
        shift = new double[gamma.Length];
        for (int c = 0; c < scale.Length; c++)
        {
            scale[c] = gamma[c] / Math.Sqrt(variance[c] + epsilon);
            shift[c] = beta[c] - (mean[c] * scale[c]);
        }
    }
}
