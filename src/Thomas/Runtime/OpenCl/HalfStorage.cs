using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Passes;
using Thomas.Planning;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Chooses the values that lie in a device's memory as 16-bit floats: large results of the forward pass that come from what is fed, so neither weights nor
/// gradients, which only kernels of the device write and read, all of which can take them so. Views of a value are stored as it is.
/// </summary>
internal sealed class HalfStorage
{
    // Statistics and scalars are small: they keep their digits.
    private const int LeastElements = 1024, LeastRank = 2;

    private readonly Graph _graph;
    private readonly OpenClDevice _device;
    private readonly Value[] _origins;
    private readonly OpenClKernel?[] _kernels;

    // By the number of the value that views show.
    private readonly bool[] _isHalf;
    private bool _changed;

    private HalfStorage(Graph graph, OpenClDevice device)
    {
        (_graph, _device) = (graph, device);
        _origins = Views.Origins(graph);
        _kernels = new OpenClKernel?[graph.Nodes.Count];
        _isHalf = Candidates(graph, _origins);
        for (int i = 0; i < _kernels.Length; i++)
        {
            if (!Placement.IsView(graph.Nodes[i])) _kernels[i] = device.FindKernel(graph.Nodes[i], default, tunes: false);
        }
    }

    /// <summary>Marks the values.</summary>
    /// <param name="graph">The graph, whose nodes are not placed yet.</param>
    /// <param name="device">The device.</param>
    /// <returns>The graph with marked values; the given one if there are none.</returns>
    public static Graph Run(Graph graph, OpenClDevice device)
    {
        HalfStorage storage = new(graph, device);
        do
        {
            storage._changed = false;
            for (int i = 0; i < graph.Nodes.Count; i++)
            {
                if (!Placement.IsView(graph.Nodes[i])) storage.Restrict(graph.Nodes[i], storage._kernels[i]);
            }
        }
        while (storage._changed);
        return System.Array.IndexOf(storage._isHalf, true) < 0 ? graph : storage.Marked();
    }

    /// <summary>The operands and results of a node in a graph that <see cref="Run"/> has marked.</summary>
    public static HalfOperands OperandsOf(Node node)
    {
        ulong inputs = 0;
        for (int i = 0; i < node.Inputs.Count && i < HalfOperands.Most; i++) inputs |= node.Inputs[i].IsHalf ? 1UL << i : 0;
        return new HalfOperands(inputs, node.Halves);
    }

    /// <summary>For each value, by its number, whether it may be stored so as far as the graph goes.</summary>
    private static bool[] Candidates(Graph graph, Value[] origins)
    {
        bool[] candidates = new bool[graph.Values.Count], isFed = new bool[candidates.Length];
        foreach (Value input in graph.Inputs) isFed[input.Id] = true;
        foreach (Node node in graph.Nodes)
        {
            bool reads = false;
            foreach (Value input in node.Inputs) reads |= isFed[input.Id];
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                Value value = node.Outputs[output];
                isFed[value.Id] = reads;
                candidates[value.Id] = reads && node.Stage == Stage.Forward && origins[value.Id] == value && value.Type.DType == DType.F32
                    && value.Shape.Rank >= LeastRank && value.Shape.ElementCount >= LeastElements && node.Op.UpdatedInput(output) < 0;
            }
        }

        foreach (Value output in graph.Outputs) candidates[origins[output.Id].Id] = false;
        return candidates;
    }

    /// <summary>Gives up what the kernels of a node cannot take.</summary>
    private void Restrict(Node node, OpenClKernel? kernel)
    {
        HalfOperands halves = HalvesOf(node);
        if (halves == default) return;
        if (kernel is null || kernel.ReadsOwnTypes)
        {
            GiveUp(node);
            return;
        }

        foreach (OpenClLaunch launch in kernel.Launches) Restrict(node, launch);

        // Other kernels may have taken the place of that one, or none may be left.
        if (!_changed && _device.FindKernel(node, halves, tunes: false) is null) GiveUp(node);
    }

    /// <summary>Gives up operands that a launch takes only as float32 numbers, and all of those that it takes alike and of which one is float32.</summary>
    private void Restrict(Node node, OpenClLaunch launch)
    {
        HashSet<string> floats = [];
        foreach (LaunchArgument argument in launch.Arguments)
        {
            if (ValueOf(node, argument) is not Value value) continue;
            if (argument.Element is null || argument.Value != 0) GiveUp(value);
            else if (!_isHalf[_origins[value.Id].Id]) floats.Add(argument.Element);
        }

        foreach (LaunchArgument argument in launch.Arguments)
        {
            if (ValueOf(node, argument) is Value value && argument.Element is string element && floats.Contains(element)) GiveUp(value);
        }
    }

    private static Value? ValueOf(Node node, LaunchArgument argument) => argument.Kind switch
    {
        LaunchArgumentKind.Input or LaunchArgumentKind.Buffer => node.Inputs[argument.Index],
        LaunchArgumentKind.Output => node.Outputs[argument.Index],
        _ => null,
    };

    private HalfOperands HalvesOf(Node node)
    {
        ulong inputs = 0, outputs = 0;
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (!_isHalf[_origins[node.Inputs[i].Id].Id]) continue;
            if (i < HalfOperands.Most) inputs |= 1UL << i;
            else GiveUp(node.Inputs[i]);
        }

        for (int i = 0; i < node.Outputs.Count && i < HalfOperands.Most; i++) outputs |= _isHalf[_origins[node.Outputs[i].Id].Id] ? 1UL << i : 0;
        return new HalfOperands(inputs, outputs);
    }

    private void GiveUp(Node node)
    {
        foreach (Value input in node.Inputs) GiveUp(input);
        foreach (Value output in node.Outputs) GiveUp(output);
    }

    private void GiveUp(Value value)
    {
        ref bool isHalf = ref _isHalf[_origins[value.Id].Id];
        _changed |= isHalf;
        isHalf = false;
    }

    private Graph Marked()
    {
        GraphRewriter rewriter = new(_graph);
        foreach (Node node in _graph.Nodes)
        {
            rewriter.Enter(node);
            rewriter.Builder.Halves = HalvesOf(node).Outputs;
            Node copy = rewriter.Builder.AddNode(node.Op, rewriter.MapInputs(node), node.Attributes, node.Name);
            for (int i = 0; i < node.Outputs.Count; i++) rewriter.Set(node.Outputs[i], copy.Outputs[i]);
        }

        return rewriter.Build();
    }
}
