using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Planning;

/// <summary>
/// Predicts the time of a node: the longer of its arithmetic and its memory traffic, and a fixed part for starting it. The roofline model (Williams et al.
/// 2009) with one roof for matrix products, one for depthwise convolution and one for everything else.
/// </summary>
/// <param name="ProductRate">Multiply-adds a second of convolutions, dense layers and their gradients.</param>
/// <param name="DepthwiseRate">Multiply-adds a second of depthwise convolutions and their gradients.</param>
/// <param name="ElementwiseRate">Other operations a second.</param>
/// <param name="Bandwidth">Bytes a second, read and written.</param>
/// <param name="NodeSeconds">What starting a node costs.</param>
public sealed record CostModel(double ProductRate, double DepthwiseRate, double ElementwiseRate, double Bandwidth, double NodeSeconds)
{
    /// <summary>
    /// Two cores of a middling phone or laptop. Decisions use these fixed rates, not measured ones: a plan, and with it the rounding of micro-batches, must not
    /// vary from run to run.
    /// </summary>
    public static CostModel Nominal { get; } = new(40e9, 8e9, 5e9, 10e9, 4e-6);

    /// <summary>Seconds of one execution of a node.</summary>
    public double Seconds(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Op.IsView(node)) return 0;
        OpCost cost = node.Cost;
        double products = cost.MultiplyAdds / (IsDepthwise(node) ? DepthwiseRate : ProductRate);
        if (node.Op is InvertedResidual) products += InvertedResidual.DepthwiseMultiplyAdds(node) * ((1 / DepthwiseRate) - (1 / ProductRate));
        return Math.Max(Math.Max(products, cost.Elementwise / ElementwiseRate), cost.Bytes / Bandwidth) + NodeSeconds;
    }

    /// <summary>Seconds of one run of a graph.</summary>
    public double Seconds(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        double seconds = 0;
        foreach (Node node in graph.Nodes) seconds += Seconds(node);
        return seconds;
    }

    private static bool IsDepthwise(Node node) =>
        node.Op is DepthwiseConv2d or DepthwiseConv2dMoments or DepthwiseConv2dInputGradient or DepthwiseConv2dFilterGradient or DepthwiseConv2dGradient;
}
