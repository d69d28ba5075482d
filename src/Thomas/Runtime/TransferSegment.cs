using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>A copy between the memory of the host and that of a device, in either direction.</summary>
internal sealed class TransferSegment : Segment
{
    private readonly string _name;
    private readonly MemorySpan _source;
    private readonly MemorySpan _target;
    private readonly int _count;

    /// <param name="node">The transfer.</param>
    /// <param name="name">What its kernel is called.</param>
    /// <param name="source">Where to copy from.</param>
    /// <param name="target">Where to copy to; one of the two is the host's.</param>
    public TransferSegment(Node node, string name, MemorySpan source, MemorySpan target)
    {
        if (source.Memory is HostMemory == target.Memory is HostMemory) throw new ArgumentException($"{node} is no copy between the host and a device.", nameof(target));
        (Nodes, _name, _source, _target, _count) = ([node], name, source, target, node.Output.Shape.ElementCount);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Node> Nodes { get; }

    /// <inheritdoc/>
    public override string NameOf(int index) => _name;

    /// <inheritdoc/>
    public override void Run()
    {
        if (_source.Memory is HostMemory from) _target.Memory!.WriteFloats(_target.Offset, from.Floats(_source.Offset, _count));
        else _source.Memory!.ReadFloats(_source.Offset, ((HostMemory)_target.Memory!).Floats(_target.Offset, _count));
    }

    /// <inheritdoc/>
    public override void RunOne(int index) => Run();
}
