using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Losses;

namespace Thomas.Ops;

internal sealed partial class SoftmaxCrossEntropy
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node.Inputs[0].Shape);

    /// <summary>Rows in parallel, then their losses added in order.</summary>
    private sealed unsafe class Kernel(Shape shape) : CpuKernel
    {
        private readonly int _rows = shape[0];
        private readonly int _classes = shape[1];
        private float* _logits;
        private float* _targets;
        private float* _weights;
        private float* _loss;
        private float* _probabilities;
        private double* _losses;

        public override string Name => ElementwiseLoop.KernelName("crossentropy");

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => (long)_rows * sizeof(double);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _logits = (float*)inputs[0];
            _targets = (float*)inputs[1];
            _weights = (float*)inputs[2];
            _loss = (float*)outputs[0];
            _probabilities = (float*)outputs[1];
            _losses = (double*)workspace;
        }

        public override int Items(int phase) => phase == 0 ? _rows : 1;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                CrossEntropy.RunItems(_logits, _targets, _probabilities, _losses, _classes, begin, end);
                return;
            }

            double loss = 0;
            for (int n = 0; n < _rows; n++)
            {
                if (_weights[n] != 0) loss += _weights[n] * _losses[n];
            }

            *_loss = (float)loss;
        }
    }
}
