using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Reads scale * clamp(round(x / scale), low, high), as .onnx files spell a rounding to a grid where no QuantizeLinear may stand, as that rounding: so a file
/// that was written here is the same network again, its output is known for what it is, and gradients pass as through any other rounding.
/// </summary>
internal static class FuseRounding
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, (Value Input, FakeQuantizeAttributes Attributes)> found = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Multiply && Match(node) is var (input, attributes)) found.Add(node, (input, attributes));
        }

        if (found.Count == 0) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!found.TryGetValue(node, out (Value Input, FakeQuantizeAttributes Attributes) rounding))
            {
                rewriter.Copy(node);
                continue;
            }

            rewriter.Enter(node);
            rewriter.Set(node.Output, rewriter.Builder.Add(OpCatalog.FakeQuantize, [rewriter.Map(rounding.Input)], rounding.Attributes, node.Name));
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    private static (Value Input, FakeQuantizeAttributes Attributes)? Match(Node product)
    {
        if (Operand(product) is not (Value clipped, float[] scales)) return null;
        if (clipped.Producer is not { Op: Minimum } upper || Operand(upper) is not (Value raised, float[] high) || high.Length != scales.Length) return null;
        if (raised.Producer is not { Op: Maximum } lower || Operand(lower) is not (Value rounded, float[] low) || low.Length != scales.Length) return null;
        if (rounded.Producer is not { Op: Round } round || round.Inputs[0].Producer is not { Op: Divide } quotient || quotient.Inputs[0].IsConstant)
        {
            return null;
        }

        if (Operand(quotient) is not (Value input, float[] divisors)) return null;
        if (!divisors.AsSpan().SequenceEqual(scales) || input.Shape != product.Output.Shape) return null;
        return Grid(scales, low, high, input.Shape.Rank - 1) is { } grid ? (input, grid) : null;
    }

    /// <summary>The grid of 8 bits with these ends, in steps from zero; null where there is none.</summary>
    private static FakeQuantizeAttributes? Grid(float[] scales, float[] low, float[] high, int axis)
    {
        const int Smallest = -128, Steps = 255;
        float steps = high[0] - low[0];
        int[] zeros = new int[scales.Length];
        for (int i = 0; i < scales.Length; i++)
        {
            bool isGrid = scales[i] > 0 && float.IsFinite(scales[i]) && high[i] - low[i] == steps && steps is >= 1 and <= Steps && low[i] == MathF.Round(low[i])
                && Math.Abs(low[i]) <= Steps && steps == MathF.Round(steps);
            if (!isGrid) return null;
            zeros[i] = Smallest - (int)low[i];
        }

        return new FakeQuantizeAttributes(new Quantization(scales, zeros, scales.Length == 1 ? 0 : axis), Smallest, Smallest + (int)steps);
    }

    /// <summary>The operand of a node of two that is computed, and the constant one's numbers: a single one, or one for each channel.</summary>
    private static (Value Value, float[] Numbers)? Operand(Node node)
    {
        (Value value, Value other) = node.Inputs[0].IsConstant ? (node.Inputs[1], node.Inputs[0]) : (node.Inputs[0], node.Inputs[1]);
        if (value.IsConstant || other.Constant is not TensorData { Type: { DType: DType.F32, Shape: Shape shape } } data
            || shape.ElementCount > ushort.MaxValue)
        {
            return null;
        }

        bool isPerChannel = shape.Rank > 0 && value.Shape.Rank > 0 && shape[-1] == shape.ElementCount && shape[-1] == value.Shape[-1];
        return shape.ElementCount == 1 || isPerChannel ? (value, data.Floats.ToArray()) : null;
    }
}
