using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;

namespace Thomas.Runtime;

/// <summary>Gives the kernels of a compiled graph their memory.</summary>
/// <param name="compiled">The graph.</param>
/// <param name="arenas">Memory for the values, one for each device.</param>
/// <param name="constants">Memory of the constants.</param>
/// <param name="variables">Memory of the variables; null for a graph without any.</param>
internal sealed class Binder(CompiledGraph compiled, DeviceMemory[] arenas, ConstantMemory constants, VariableStore? variables)
{
    /// <summary>Binds all kernels. Neighbors on the same device are one segment.</summary>
    /// <param name="team">The host's threads.</param>
    /// <exception cref="GraphException">A variable has no memory on the device that was asked for.</exception>
    public Segment[] BindAll(ThreadTeam team)
    {
        DeviceKernel?[] kernels = compiled.TakeKernels();
        List<Segment> segments = [];
        List<PlacedKernel> together = [];
        for (int i = 0; i < kernels.Length; i++)
        {
            Node node = compiled.Graph.Nodes[i];
            if (Placement.IsView(node)) continue;
            if (together.Count > 0 && (Placement.IsTransfer(node) || together[^1].Node.Place != node.Place)) End();
            if (kernels[i] is DeviceKernel kernel) together.Add(Place(i, node, kernel));
            else segments.Add(Transfer(node));
        }

        if (together.Count > 0) End();
        constants.Complete();
        return [.. segments];

        void End()
        {
            segments.Add(compiled.Places.Devices[together[0].Node.Place].Bind(together, team));
            together = [];
        }
    }

    private PlacedKernel Place(int index, Node node, DeviceKernel kernel)
    {
        MemorySpan[] inputs = new MemorySpan[node.Inputs.Count], outputs = new MemorySpan[node.Outputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = SpanOf(node.Inputs[i], node.Place, ConstantPlan.IsWidened(node.Inputs[i], kernel, i));
        for (int i = 0; i < outputs.Length; i++) outputs[i] = SpanOf(node.Outputs[i], node.Place);
        long offset = compiled.Plan.WorkspaceOffsets[index];
        MemorySpan workspace = offset < 0 ? default : new MemorySpan(arenas[node.Place], offset, kernel.WorkspaceBytes(compiled.Threads));
        return new PlacedKernel(
            kernel, node, inputs, outputs, workspace, constants.OfKernel(index, node.Place, kernel.ConstantBytes), Packs: !constants.IsComplete);
    }

    private TransferSegment Transfer(Node node)
    {
        TransferAttributes between = (TransferAttributes)node.Attributes;
        return new TransferSegment(
            node, $"x{8 * node.Output.Type.DType.SizeBytes()}_transfer_{between.Source}_to_{between.Target}", SpanOf(node.Inputs[0], node.Inputs[0].Place),
            SpanOf(node.Output, node.Place));
    }

    /// <summary>Constants are used where they lie or are copied to, variables in their store, values where the plan puts them.</summary>
    private MemorySpan SpanOf(Value value, int place, bool widened = false)
    {
        if (compiled.Plan.VariableOf.TryGetValue(value, out Variable? variable) || (variable = value.Variable) is not null)
        {
            if (variables is null || !variables.Contains(variable)) throw new GraphException($"No memory was given for the variable '{variable.Name}'.");
            MemorySpan span = variables.SpanOf(variable);
            if (!compiled.Places.Devices[place].Owns(span.Memory!))
            {
                throw new GraphException($"The variable '{variable.Name}' is not in the memory of the device '{compiled.Places.NameOf(place)}'.");
            }

            return span;
        }

        return value.IsConstant ? constants.Of(value, place, widened) : new MemorySpan(arenas[value.Place], compiled.Plan.Offsets[value], value.StoredBytes);
    }
}
