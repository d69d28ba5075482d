using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Gemm;

namespace Thomas.Ops;

internal sealed partial class Conv2dFilterGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    internal override bool CpuReadsKept(Node node, int input) => input == 0 && new Kernel(node).ReadsKept;

    /// <summary>One product for each group, and then the sums over its parts.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly FilterGradientProduct _product;
        private readonly DType _type;
        private readonly StepGrid? _grid;
        private readonly int _groups;
        private readonly int _cOut;
        private readonly int _cGroup;
        private readonly int _filterLength;
        private float* _x;
        private KeptFloats _kept;
        private float* _dy;
        private float* _dw;
        private float* _partial;
        private byte* _scratch;

        public Kernel(Node node)
        {
            Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
            Value x0 = node.Inputs[0];
            Shape x = x0.Shape, dy = node.Inputs[1].Shape, dw = node.Output.Shape;
            (_type, _grid) = (x0.Type.DType, a.X);
            _groups = a.Groups;
            _cOut = dw[0] / _groups;
            _cGroup = dw[3];
            _filterLength = _cOut * dw.Product(1, 4);
            _product = new FilterGradientProduct(a.Window.ToGeometry(x, dy, _cGroup), _cOut, dy[3]);
        }

        public override string Name => FilterGradientProduct.KernelName;

        /// <summary>Whether it reads an x that is kept in 16 bits.</summary>
        public bool ReadsKept => _product.ReadsKept;

        public override int Phases => 2;

        private long ThreadBytes => (long)(_product.WorkspaceBytes + (KeptOperand.IsKept(_type) ? _product.WidenedBytes : 0));

        public override bool ReadsFloats(int input) => input != 0 || !KeptOperand.IsKept(_type) || !ReadsKept;

        public override long WorkspaceBytes(int threads) => (ThreadBytes * threads) + (_groups * (long)_product.PartialFloats * sizeof(float));

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _kept = KeptOperand.Of(_type, _grid, inputs[0]);
            _dy = (float*)inputs[1];
            _dw = (float*)outputs[0];
            _scratch = workspace;
            _partial = (float*)(workspace + (ThreadBytes * threads));
        }

        public override int Items(int phase) => _groups * (phase == 0 ? _product.Items : _product.SumItems);

        public override void Run(int phase, int begin, int end, int thread)
        {
            int perGroup = phase == 0 ? _product.Items : _product.SumItems;
            while (begin < end)
            {
                int group = begin / perGroup, first = begin % perGroup, last = Math.Min(perGroup, first + end - begin);
                float* dw = _dw + ((nint)group * _filterLength), partial = _partial + (group * _product.PartialFloats);
                if (phase == 1) _product.Sum(dw, partial, first, last);
                else
                {
                    _product.RunItems(
                        _x + ((nint)group * _cGroup), _dy + ((nint)group * _cOut), dw, partial, first, last,
                        _scratch + (ThreadBytes * thread), _kept);
                }

                begin += last - first;
            }
        }
    }
}
