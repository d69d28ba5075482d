using System;
using Thomas.Kernels;

namespace Thomas.Graphs;

/// <summary>Runs a node by its operator's scalar definition: the serial device, and the fallback where no SIMD kernel exists.</summary>
internal sealed unsafe class ReferenceKernel(Node node) : CpuKernel
{
    private ReferenceArgs<float>? _args;

    public override string Name => $"f32_{node.Op.Name.ToLowerInvariant()}__reference";

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads) =>
        _args = new ReferenceArgs<float>(node, Views(node.Inputs, inputs), Views(node.Outputs, outputs));

    public override int Items(int phase) => 1;

    public override void Run(int phase, int begin, int end, int thread) => node.Op.Reference(_args!);

    private static RefTensor<float>[] Views(System.Collections.Generic.IReadOnlyList<Value> values, ReadOnlySpan<nint> pointers)
    {
        RefTensor<float>[] views = new RefTensor<float>[values.Count];
        for (int i = 0; i < views.Length; i++) views[i] = new RefTensor<float>((float*)pointers[i], values[i].Shape);
        return views;
    }
}
