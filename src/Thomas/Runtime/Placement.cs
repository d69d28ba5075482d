using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Runtime;

/// <summary>
/// Decides for each node which device runs it, and with which kernel: the device that was asked for where it has one, else the host. A value that is read on
/// the other device is copied there by a <see cref="Transfer"/>, once, before its first reader.
/// </summary>
internal sealed class Placement
{
    private readonly Places _places;
    private readonly GraphRewriter _rewriter;
    private readonly int[] _placeOf;
    private readonly Dictionary<Value, Value> _moved = [];
    private readonly List<DeviceKernel?> _kernels = [];

    private Placement(Graph source, Places places)
    {
        _places = places;
        _rewriter = new GraphRewriter(source);
        _placeOf = new int[source.Values.Count];
    }

    /// <summary>Places nodes and chooses their kernels.</summary>
    /// <param name="graph">The graph after all passes.</param>
    /// <param name="places">The devices.</param>
    /// <param name="kernels">The kernel of each node of the result, not yet bound; null for views and transfers.</param>
    /// <returns>The graph with all nodes placed; the given one where all run on the device that was asked for.</returns>
    /// <exception cref="GraphException">No device has a kernel for a node.</exception>
    /// <exception cref="DeviceException">The device that has variables has no kernel for their update.</exception>
    public static Graph Run(Graph graph, Places places, out DeviceKernel?[] kernels)
    {
        while (true)
        {
            // Where a kernel turns out not to work, the storage that was chosen for it may have to change; then it is known not to work.
            if (TryRun(places.Devices[0].ChooseStorage(graph), places, out kernels) is Graph placed) return placed;
        }
    }

    /// <summary>
    /// The same for values whose storage is chosen; null if the device has no kernel any more for some that are not stored as float32 numbers.
    /// </summary>
    private static Graph? TryRun(Graph graph, Places places, out DeviceKernel?[] kernels)
    {
        kernels = new DeviceKernel?[graph.Nodes.Count];
        int[] at = new int[kernels.Length];
        bool moves = false;
        for (int i = 0; i < kernels.Length; i++)
        {
            kernels[i] = Choose(graph.Nodes[i], places, out at[i]);
            if (at[i] > 0 && HasHalves(graph.Nodes[i])) return null;
        }

        // All are chosen before the first is waited for, since a device may build them meanwhile.
        for (int i = 0; i < kernels.Length; i++)
        {
            while (kernels[i] is DeviceKernel kernel && !IsUsable(places.Devices[at[i]], graph.Nodes[i], kernel))
                kernels[i] = Choose(graph.Nodes[i], places, out at[i]);
            if (at[i] > 0 && HasHalves(graph.Nodes[i])) return null;
            moves |= at[i] > 0;
        }

        if (!moves) return graph;
        Placement placement = new(graph, places);
        for (int i = 0; i < at.Length; i++) placement.Place(graph.Nodes[i], at[i], kernels[i]);
        kernels = [.. placement._kernels];
        return placement._rewriter.Build();
    }

    /// <summary>Whether nothing runs for a node, since its result is its operand's memory.</summary>
    public static bool IsView(Node node) => node.Op.IsView(node) && !node.Inputs[0].IsConstant;

    /// <summary>Whether a node copies between devices.</summary>
    public static bool IsTransfer(Node node) => node.Op is Transfer && node.Inputs[0].Place != node.Place;

    /// <summary>A new kernel for a node that is placed; null for views and transfers.</summary>
    public static DeviceKernel? CreateKernel(Node node, Places places) =>
        IsView(node) || IsTransfer(node) ? null : places.Devices[node.Place].CreateKernel(node);

    private static bool HasHalves(Node node)
    {
        foreach (Value input in node.Inputs)
        {
            if (input.IsHalf) return true;
        }

        return node.Halves != 0;
    }

    private static bool IsUsable(Device device, Node node, DeviceKernel kernel) => device.IsReady(kernel) && device.IsTrusted(node, kernel);

    private static DeviceKernel? Choose(Node node, Places places, out int place)
    {
        place = 0;
        if (IsView(node)) return null;
        for (; place < places.Count; place++)
        {
            if (places.Devices[place].CreateKernel(node) is not DeviceKernel kernel) continue;
            for (int output = 0; place > 0 && output < node.Outputs.Count; output++)
            {
                if (node.Op.UpdatedInput(output) >= 0)
                {
                    throw new DeviceException(
                        $"{node} updates variables, which are in the memory of the device '{places.NameOf(0)}', but that device has no kernel for it.");
                }
            }

            return kernel;
        }

        throw new GraphException($"{node} has no kernel on the device '{places.NameOf(0)}'.");
    }

    private void Place(Node node, int place, DeviceKernel? kernel)
    {
        // A view lies where its operand lies.
        if (IsView(node)) place = _placeOf[node.Inputs[0].Id];
        Value[] inputs = new Value[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = At(place, node.Inputs[i], node.Stage);
        _rewriter.Enter(node);
        _rewriter.Builder.Place = place;
        Node copy = _rewriter.Builder.AddNode(node.Op, inputs, node.Attributes, node.Name);
        _kernels.Add(kernel);
        for (int i = 0; i < copy.Outputs.Count; i++)
        {
            _rewriter.Set(node.Outputs[i], copy.Outputs[i]);
            _placeOf[node.Outputs[i].Id] = place;
        }
    }

    /// <summary>A value in the memory of a device. There are two at most, so a value has one copy at most.</summary>
    private Value At(int place, Value value, Stage stage)
    {
        int home = _placeOf[value.Id];
        if (value.IsConstant || home == place) return _rewriter.Map(value);
        if (_moved.TryGetValue(value, out Value? moved)) return moved;
        Value source = _rewriter.Map(value);
        _rewriter.Builder.Stage = stage;
        _rewriter.Builder.Place = place;
        _rewriter.Builder.Halves = 0;
        moved = _rewriter.Builder.Add(
            OpCatalog.Transfer, [source], new TransferAttributes(_places.NameOf(home), _places.NameOf(place)), $"{value.Name}/{_places.NameOf(place)}");
        _kernels.Add(null);
        _moved.Add(value, moved);
        return moved;
    }
}
