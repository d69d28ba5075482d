using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>
/// Values whose channels can be scaled together without changing the network: all that layers give to sums, pools and rectifiers until layers read it again.
/// What the first ones give divided by s[c], the last ones read with weights times s[c].
/// </summary>
internal sealed class ChannelGroups
{
    private readonly Graph _graph;
    private readonly int[] _parents;
    private readonly HashSet<int> _refused = [];
    private readonly HashSet<int> _withSums = [];

    /// <summary>Studies a graph in <see cref="IntegerForm"/>.</summary>
    public ChannelGroups(Graph graph)
    {
        _graph = graph;
        _parents = new int[graph.Values.Count];
        for (int i = 0; i < _parents.Length; i++) _parents[i] = i;
        foreach (Node node in graph.Nodes)
        {
            if (!PassesChannels(node)) continue;
            foreach (Value input in node.Inputs) Unite(input, node.Output);
        }

        foreach (Value input in graph.Inputs) _refused.Add(GroupOf(input));
        foreach (Value output in graph.Outputs) _refused.Add(GroupOf(output));
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Add && PassesChannels(node)) _withSums.Add(GroupOf(node.Output));
            if (PassesChannels(node)) continue;
            if (!GivesScaled(node)) foreach (Value output in node.Outputs) _refused.Add(GroupOf(output));
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (!node.Inputs[i].IsConstant && !(i == 0 && TakesScaled(node))) _refused.Add(GroupOf(node.Inputs[i]));
            }
        }

        // A clipping follows the largest channel only where nothing is added to what it clips.
        foreach (Node node in graph.Nodes)
        {
            if (LinearNode.TryGet(node, out LinearNode layer) && Clips(layer.Activation) && _withSums.Contains(GroupOf(node.Output)))
            {
                _refused.Add(GroupOf(node.Output));
            }
        }
    }

    /// <summary>Whether an activation of a layer clips from above.</summary>
    public static bool Clips(Activation activation) => activation != Activation.None && activation != Activation.Relu;

    /// <summary>The group of a value.</summary>
    public int GroupOf(Value value)
    {
        int root = value.Id;
        while (_parents[root] != root) root = _parents[root] = _parents[_parents[root]];
        return root;
    }

    /// <summary>Whether the channels of a value that a node computes can be scaled.</summary>
    public bool CanScale(Value value) => !value.IsConstant && value.Producer is not null && !_refused.Contains(GroupOf(value));

    /// <summary>Whether a node reads the group as a layer.</summary>
    public bool Reads(Node node) => TakesScaled(node) && CanScale(node.Inputs[0]);

    /// <summary>Whether a node gives the group as a layer.</summary>
    public bool Gives(Node node) => GivesScaled(node) && CanScale(node.Output);

    private void Unite(Value a, Value b)
    {
        int first = GroupOf(a), second = GroupOf(b);
        if (first != second) _parents[second] = first;
    }

    private static bool PassesChannels(Node node)
    {
        Value x = node.Inputs[0];
        int last = x.Shape.Rank - 1;
        return node.Op switch
        {
            Add => !x.IsConstant && !node.Inputs[1].IsConstant && x.Shape == node.Inputs[1].Shape,
            Activate => ((ActivateAttributes)node.Attributes).Activation == Activation.Relu,
            MaxPool2d => true,
            AveragePool2d => ((AveragePool2dAttributes)node.Attributes).Activation == Activation.None,
            Reduce => ((ReduceAttributes)node.Attributes) is { Kind: ReduceKind.Mean } a && !a.Axes.Items.Contains(last),
            Pad => ((PadAttributes)node.Attributes) is { Value: 0 } a && a.Before[last] == 0 && a.After[last] == 0,
            Reshape => node.Output.Shape.Rank > 0 && node.Output.Shape[-1] == x.Shape[-1] && last > 0,
            _ => false,
        };
    }

    private static bool GivesScaled(Node node) =>
        IsLayer(node, out LinearNode layer) && (!Clips(layer.Activation) || layer.Activation == Activation.Relu6
            || (layer.Activation.Kind == ActivationKind.Clip && layer.Activation.A == 0));

    private static bool TakesScaled(Node node) => IsLayer(node, out _) && node.Attributes is not Conv2dAttributes { Groups: > 1 };

    private static bool IsLayer(Node node, out LinearNode layer) =>
        LinearNode.TryGet(node, out layer) && layer.HasEpilogue && GridPlan.IsCapable(node) && layer.Weights.Constant!.Quantization is null;
}
