using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Quantizing;

/// <summary>
/// Scales channels so that small ones use more of the grid that all of them share (cross-layer equalization, Nagel et al. 2019, arXiv:1906.04721, with measured
/// ranges of activations in place of those of weights, and through sums and pools too): with s[c] = (range[c] / largest range)^a, layers give y[c] / s[c], and
/// those behind them read it with weights times s[c]. That makes the steps of the activations finer and those of the weights behind them coarser, since the
/// weights of one output share a scale; a is chosen for the least noise of both together (<see cref="EqualizationNoise"/>).
/// </summary>
/// <remarks>
/// A clipping at b would clip the channels at b * s[c]. It moves to the largest range, which the channels that reached b still reach, and the others stay
/// below on every calibration image.
/// </remarks>
internal static class Equalization
{
    /// <summary>Channels are stretched by no more than this: nobody knows that what hardly ever moved in a few images never does.</summary>
    private const double MostStretch = 4;

    /// <summary>Strengths from none to full that are tried.</summary>
    private const int Strengths = 10;

    /// <summary>The values whose ranges are wanted.</summary>
    public static List<Value> Candidates(Graph graph)
    {
        ChannelGroups groups = new(graph);
        List<Value> values = [];
        foreach (Node node in graph.Nodes)
        {
            if (groups.CanScale(node.Output) && !GridPlan.OnlyMoves(node)) values.Add(node.Output);
        }

        return values;
    }

    /// <summary>The same network with scaled channels.</summary>
    /// <param name="graph">The network, in <see cref="IntegerForm"/>.</param>
    /// <param name="statistics">Those of <see cref="Candidates"/>.</param>
    public static Graph Run(Graph graph, Dictionary<Value, ValueStatistics> statistics)
    {
        ChannelGroups groups = new(graph);
        Dictionary<int, double[]> factors = Factors(graph, groups, statistics);
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            double[]? outgoing = groups.Gives(node) ? factors.GetValueOrDefault(groups.GroupOf(node.Output)) : null;
            double[]? incoming = groups.Reads(node) ? factors.GetValueOrDefault(groups.GroupOf(node.Inputs[0])) : null;
            if (outgoing is null && incoming is null) rewriter.Copy(node);
            else Scale(rewriter, node, outgoing, incoming, outgoing is null ? 0 : statistics[node.Output].Max);
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    /// <summary>For each group the factors of its channels, by the strength that promises the least noise.</summary>
    private static Dictionary<int, double[]> Factors(Graph graph, ChannelGroups groups, Dictionary<Value, ValueStatistics> statistics)
    {
        Dictionary<int, double[]> factors = [];
        Dictionary<int, List<ValueStatistics>> members = [];
        Dictionary<int, List<Node>> readers = [];
        foreach (Node node in graph.Nodes)
        {
            if (groups.Reads(node)) Add(readers, groups.GroupOf(node.Inputs[0]), node);
            if (statistics.TryGetValue(node.Output, out ValueStatistics? seen)) Add(members, groups.GroupOf(node.Output), seen);
        }

        foreach ((int group, List<Node> reading) in readers)
        {
            if (!members.TryGetValue(group, out List<ValueStatistics>? values)) continue;
            EqualizationNoise noise = new(values, reading);
            double least = double.PositiveInfinity;
            for (int i = 0; i <= Strengths; i++)
            {
                double[] candidate = Array.ConvertAll(noise.Shares, share => Math.Pow(Math.Max(share, 1 / MostStretch), (double)i / Strengths));
                double error = noise.Of(candidate);
                if (error < least) (least, factors[group]) = (error, candidate);
            }
        }

        return factors;

        static void Add<T>(Dictionary<int, List<T>> lists, int group, T item)
        {
            if (!lists.TryGetValue(group, out List<T>? list)) lists.Add(group, list = []);
            list.Add(item);
        }
    }

    private static void Scale(GraphRewriter rewriter, Node node, double[]? outgoing, double[]? incoming, float largest)
    {
        LinearNode.TryGet(node, out LinearNode layer);
        TensorData weights = layer.Weights.Constant!;
        TensorData bias = layer.Bias?.Constant ?? TensorData.FromFloats(new Shape(layer.Channels), new float[layer.Channels]);
        Activation activation = layer.Activation;
        if (incoming is not null) weights = ConstantMath.Scale(weights, weights.Type.Shape.Rank - 1, Spread(weights, incoming));
        if (outgoing is not null)
        {
            double[] inverse = Array.ConvertAll(outgoing, factor => 1 / factor);
            weights = ConstantMath.Scale(weights, layer.ChannelAxis, inverse);
            bias = ConstantMath.Affine(bias, inverse, new double[inverse.Length]);
            if (ChannelGroups.Clips(activation)) activation = Activation.Clip(0, largest);
        }

        rewriter.Enter(node);
        GraphBuilder builder = rewriter.Builder;
        Value[] inputs = [
            rewriter.Map(node.Inputs[0]), builder.Constant(layer.Weights.Name, weights),
            builder.Constant(layer.Bias?.Name ?? $"{node.Name}.bias", bias)];
        rewriter.Set(node.Output, builder.Add(node.Op, inputs, layer.With(hasBias: true, hasResidual: false, activation), node.Name));
    }

    /// <summary>
    /// The factor of each input channel for each channel of the weights' last axis: a depthwise filter may have several for one of the input, and a dense layer
    /// reads a map as so many channels for each of its pixels.
    /// </summary>
    private static double[] Spread(TensorData weights, double[] factors)
    {
        int channels = weights.Type.Shape[-1], multiplier = weights.Type.Shape.Rank == 4 ? channels / factors.Length : 1;
        double[] spread = new double[channels];
        for (int c = 0; c < channels; c++) spread[c] = factors[c / multiplier % factors.Length];
        return spread;
    }
}
