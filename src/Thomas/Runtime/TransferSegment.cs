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

    /// <param name="node">The transfer.</param>
    /// <param name="name">What its kernel is called.</param>
    /// <param name="source">Where to copy from.</param>
    /// <param name="target">Where to copy to; one of the two is the host's.</param>
    public TransferSegment(Node node, string name, MemorySpan source, MemorySpan target)
    {
        if (source.Memory is HostMemory == target.Memory is HostMemory)
        {
            throw new ArgumentException($"{node} is not a copy between the host and a device.", nameof(target));
        }

        (Nodes, _name, _source, _target) = ([node], name, source with { Bytes = node.Output.Type.SizeBytes }, target);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Node> Nodes { get; }

    /// <inheritdoc/>
    public override string NameOf(int index) => _name;

    /// <inheritdoc/>
    public override void Run() => _source.CopyTo(_target);

    /// <inheritdoc/>
    public override void RunOne(int index) => Run();

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
