using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>The steps from a float network to an 8-bit one.</summary>
/// <param name="name">Name of the network.</param>
/// <param name="network">The network.</param>
/// <param name="preprocessing">What its input holds.</param>
/// <param name="options">How ranges are chosen.</param>
/// <param name="calibration">Shows values for images; null where the grids need not fit any.</param>
/// <param name="givesScores">Whether the best of the outputs decides.</param>
internal sealed class QuantizationRun(
    string name, Graph network, Preprocessing preprocessing, QuantizerOptions options, Calibration? calibration, bool givesScores = true)
{
    public Graph Run(out IReadOnlyList<string> notes, CancellationToken cancellation)
    {
        Graph graph = IntegerForm.Run(network);
        if (calibration is not null && options.Equalize && Equalization.Candidates(graph) is { Count: > 0 } between)
        {
            Dictionary<Value, ValueStatistics> ranges = Measure(graph, between, "equalize", counts: false);
            graph = Equalization.Run(graph, ranges);
        }

        GridPlan plan = new(graph);
        Dictionary<Value, ValueStatistics> statistics = Measure(graph, Watched(graph, plan), "calibrate", options.Range != CalibrationRange.MinMax);
        Dictionary<int, FakeQuantizeAttributes> grids = Grids(graph, plan, statistics);
        notes = Notes(graph, plan);
        Dictionary<Node, RoundedLayer> fitted = options.FitWeights && calibration is not null
            ? new WeightFitting(graph, plan, GridOf, calibration, options).Run(cancellation)
            : [];
        return GridInsertion.Run(graph, plan, GridOf, layer => fitted.TryGetValue(layer.Node, out RoundedLayer? own) ? own : Nearest(layer));

        FakeQuantizeAttributes GridOf(Value value) => grids[plan.GroupOf(value)];

        RoundedLayer Nearest(LinearNode layer)
        {
            Value x = layer.Node.Inputs[0];
            bool corrects = options.CorrectBiases && statistics.ContainsKey(x);
            return GridInsertion.Nearest(layer, GridOf(x).Quantization.Scales[0], corrects ? statistics[x].ChannelMeans() : null);
        }
    }

    private Dictionary<Value, ValueStatistics> Measure(Graph graph, List<Value> values, string stage, bool counts)
    {
        Dictionary<Value, ValueStatistics> statistics = [];
        if (calibration is null) return statistics;
        foreach (Value value in values) statistics.Add(value, new ValueStatistics(value));
        calibration.Run(graph, values, stage, (_, value, numbers) => statistics[value].Add(numbers));
        if (counts) calibration.Run(graph, values, "ranges", (_, value, numbers) => statistics[value].Count(numbers));
        return statistics;
    }

    /// <summary>What gets a rounding of its own, and what layers read, whose means correct their biases.</summary>
    private List<Value> Watched(Graph graph, GridPlan plan)
    {
        HashSet<Value> seen = [];
        List<Value> values = [];
        foreach (Node node in graph.Nodes)
        {
            if (plan.IsRounded(node.Output) && plan.FixedOf(node.Output) is null && seen.Add(node.Output)) values.Add(node.Output);
            bool isRead = options.CorrectBiases && LinearNode.HasConstantWeights(node) && node.Inputs[0].Producer is not null;
            if (isRead && seen.Add(node.Inputs[0])) values.Add(node.Inputs[0]);
        }

        return values;
    }

    /// <summary>The grid of each group: over all that its members need.</summary>
    private Dictionary<int, FakeQuantizeAttributes> Grids(Graph graph, GridPlan plan, Dictionary<Value, ValueStatistics> statistics)
    {
        Dictionary<int, (float Low, float High)> ranges = [], widest = [];
        Dictionary<int, FakeQuantizeAttributes> grids = [];
        foreach (Value value in graph.Values)
        {
            if (!plan.IsOnGrid(value)) continue;
            int group = plan.GroupOf(value);
            if (plan.FixedOf(value) is FakeQuantizeAttributes own) grids[group] = own;
            else if (plan.IsRounded(value))
            {
                (float low, float high) = value.IsInput ? InputRange()
                    : calibration is null ? (-1, 1)
                    : RangeSearch.Choose(statistics[value], RangeOf(graph, value), options.Percentile);
                (float Low, float High) other = ranges.GetValueOrDefault(group);
                ranges[group] = (Math.Min(low, other.Low), Math.Max(high, other.High));
                if (value.IsInput || calibration is null || RangeOf(graph, value) == CalibrationRange.MinMax) continue;
                (low, high) = RangeSearch.Choose(statistics[value], CalibrationRange.MinMax, 0);
                (float Low, float High) all = widest.GetValueOrDefault(group);
                widest[group] = (Math.Min(low, all.Low), Math.Max(high, all.High));
            }
        }

        if (options.Range == CalibrationRange.Output && calibration is not null) new OutputRanges(graph, plan, calibration).Improve(ranges, widest);
        foreach ((int group, (float low, float high)) in ranges) grids.TryAdd(group, RangeSearch.Grid(low, high));
        return grids;
    }

    /// <summary>Scores are not clipped: images of other things than those that calibrate give higher ones, and the best of them decides.</summary>
    private CalibrationRange RangeOf(Graph graph, Value value)
    {
        Value last = value;
        while (!graph.IsOutput(last) && last.Consumers is [{ Op: Softmax or Reshape or Transpose or Activate } next]) last = next.Output;
        return givesScores && graph.IsOutput(last) ? CalibrationRange.MinMax : options.Range;
    }

    /// <summary>What the bytes of images become, whatever the calibration images hold.</summary>
    private (float Low, float High) InputRange()
    {
        float low = 0, high = 0;
        for (int channel = 0; channel < preprocessing.Channels; channel++)
        {
            low = Math.Min(low, (0 - preprocessing.Mean[channel]) / preprocessing.Std[channel]);
            high = Math.Max(high, (byte.MaxValue - preprocessing.Mean[channel]) / preprocessing.Std[channel]);
        }

        return (low, high);
    }

    private List<string> Notes(Graph graph, GridPlan plan)
    {
        SortedDictionary<string, int> real = new(StringComparer.Ordinal);
        bool any = false;
        foreach (Node node in graph.Nodes)
        {
            if (GridPlan.IsCapable(node) || node.Op is FakeQuantize)
            {
                any |= LinearNode.HasConstantWeights(node) && plan.IsOnGrid(node.Inputs[0]);
                continue;
            }

            string name = node.Attributes is ActivateAttributes activate ? activate.Activation.Kind.ToString() : node.Op.Name;
            real[name] = real.GetValueOrDefault(name) + 1;
        }

        if (!any)
        {
            throw new ThomasException($"{name} has no convolution or dense layer that 8-bit kernels compute, so there is nothing to quantize.");
        }

        if (real.Count == 0) return [];
        List<string> kinds = [];
        foreach ((string kind, int count) in real) kinds.Add($"{kind} ({count})");
        return [$"these operators have no 8-bit kernels and stay float32: {string.Join(", ", kinds)}"];
    }
}
