using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class ClipByGlobalNorm
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>Sums of squares of pieces of the gradients in parallel, then their sum in order.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _bound;
        private readonly int[] _counts;
        private readonly int[] _firstPiece;
        private readonly nint[] _gradients;
        private float* _control;
        private float* _clipped;
        private double* _sums;

        public Kernel(Node node)
        {
            _bound = ((ClipByGlobalNormAttributes)node.Attributes).Bound;
            _gradients = new nint[node.Inputs.Count - 1];
            _counts = new int[_gradients.Length];
            _firstPiece = new int[_gradients.Length + 1];
            for (int i = 0; i < _counts.Length; i++)
            {
                _counts[i] = node.Inputs[i + 1].Shape.ElementCount;
                _firstPiece[i + 1] = _firstPiece[i] + ((_counts[i] + SumOfSquares.Piece - 1) / SumOfSquares.Piece);
            }
        }

        public override string Name => ElementwiseLoop.KernelName("globalnorm");

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => (long)_firstPiece[^1] * sizeof(double);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _control = (float*)inputs[0];
            _clipped = (float*)outputs[0];
            _sums = (double*)workspace;
            inputs[1..].CopyTo(_gradients);
        }

        public override int Items(int phase) => phase == 0 ? _firstPiece[^1] : 1;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 1)
            {
                WriteControl();
                return;
            }

            int gradient = 0;
            for (int item = begin; item < end; item++)
            {
                while (_firstPiece[gradient + 1] <= item) gradient++;
                int first = (item - _firstPiece[gradient]) * SumOfSquares.Piece;
                _sums[item] = SumOfSquares.Of((float*)_gradients[gradient] + first, Math.Min(SumOfSquares.Piece, _counts[gradient] - first));
            }
        }

        private void WriteControl()
        {
            double sum = 0;
            for (int i = 0; i < _firstPiece[^1]; i++) sum += _sums[i];
            for (int i = 0; i < UpdateOp.ControlLength; i++) _clipped[i] = _control[i];
            double norm = Math.Sqrt(sum) * Math.Abs((double)_control[1]);
            if (norm > _bound) _clipped[1] *= (float)(_bound / norm);
        }
    }
}
