using System;
using System.Buffers;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Computes nodes whose operands are all constant.</summary>
internal static class FoldConstants
{
    /// <summary>A result larger than this and than its operands stays a node, so that a small file cannot ask for much memory.</summary>
    private const long SmallElements = 1 << 20;

    /// <summary>Elements of all results together, besides as many as the graph has parameters.</summary>
    private const long BaseElements = 4 << 20;

    /// <summary>Arithmetic on constants, besides two operations for each parameter, so that a small file cannot ask for much time.</summary>
    private const long BaseOperations = 100_000_000;

    public static Graph Run(Graph graph)
    {
        if (!HasConstantNode(graph)) return EliminateDeadNodes.Run(graph);
        GraphRewriter rewriter = new(graph);
        long elements = BaseElements + graph.ParameterCount, operations = BaseOperations + (2 * graph.ParameterCount);
        foreach (Node node in graph.Nodes)
        {
            OpCost cost = node.Cost;
            bool isView = node.Op.IsView(node);
            long newElements = isView ? 0 : node.Output.Shape.ElementCount, newOperations = isView ? 0 : cost.MultiplyAdds + cost.Elementwise;
            if (!IsFoldable(node, rewriter) || newElements > elements || newOperations > operations)
            {
                rewriter.Copy(node);
                continue;
            }

            elements -= newElements;
            operations -= newOperations;
            Fold(node, rewriter);
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    private static bool HasConstantNode(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            bool constant = true;
            foreach (Value input in node.Inputs) constant &= input.IsConstant;
            if (constant) return true;
        }

        return false;
    }

    /// <summary>Runs the scalar definition of one node on constants.</summary>
    public static unsafe TensorData Evaluate(Node node, ReadOnlySpan<TensorData> inputs)
    {
        float[] result = new float[node.Output.Shape.ElementCount];
        MemoryHandle[] pins = new MemoryHandle[inputs.Length];
        RefTensor<float>[] operands = new RefTensor<float>[inputs.Length];
        try
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                pins[i] = inputs[i].Bytes.Pin();
                operands[i] = new RefTensor<float>((float*)pins[i].Pointer, inputs[i].Type.Shape);
            }

            fixed (float* output = result)
            {
                node.Op.Reference(new ReferenceArgs<float>(node, operands, [new RefTensor<float>(output, node.Output.Shape)]));
            }
        }
        finally
        {
            foreach (MemoryHandle pin in pins) pin.Dispose();
        }

        return TensorData.FromFloats(node.Output.Shape, result);
    }

    private static bool IsFoldable(Node node, GraphRewriter rewriter)
    {
        // A view borrows its operand, whatever that holds. Everything else is left alone in other types: folding would widen what a file holds in 16 bits.
        if (node.Op.IsView(node)) return rewriter.Map(node.Inputs[0]).IsConstant;
        if (node.Outputs.Count != 1 || node.Output.Type.DType != DType.F32) return false;
        long operands = 0;
        foreach (Value input in node.Inputs)
        {
            Value mapped = rewriter.Map(input);
            if (!mapped.IsConstant || mapped.Type.DType != DType.F32) return false;
            operands += mapped.Shape.ElementCount;
        }

        return node.Output.Shape.ElementCount <= Math.Max(SmallElements, operands);
    }

    private static void Fold(Node node, GraphRewriter rewriter)
    {
        TensorData[] inputs = new TensorData[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = rewriter.Map(node.Inputs[i]).Constant!;
        TensorData result = node.Op.IsView(node) ? inputs[0].Reshaped(node.Output.Shape) : Evaluate(node, inputs);
        rewriter.Set(node.Output, rewriter.Builder.Constant(node.Name, result));
    }
}
