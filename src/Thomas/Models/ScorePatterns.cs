using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas;

/// <summary>Last layers that exporters write as several operators.</summary>
internal static class ScorePatterns
{
    /// <summary>The operand of a node without those that only move or round elements.</summary>
    public static Value Behind(Value value)
    {
        while (value.Producer is { Op: Reshape or Transpose or FakeQuantize } node) value = node.Inputs[0];
        return value;
    }

    /// <summary>The logits of a softmax that is written out, e^x / sum(e^x), with or without the maximum subtracted; null for any other node.</summary>
    public static Value? SoftmaxLogits(Node node)
    {
        if (node.Op is not Divide || node.Inputs[0].Producer is not { Op: Exp } exp) return null;
        if (Behind(node.Inputs[1]).Producer is not { Op: Reduce, Attributes: ReduceAttributes { Kind: ReduceKind.Sum } } sum
            || !ReferenceEquals(sum.Inputs[0], node.Inputs[0]))
        {
            return null;
        }

        if (sum.Output.Shape.ElementCount != 1) return null;
        Value x = exp.Inputs[0];
        return x.Producer is { Op: Subtract } shifted
            && Behind(shifted.Inputs[1]).Producer is { Op: Reduce, Attributes: ReduceAttributes { Kind: ReduceKind.Max } } max
            && ReferenceEquals(max.Inputs[0], shifted.Inputs[0])
            ? shifted.Inputs[0]
            : x;
    }

    /// <summary>The probability p of one number that a node joins with 1 - p; null for any other node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="isFirst">Whether p comes before 1 - p.</param>
    public static Value? TwoClasses(Node node, out bool isFirst)
    {
        isFirst = false;
        if (node.Op is not Concat || node.Inputs.Count != 2 || node.Output.Shape.ElementCount != 2) return null;
        Value a = Behind(node.Inputs[0]), b = Behind(node.Inputs[1]);
        if (IsOneMinus(a, b)) return IsSigmoid(b) ? b : null;
        isFirst = true;
        return IsOneMinus(b, a) && IsSigmoid(a) ? a : null;
    }

    /// <summary>Whether a value is a sigmoid of one number.</summary>
    private static bool IsSigmoid(Value value) =>
        value.Producer is { Op: Activate, Attributes: ActivateAttributes { Activation.Kind: ActivationKind.Sigmoid } };

    private static bool IsOneMinus(Value value, Value other) =>
        value.Producer is { Op: Subtract } node && node.Inputs[0].Constant is TensorData one && one.Type.Shape.ElementCount == 1
        && Math.Abs(one.Floats[0] - 1) < 1e-6f && ReferenceEquals(Behind(node.Inputs[1]), other);
}
