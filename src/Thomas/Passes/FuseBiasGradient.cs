using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Lets the gradient of an activation be summed to the bias gradient while it is made: one pass over memory instead of two, with the same bits.
/// </summary>
internal static class FuseBiasGradient
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Node> sums = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is ActivateGradient && Sum(node.Output) is Node sum) sums.Add(node, sum);
        }

        if (sums.Count == 0) return graph;
        HashSet<Node> fused = [.. sums.Values];
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (fused.Contains(node)) continue;
            if (!sums.TryGetValue(node, out Node? sum))
            {
                rewriter.Copy(node);
                continue;
            }

            rewriter.Enter(node);
            Node both = rewriter.Builder.AddNode(OpCatalog.ActivateBiasGradient, rewriter.MapInputs(node), node.Attributes, node.Name);
            rewriter.Set(node.Output, both.Outputs[0]);
            rewriter.Set(sum.Output, both.Outputs[1]);
        }

        return rewriter.Build();
    }

    /// <summary>The node that sums a value over all axes but the last. One channel is summed by lanes of vectors, in another order, and left alone.</summary>
    private static Node? Sum(Value value)
    {
        foreach (Node consumer in value.Consumers)
        {
            if (consumer.Attributes is not ReduceAttributes { Kind: ReduceKind.Sum, KeepDims: false } a) continue;
            int rank = value.Shape.Rank;
            if (rank >= 2 && value.Shape[-1] > 1 && a.Axes.Count == rank - 1 && a.Axes[rank - 2] == rank - 2) return consumer;
        }

        return null;
    }
}
