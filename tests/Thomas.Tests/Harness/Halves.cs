using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Formats;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Tests.Harness;

/// <summary>Graphs with weights of 16 bits, and the same numbers in float32.</summary>
internal static class Halves
{
    /// <summary>A constant in another type of floats, rounded to nearest.</summary>
    public static unsafe TensorData To(TensorData data, DType type)
    {
        byte[] bytes = new byte[data.Type.Shape.ElementCount * type.SizeBytes()];
        fixed (float* source = data.ToFloats())
        fixed (byte* target = bytes)
            Elements.Convert(DType.F32, source, type, target, data.Type.Shape.ElementCount);
        return new TensorData(data.Type with { DType = type }, bytes);
    }

    /// <summary>The graph with all constants in 16 bits that operators take so; and that graph with the same numbers in float32.</summary>
    public static (Graph Half, Graph Widened) Of(Graph graph, DType type) =>
        (Replaced(graph, type, data => To(data, type)), Replaced(graph, type, data => To(data, type).ToF32()));

    /// <summary>The same model with weights in 16 bits; and that model with the same numbers in float32.</summary>
    public static (Model Half, Model Widened) Of(Model model, DType type)
    {
        (Graph half, Graph widened) = Of(model.Graph, type);
        return (new Model(half, model.Info), new Model(widened, model.Info));
    }

    /// <summary>The constants of a type by name.</summary>
    public static Dictionary<string, byte[]> Constants(Graph graph, DType type) =>
        graph.Values.Where(value => value.IsConstant && value.Type.DType == type).ToDictionary(value => value.Name, value => value.Constant!.Bytes.ToArray());

    private static Graph Replaced(Graph graph, DType type, Func<TensorData, TensorData> replace)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Value value in graph.Values)
        {
            if (value.Constant is TensorData data && StoredWeights.Keeps(value, type))
            {
                rewriter.Set(value, rewriter.Builder.Constant(value.Name, replace(data)));
            }
        }

        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }
}
