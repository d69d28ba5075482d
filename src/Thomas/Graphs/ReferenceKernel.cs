using System;
using System.Collections.Generic;
using System.Numerics;
using Thomas.Kernels;

namespace Thomas.Graphs;

/// <summary>
/// Runs a node by its operator's scalar definition: the serial device, and the fallback where no SIMD kernel exists. The definition computes in float, or in
/// double where an operand or result has numbers that float does not; operands of other types are widened before it, results rounded to their types after it.
/// </summary>
internal sealed unsafe class ReferenceKernel : CpuKernel
{
    private readonly Node _node;
    private readonly bool _isDouble;
    private Action? _run;

    public ReferenceKernel(Node node)
    {
        _node = node;
        foreach (Value value in node.Inputs) _isDouble |= !Elements.Fit<float>(value.Type.DType);
        foreach (Value value in node.Outputs) _isDouble |= !Elements.Fit<float>(value.Type.DType);
    }

    /// <inheritdoc/>
    public override string Name => $"{_node.Output.Type.DType.ToString().ToLowerInvariant()}_{_node.Op.Name.ToLowerInvariant()}__reference";

    /// <inheritdoc/>
    public override bool ReadsFloats(int input) => false;

    /// <inheritdoc/>
    public override bool WritesFloats => false;

    /// <inheritdoc/>
    public override long WorkspaceBytes(int threads) => _isDouble ? WorkspaceBytes<double>() : WorkspaceBytes<float>();

    /// <inheritdoc/>
    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads) =>
        _run = _isDouble ? Bind<double>(inputs, outputs, workspace) : Bind<float>(inputs, outputs, workspace);

    /// <inheritdoc/>
    public override int Items(int phase) => 1;

    /// <inheritdoc/>
    public override void Run(int phase, int begin, int end, int thread) => _run!();

    private long WorkspaceBytes<T>()
        where T : unmanaged
    {
        long bytes = 0;
        foreach (Value value in _node.Inputs) bytes += CopyBytes<T>(value);
        foreach (Value value in _node.Outputs) bytes += CopyBytes<T>(value);
        return bytes;
    }

    /// <summary>Bytes of the copy that the definition works on; 0 where it works on the value itself.</summary>
    private static long CopyBytes<T>(Value value)
        where T : unmanaged => Elements.Is<T>(value.Type.DType) ? 0 : (((long)value.Shape.ElementCount * sizeof(T)) + 63) & ~63L;

    private Action Bind<T>(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        byte* next = workspace;
        RefTensor<T>[] operands = Views(_node.Inputs, inputs, ref next), results = Views(_node.Outputs, outputs, ref next);
        ReferenceArgs<T> args = new(_node, operands, results);
        if (next == workspace) return () => _node.Op.Reference(args);
        nint[] from = inputs.ToArray(), to = outputs.ToArray();
        return () =>
        {
            for (int i = 0; i < operands.Length; i++)
            {
                DType type = _node.Inputs[i].Type.DType;
                if (!Elements.Is<T>(type)) Elements.Load(type, (void*)from[i], operands[i].Data, operands[i].Shape.ElementCount);
            }

            _node.Op.Reference(args);
            for (int i = 0; i < results.Length; i++)
            {
                DType type = _node.Outputs[i].Type.DType;
                if (!Elements.Is<T>(type)) Elements.Store(type, results[i].Data, (void*)to[i], results[i].Shape.ElementCount);
            }
        };

        static RefTensor<T>[] Views(IReadOnlyList<Value> values, ReadOnlySpan<nint> pointers, ref byte* next)
        {
            RefTensor<T>[] views = new RefTensor<T>[values.Count];
            for (int i = 0; i < views.Length; i++)
            {
                long copy = CopyBytes<T>(values[i]);
                views[i] = new RefTensor<T>(copy == 0 ? (T*)pointers[i] : (T*)next, values[i].Shape);
                next += copy;
            }

            return views;
        }
    }
}
