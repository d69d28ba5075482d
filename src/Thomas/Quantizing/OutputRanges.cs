using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Quantizing;

/// <summary>
/// Chooses intervals by what the network gives in the end: values that share a grid are rounded alone, all others stay float32, and the interval is narrowed
/// or widened while the squared error of the outputs falls. Numbers far out may cost more or less than their squares: where channels have outliers that later
/// layers hardly read, a narrow interval with finer steps is better than the one with the least error of the values themselves.
/// </summary>
internal sealed class OutputRanges
{
    /// <summary>Images that are looked at, spread over all.</summary>
    private const int MostImages = 16;

    /// <summary>An interval is tried this many times as wide, and this many times as narrow.</summary>
    private const double Factor = 1.2;

    /// <summary>Groups whose share of all errors is smaller stay as they are.</summary>
    private const double LeastShare = 0.002;

    /// <summary>Trials for a group.</summary>
    private const int MostTrials = 8;

    private readonly Graph _graph;
    private readonly GridPlan _plan;
    private readonly Calibration _calibration;
    private readonly int[] _images;
    private readonly Value[] _outputs;
    private readonly List<float[]> _expected = [];
    private readonly Dictionary<int, List<Value>> _members = [];

    /// <summary>Runs the float network.</summary>
    public OutputRanges(Graph graph, GridPlan plan, Calibration calibration)
    {
        _graph = graph;
        _plan = plan;
        _calibration = calibration;
        _images = new int[Math.Min(MostImages, calibration.Images.Count)];
        for (int i = 0; i < _images.Length; i++) _images[i] = (int)((long)i * calibration.Images.Count / _images.Length);
        _outputs = new Value[graph.Outputs.Count];
        for (int i = 0; i < _outputs.Length; i++)
        {
            // Before a softmax, where what is certain does not hide errors.
            _outputs[i] = graph.Outputs[i];
            while (_outputs[i].Producer is { Op: Softmax or Reshape } last) _outputs[i] = last.Inputs[0];
        }

        foreach (Node node in graph.Nodes)
        {
            if (!plan.IsRounded(node.Output)) continue;
            int group = plan.GroupOf(node.Output);
            if (!_members.TryGetValue(group, out List<Value>? members)) _members.Add(group, members = []);
            members.Add(node.Output);
        }

        Run(null, default, numbers => _expected.Add(numbers.ToArray()));
    }

    /// <summary>Changes the intervals of groups.</summary>
    /// <param name="ranges">The interval of each group.</param>
    /// <param name="widest">The widest that makes sense: all numbers that were seen.</param>
    public void Improve(Dictionary<int, (float Low, float High)> ranges, Dictionary<int, (float Low, float High)> widest)
    {
        Dictionary<int, double> errors = [];
        double total = 0;
        int done = 0;
        foreach ((int group, (float Low, float High) widestRange) in widest)
        {
            if (!ranges.TryGetValue(group, out (float Low, float High) range) || !_members.ContainsKey(group) || widestRange.High <= widestRange.Low) continue;
            total += errors[group] = Error(group, range);
            _calibration.Report("outputs", ++done, 2 * widest.Count);
        }

        foreach ((int group, double error) in errors)
        {
            if (error >= LeastShare * total) ranges[group] = Best(group, ranges[group], widest[group], error);
            _calibration.Report("outputs", ++done, 2 * widest.Count);
        }
    }

    private (float Low, float High) Best(int group, (float Low, float High) start, (float Low, float High) widest, double least)
    {
        (float Low, float High) best = start;
        int trials = 0;
        foreach (double factor in (ReadOnlySpan<double>)[1 / Factor, Factor])
        {
            while (trials++ < MostTrials)
            {
                (float, float) range = ((float)Math.Max(best.Low * factor, widest.Low), (float)Math.Min(best.High * factor, widest.High));
                if (range == best) break;
                double error = Error(group, range);
                if (!(error < least)) break;
                (least, best) = (error, range);
            }

            // What got better narrower does not get better wider.
            if (best != start) break;
        }

        return best;
    }

    /// <summary>The squared error of the outputs, relative to their squares, where one group is rounded.</summary>
    private double Error(int group, (float Low, float High) range)
    {
        double signal = 1e-30, noise = 0;
        int at = 0;
        Run(_members[group], range, numbers =>
        {
            float[] wanted = _expected[at++];
            for (int i = 0; i < wanted.Length; i++)
            {
                signal += (double)wanted[i] * wanted[i];
                noise += ((double)numbers[i] - wanted[i]) * ((double)numbers[i] - wanted[i]);
            }
        });
        return noise / signal;
    }

    private void Run(List<Value>? rounded, (float Low, float High) range, Calibration.LookAtOutput look)
    {
        GraphRewriter rewriter = new(_graph);
        foreach (Node node in _graph.Nodes)
        {
            Node copy = rewriter.Copy(node);
            if (rounded is null || !rounded.Contains(node.Output)) continue;
            Value value = rewriter.Builder.Add(OpCatalog.FakeQuantize, [copy.Output], RangeSearch.Grid(range.Low, range.High), $"{node.Name}/rounded");
            rewriter.Set(node.Output, value);
        }

        Graph graph = EliminateDeadNodes.Run(rewriter.Builder.Build(Array.ConvertAll(_outputs, rewriter.Map)));
        _calibration.RunSome(graph, _images, look);
    }
}
