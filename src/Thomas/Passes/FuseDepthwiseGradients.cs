using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Makes both gradients of a depthwise convolution in one pass over memory, the input's over the forward input where that dies with them: three readings and writings of
/// a tensor instead of five.
/// </summary>
internal static class FuseDepthwiseGradients
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Node> inputs = [];
        HashSet<Node> fused = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not DepthwiseConv2dFilterGradient || InputGradient(node, fused) is not Node input) continue;
            inputs.Add(node, input);
            fused.Add(input);
        }

        if (inputs.Count == 0) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (fused.Contains(node)) continue;
            if (!inputs.TryGetValue(node, out Node? input))
            {
                rewriter.Copy(node);
                continue;
            }

            rewriter.Enter(node);
            Node both = rewriter.Builder.AddNode(
                OpCatalog.DepthwiseConv2dGradient, [rewriter.Map(node.Inputs[0]), rewriter.Map(node.Inputs[1]), rewriter.Map(input.Inputs[1])], node.Attributes, input.Name);
            rewriter.Set(input.Output, both.Outputs[0]);
            rewriter.Set(node.Output, both.Outputs[1]);
        }

        return rewriter.Build();
    }

    /// <summary>
    /// The input's gradient that belongs to a filter's, if one kernel makes both. Its filter must be a variable or constant: whatever else it might be could come after the
    /// filter's gradient.
    /// </summary>
    private static Node? InputGradient(Node node, HashSet<Node> taken)
    {
        Value dy = node.Inputs[1];
        if (!DepthwiseConv2dGradient.Fits((Conv2dGradientAttributes)node.Attributes, node.Inputs[0].Shape, dy.Shape)) return null;
        foreach (Node consumer in dy.Consumers)
        {
            if (consumer.Op is DepthwiseConv2dInputGradient && Equals(consumer.Attributes, node.Attributes) && ReferenceEquals(consumer.Inputs[0], dy)
                && consumer.Inputs[1].Producer is null && !taken.Contains(consumer)) return consumer;
        }

        return null;
    }
}
