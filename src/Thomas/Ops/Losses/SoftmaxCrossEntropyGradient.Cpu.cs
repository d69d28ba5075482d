using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Losses;

namespace Thomas.Ops;

internal sealed partial class SoftmaxCrossEntropyGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node.Output.Shape);

    private sealed unsafe class Kernel(Shape shape) : CpuKernel
    {
        private readonly int _rows = shape[0];
        private readonly int _classes = shape[1];
        private float* _probabilities;
        private float* _targets;
        private float* _weights;
        private float* _dLoss;
        private float* _dx;

        public override string Name => ElementwiseLoop.KernelName("crossentropygradient");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _probabilities = (float*)inputs[0];
            _targets = (float*)inputs[1];
            _weights = (float*)inputs[2];
            _dLoss = (float*)inputs[3];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => _rows;

        public override void Run(int phase, int begin, int end, int thread) =>
            CrossEntropy.RunGradientItems(_probabilities, _targets, _weights, *_dLoss, _dx, _classes, begin, end);
    }
}
