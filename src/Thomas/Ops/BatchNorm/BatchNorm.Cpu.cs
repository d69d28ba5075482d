using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class BatchNorm
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>y = x * factor[c] + offset[c], with the two vectors computed at the start of every run (in double, as the definition does).</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _channels;
        private readonly int _rows;
        private float* _factor;
        private float* _offset;
        private float* _x;
        private float* _scale;
        private float* _shift;
        private float* _mean;
        private float* _variance;
        private float* _y;

        public Kernel(Node node)
        {
            _epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
            _channels = node.Output.Shape[-1];
            _rows = node.Output.Shape.ElementCount / _channels;
        }

        public override string Name => ElementwiseLoop.KernelName("batchnorm");

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => 2L * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _scale = (float*)inputs[1];
            _shift = (float*)inputs[2];
            _mean = (float*)inputs[3];
            _variance = (float*)inputs[4];
            _y = (float*)outputs[0];
            _factor = (float*)workspace;
            _offset = _factor + _channels;
        }

        public override int Items(int phase) => phase == 0 ? 1 : _rows;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                for (int c = 0; c < _channels; c++)
                {
                    double factor = _scale[c] / Math.Sqrt(_variance[c] + _epsilon);
                    _factor[c] = (float)factor;
                    _offset[c] = (float)(_shift[c] - (_mean[c] * factor));
                }

                return;
            }

            float* x = _x + ((nint)begin * _channels), y = _y + ((nint)begin * _channels);
            ElementwiseLoop.BinaryRow(default(MultiplyMap), x, _factor, y, end - begin, _channels);
            ElementwiseLoop.BinaryRow(default(AddMap), y, _offset, y, end - begin, _channels);
        }
    }
}
