using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Normalization;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node, hasMoments: false);

    /// <summary>The convolution; then, where moments are wanted, what remains of them once the result is written.</summary>
    internal sealed unsafe class Kernel : CpuKernel
    {
        private readonly DepthwiseConvolution _convolution;
        private readonly ResultMoments? _moments;
        private readonly bool _hasBias;
        private float* _x;
        private float* _filter;
        private float* _bias;
        private float* _y;
        private KeptCopy _kept;

        public Kernel(Node node, bool hasMoments)
        {
            DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
            Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
            _convolution = new DepthwiseConvolution(a.Window.ToGeometry(x, y, x[3]), y[3] / x[3], a.Activation, banded: hasMoments);
            _moments = hasMoments ? new ResultMoments(y.Product(0, 3), y[3], _convolution.Bands) : null;
            _hasBias = a.HasBias;
        }

        public override string Name => _convolution.KernelName;

        public override int Phases => _moments is null ? 1 : 2;

        public override long WorkspaceBytes(int threads) => _moments?.WorkspaceBytes ?? 0;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _filter = (float*)inputs[1];
            _bias = _hasBias ? (float*)inputs[2] : null;
            _y = (float*)outputs[0];
            _moments?.Bind(workspace, (float*)outputs[1], (float*)outputs[2], (float*)outputs[3]);
        }

        public override bool TryKeep(KeptCopy copy)
        {
            _kept = copy;
            return true;
        }

        public override int Items(int phase) => phase == 0 ? _convolution.Items : _moments!.JoinItems;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) _convolution.RunItems(_x, _filter, _bias, _y, begin, end, _moments, _kept);
            else _moments!.Join(begin, end);
        }
    }
}
