using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class Softmax
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel((SoftmaxAttributes)node.Attributes, node.Output.Shape);

    private sealed unsafe class Kernel(SoftmaxAttributes attributes, Shape shape) : CpuKernel
    {
        private readonly int _length = shape[-1];
        private readonly int _rows = shape[-1] == 0 ? 0 : shape.ElementCount / shape[-1];
        private float* _x;
        private float* _y;

        public override string Name => SoftmaxKernel.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _y = (float*)outputs[0];
        }

        public override int Items(int phase) => _rows;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (!attributes.Logarithm)
            {
                SoftmaxKernel.RunItems(_x, _y, _length, attributes.Beta, begin, end);
                return;
            }

            for (int row = begin; row < end; row++) Logarithm(_x + ((nint)row * _length), _y + ((nint)row * _length));
        }

        /// <summary>beta * x - max - ln(sum), not the logarithm of a softmax that may have rounded to zero.</summary>
        private void Logarithm(float* x, float* y)
        {
            ElementwiseLoop.BinaryScalar(default(MultiplyMap), x, attributes.Beta, y, _length);
            float max = Reduction.Row(ReductionKind.Max, y, _length);
            double sum = 0;
            for (int i = 0; i < _length; i++) sum += Math.Exp(y[i] - max);
            float logSum = (float)Math.Log(sum);
            for (int i = 0; i < _length; i++) y[i] = y[i] - max - logSum;
        }
    }
}
