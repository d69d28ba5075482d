using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class Reduce
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>Reduces [outer, reduce, inner]. Axes that are not neighbors are first brought together by a transpose into the workspace.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly ReductionKind _kind;
        private readonly TiledReduction _reduction;
        private readonly StridedCopy? _gather;
        private readonly long _gatherBytes;
        private float* _source;
        private float* _x;
        private float* _y;
        private float* _bands;

        public Kernel(Node node)
        {
            ReduceAttributes a = (ReduceAttributes)node.Attributes;
            Shape x = node.Inputs[0].Shape;
            _kind = a.Kind switch
            {
                ReduceKind.Mean => ReductionKind.Mean,
                ReduceKind.Sum => ReductionKind.Sum,
                ReduceKind.Max => ReductionKind.Max,
                _ => throw new UnreachableException($"There is no kernel for {a.Kind}."),
            };
            int first = a.Axes.Count == 0 ? x.Rank : a.Axes[0], reduce = 1;
            bool together = a.Axes.Count == 0 || a.Axes[a.Axes.Count - 1] - first == a.Axes.Count - 1;
            int[] order = new int[x.Rank];
            int at = 0;
            for (int axis = 0; axis < x.Rank; axis++)
            {
                if (!a.Axes.Items.Contains(axis)) order[at++] = axis;
            }

            a.Axes.Items.CopyTo(order.AsSpan(at));
            foreach (int axis in a.Axes.Items) reduce *= x[axis];
            if (together)
            {
                _reduction = new TiledReduction(_kind, x.Product(0, first), reduce, x.Product(Math.Min(first + a.Axes.Count, x.Rank), x.Rank));
                return;
            }

            _reduction = new TiledReduction(_kind, x.ElementCount / reduce, reduce, 1);
            _gather = StridedCopy.Transpose(x.Dims, order);
            _gatherBytes = x.ElementCount * (long)sizeof(float);
        }

        public override string Name => Reduction.KernelName(_kind);

        public override int Phases => 3;

        public override long WorkspaceBytes(int threads) => _gatherBytes + _reduction.WorkspaceBytes;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _source = (float*)inputs[0];
            _x = _gather is null ? _source : (float*)workspace;
            _y = (float*)outputs[0];
            _bands = (float*)(workspace + _gatherBytes);
        }

        public override int Items(int phase) => phase == 0 ? _gather?.Items ?? 0 : _reduction.Items(phase - 1);

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) _gather!.RunItems(_source, _x, begin, end);
            else _reduction.RunItems(phase - 1, _x, _y, _bands, begin, end);
        }
    }
}
