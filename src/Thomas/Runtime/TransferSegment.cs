using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>A copy between the memory of the host and that of a device, in either direction.</summary>
internal sealed class TransferSegment : Segment
{
    /// <summary>A tensor may have more bytes than a span.</summary>
    private const int PieceBytes = 1 << 30;

    private readonly string _name;
    private readonly MemorySpan _source;
    private readonly MemorySpan _target;
    private readonly long _bytes;

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

        (Nodes, _name, _source, _target, _bytes) = ([node], name, source, target, node.Output.Type.SizeBytes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Node> Nodes { get; }

    /// <inheritdoc/>
    public override string NameOf(int index) => _name;

    /// <inheritdoc/>
    public override void Run()
    {
        for (long at = 0; at < _bytes; at += PieceBytes)
        {
            int piece = (int)Math.Min(PieceBytes, _bytes - at);
            if (_source.Memory is HostMemory from) _target.Memory!.Write(_target.Offset + at, from.Span(_source.Offset + at, piece));
            else _source.Memory!.Read(_source.Offset + at, ((HostMemory)_target.Memory!).Span(_target.Offset + at, piece));
        }
    }

    /// <inheritdoc/>
    public override void RunOne(int index) => Run();
}
