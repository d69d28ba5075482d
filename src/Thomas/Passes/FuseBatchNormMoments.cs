using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Lets a convolution sum the statistics for the batch normalization in training that follows it, while its result is in the caches: one reading of the
/// activations less. Only where the result is too large to stay there: from the third-level cache it is read as fast as it is summed (Zen 4, MobileNetV2,
/// November 2026: at batch 32 convolutions and normalizations take 2 to 5 % less on one thread and 17 % less on two, at batch 1 and 8 nothing less).
/// </summary>
internal static class FuseBatchNormMoments
{
    /// <summary>Results from this size on have left the caches when the next operator reads them: half of a large third-level cache.</summary>
    private const long LargeBytes = 16 << 20;

    // So few rows one launch normalizes by itself on a device of OpenCL, reading them twice from the caches.
    private const int RowsOfOneLaunch = 2048;

    public static Graph Run(Graph graph) => Run(graph, LargeBytes);

    /// <summary>
    /// Rewrites a graph for devices of OpenCL: of convolutions that are matrix products, whose kernels sum the statistics where their results are in registers,
    /// and not of depthwise ones.
    /// </summary>
    public static Graph RunOnOpenCl(Graph graph) =>
        Run(graph, static node => node.Op is Conv2d && node.Output.Shape.Product(0, 3) > RowsOfOneLaunch);

    /// <summary>Rewrites a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="leastBytes">Bytes from which on a result is too large for the caches.</param>
    public static Graph Run(Graph graph, long leastBytes) =>
        Run(graph, node => node.Op is Conv2d or DepthwiseConv2d && node.Output.Type.SizeBytes >= leastBytes);

    private static Graph Run(Graph graph, Predicate<Node> pays)
    {
        HashSet<Node> convolutions = [];
        foreach (Node node in graph.Nodes)
        {
            if (pays(node) && IsNormalized(node.Output)) convolutions.Add(node);
        }

        return convolutions.Count == 0 ? graph : Rewrite(graph, convolutions);
    }

    private static Graph Rewrite(Graph graph, HashSet<Node> convolutions)
    {
        Dictionary<Node, Node> moments = [];
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (convolutions.Contains(node))
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
