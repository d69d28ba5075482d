using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Lets a convolution sum the statistics for the batch normalization in training that follows it, while its result is in the caches: one reading of the activations less.
/// </summary>
internal static class FuseBatchNormMoments
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Node> moments = [];
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Conv2d or DepthwiseConv2d && IsNormalized(node.Output))
            {
                rewriter.Enter(node);
                Op op = node.Op is Conv2d ? OpCatalog.Conv2dMoments : OpCatalog.DepthwiseConv2dMoments;
                Node both = rewriter.Builder.AddNode(op, rewriter.MapInputs(node), node.Attributes, node.Name);
                rewriter.Set(node.Output, both.Output);
                moments.Add(node, both);
            }
            else if (node.Op is BatchNormTraining && node.Inputs[0].Producer is Node convolution && moments.TryGetValue(convolution, out Node? both))
            {
                rewriter.Enter(node);
                Value[] inputs = [.. rewriter.MapInputs(node), both.Outputs[1], both.Outputs[2], both.Outputs[3]];
                rewriter.Set(node.Outputs[0], rewriter.Builder.Add(OpCatalog.BatchNormFromMoments, inputs, node.Attributes, node.Name));
                rewriter.Set(node.Outputs[1], both.Outputs[1]);
                rewriter.Set(node.Outputs[2], both.Outputs[2]);
            }
            else
            {
                rewriter.Copy(node);
            }
        }

        return rewriter.Build();
    }

    private static bool IsNormalized(Value value)
    {
        foreach (Node consumer in value.Consumers)
        {
            if (consumer.Op is BatchNormTraining && ReferenceEquals(consumer.Inputs[0], value)) return true;
        }

        return false;
    }
}
