using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Rounds the weights of layers to 16-bit floats, ties to even. A tensor with a number beyond their range, 65504, stays as it is.</summary>
internal static class HalfWeights
{
    private const float Largest = 65504;

    /// <summary>Rounds a graph's weights.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="rounded">Tensors that were rounded.</param>
    /// <param name="tooLarge">Names of tensors that stayed.</param>
    public static Graph Run(Graph graph, out int rounded, out string[] tooLarge)
    {
        GraphRewriter rewriter = new(graph);
        List<string> kept = [];
        rounded = 0;
        foreach (Value value in graph.Values)
        {
            if (value.Constant is not { Type.DType: DType.F32 } data || graph.IsOutput(value) || !StoredWeights.Keeps(value, DType.F16)) continue;
            if (Rounded(data) is TensorData halves)
            {
                rewriter.Set(value, rewriter.Builder.Constant(value.Name, halves));
                rounded++;
            }
            else kept.Add(value.Name);
        }

        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        tooLarge = [.. kept];
        return rewriter.Build();
    }

    private static TensorData? Rounded(TensorData data)
    {
        ReadOnlySpan<float> numbers = data.Floats;
        Half[] halves = new Half[numbers.Length];
        for (int i = 0; i < halves.Length; i++)
        {
            if (!(Math.Abs(numbers[i]) <= Largest)) return null;
            halves[i] = (Half)numbers[i];
        }

        return new TensorData(new TensorType(DType.F16, data.Type.Shape), MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
    }
}
