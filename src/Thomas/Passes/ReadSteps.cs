using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Lets gradients read the steps that the forward pass of an 8-bit network leaves, where their kernels make real numbers of a few at a time: then these never
/// lie in memory as float32.
/// </summary>
internal static class ReadSteps
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, int> readers = [];
        foreach (Node node in graph.Nodes)
        {
            if (Operand(node) is int operand) readers.Add(node, operand);
        }

        if (readers.Count == 0) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!readers.TryGetValue(node, out int operand))
            {
                rewriter.Copy(node);
                continue;
            }

            Node real = node.Inputs[operand].Producer!;
            StepGrid grid = ((DequantizeAttributes)real.Attributes).Grid;
            Value[] inputs = rewriter.MapInputs(node);
            inputs[operand] = rewriter.Map(real.Inputs[0]);
            OpAttributes attributes = node.Attributes switch
            {
                ActivateAttributes a => a with { Saved = grid },
                Conv2dGradientAttributes a => a with { X = grid },
                DepthwiseConv2dGradientAttributes a => a with { X = grid },
                OpAttributes other => other,
            };
            rewriter.Enter(node);
            Node copy = rewriter.Builder.AddNode(node.Op, inputs, attributes, node.Name);
            for (int i = 0; i < node.Outputs.Count; i++) rewriter.Set(node.Outputs[i], copy.Outputs[i]);
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    /// <summary>The operand of a gradient that can be read in steps; null for others.</summary>
    private static int? Operand(Node node)
    {
        int operand = node.Op switch
        {
            ActivateGradient or ActivateBiasGradient => 1,
            DepthwiseConv2dGradient => 0,
            Conv2dFilterGradient when node.Op.CpuReadsKept(node, 0) => 0,
            _ => -1,
        };
        return operand >= 0 && node.Inputs[operand].Producer is { Op: Dequantize, Stage: Stage.Recompute } ? operand : null;
    }
}
