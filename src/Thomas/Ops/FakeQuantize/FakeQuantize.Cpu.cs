using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class FakeQuantize
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        FakeQuantizeAttributes a = (FakeQuantizeAttributes)node.Attributes;
        return a.Quantization.IsPerTensor ? new TensorKernel(a, node.Output.Shape.ElementCount) : new ChannelKernel(a, node.Output.Shape);
    }

    private sealed unsafe class TensorKernel(FakeQuantizeAttributes a, int count) : ElementwiseKernel(count)
    {
        private readonly float _scale = a.Quantization.Scales[0];
        private readonly float _zero = a.Quantization.ZeroPoints[0];

        private bool _byReciprocal;

        public override string Name => FakeQuantizeKernel.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _byReciprocal = FakeQuantizeMap.IsExact(_scale, _zero, a.Minimum, a.Maximum);
        }

        protected override void RunElements(int begin, int count) =>
            FakeQuantizeKernel.PerTensor(X + begin, Y + begin, count, _scale, _zero, a.Minimum, a.Maximum, _byReciprocal);
    }

    private sealed unsafe class ChannelKernel : CpuKernel
    {
        private readonly FakeQuantizeAttributes _attributes;
        private readonly int _channels;
        private readonly int _rows;
        private float* _scales;
        private float* _zeros;
        private float* _x;
        private float* _y;

        public ChannelKernel(FakeQuantizeAttributes attributes, Shape shape)
        {
            _attributes = attributes;
            _channels = shape[-1];
            _rows = shape.ElementCount / _channels;
        }

        public override string Name => FakeQuantizeKernel.KernelName;

        public override long ConstantBytes => 2L * _channels * sizeof(float);

        public override void UseConstants(byte* memory, bool pack)
        {
            _scales = (float*)memory;
            _zeros = _scales + _channels;
            for (int c = 0; pack && c < _channels; c++)
            {
                _scales[c] = _attributes.Quantization.Scales[c];
                _zeros[c] = _attributes.Quantization.ZeroPoints[c];
            }
        }

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _y = (float*)outputs[0];
        }

        public override int Items(int phase) => _rows;

        public override void Run(int phase, int begin, int end, int thread)
        {
            nint offset = (nint)begin * _channels;
            FakeQuantizeKernel.PerChannel(
                _x + offset, _y + offset, end - begin, _channels, _scales, _zeros, _attributes.Minimum, _attributes.Maximum);
        }
    }
}
