using System;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

internal sealed partial class QuantizedSoftmax
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>One row an item, in the definition's order: a few thousand scores at the end of a network.</summary>
    private sealed unsafe class Kernel(Node node) : CpuKernel
    {
        private readonly QuantizedSoftmaxAttributes _a = (QuantizedSoftmaxAttributes)node.Attributes;
        private readonly float[] _table = ((QuantizedSoftmaxAttributes)node.Attributes).Exponentials();
        private readonly int _columns = node.Output.Shape[-1];
        private readonly int _rows = node.Output.Shape.ElementCount / node.Output.Shape[-1];
        private readonly int _flip = node.Inputs[0].Type.DType == DType.I8 ? 0x80 : 0;
        private byte* _x;
        private byte* _y;

        public override string Name => "i8_softmax";

        public override bool WritesFloats => false;

        public override bool ReadsFloats(int input) => false;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (byte*)inputs[0];
            _y = (byte*)outputs[0];
        }

        public override int Items(int phase) => _rows;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int row = begin; row < end; row++)
            {
                byte* x = _x + ((nint)row * _columns), y = _y + ((nint)row * _columns);
                int max = 0;
                for (int k = 0; k < _columns; k++) max = Math.Max(max, x[k] ^ _flip);
                float sum = 0;
                for (int k = 0; k < _columns; k++) sum += _table[max - (x[k] ^ _flip)];
                float factor = 1 / (sum * _a.Y.Scale);
                for (int k = 0; k < _columns; k++) y[k] = (byte)Step(_a.Y, _table[max - (x[k] ^ _flip)], factor);
            }
        }
    }
}
