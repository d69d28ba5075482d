using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

internal sealed partial class Cast
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel(Node node) : CpuKernel
    {
        private const int ItemElements = ElementwiseKernel.Piece;

        /// <summary>Results from this size on are gone from the second-level caches before anyone reads them again.</summary>
        private const long StreamedBytes = 4 << 20;

        private readonly DType _from = node.Inputs[0].Type.DType;
        private readonly DType _to = node.Output.Type.DType;
        private readonly int _count = node.Output.Shape.ElementCount;
        private readonly bool _streams = node.Output.Type.SizeBytes >= StreamedBytes;
        private byte* _x;
        private byte* _y;

        public override KeptCopy Copy =>
            _from == DType.F32 && _to.IsHalf() ? new KeptCopy((float*)_x, (ushort*)_y, _to == DType.F16, _streams) : default;

        public override string Name => $"{_from}_to_{_to}_cast".ToLowerInvariant();

        public override bool ReadsFloats(int input) => false;

        public override bool WritesFloats => false;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (byte*)inputs[0];
            _y = (byte*)outputs[0];
        }

        public override int PieceElements => ItemElements;

        public override int Items(int phase) => (int)(((long)_count + ItemElements - 1) / ItemElements);

        public override void Run(int phase, int begin, int end, int thread)
        {
            nint first = (nint)begin * ItemElements, last = (nint)Math.Min((long)end * ItemElements, _count);
            if (_from == DType.F32 && _to.IsHalf()) Elements.Narrow((float*)_x + first, _to, (ushort*)_y + first, last - first, _streams);
            else Elements.Convert(_from, _x + (first * _from.SizeBytes()), _to, _y + (first * _to.SizeBytes()), last - first);
        }
    }
}
