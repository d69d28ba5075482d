using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Gemm;

namespace Thomas.Ops;

public sealed partial class MatMul
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node, context);

    /// <summary>
    /// The second operand is read where it lies if its rows suit the tiles; otherwise it is packed, once if it is constant, else at the start of every run.
    /// </summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly MatrixProduct _product;
        private readonly bool _transposeB;
        private readonly int _n;
        private readonly int _k;
        private readonly nint _strideA;
        private readonly nint _strideB;
        private readonly bool _inPlace;
        private readonly TensorData? _constant;
        private float* _packedConstant;
        private float* _b;
        private float* _packed;
        private byte* _scratch;
        private MatrixProductArgs _args;

        public Kernel(Node node, CpuKernelContext context)
        {
            MatMulAttributes t = (MatMulAttributes)node.Attributes;
            Shape a = node.Inputs[0].Shape, b = node.Inputs[1].Shape, y = node.Output.Shape;
            _transposeB = t.TransposeB;
            _n = y[1];
            _k = a[t.TransposeA ? 0 : 1];
            (_strideA, _strideB) = (a[1], b[1]);
            _product = MatrixProduct.ForMatrix(y[0], _n, _k, Thomas.Kernels.Elementwise.Activation.None, context.Threads, t.TransposeA, context.Blocks);

            // Packing pays where many tiles read the same panel and its rows would crowd a few cache sets.
            _inPlace = !t.TransposeB && MatrixProduct.CanReadInPlace(_n) && (y[0] <= 2 * GemmTiles.Rows || _n % 256 != 0);
            _constant = _inPlace ? null : node.Inputs[1].Constant;
        }

        public override string Name => MatrixProduct.KernelName;

        public override int Phases => 2;

        public override long ConstantBytes => _constant is null ? 0 : (long)PackedMatrix.Bytes(_k, _n);

        private bool PacksEachRun => !_inPlace && _constant is null;

        public override long WorkspaceBytes(int threads) =>
            ((long)_product.WorkspaceBytes * threads) + (PacksEachRun ? (long)PackedMatrix.Bytes(_k, _n) : 0);

        public override void UseConstants(byte* memory, bool pack)
        {
            if (_constant is null) return;
            _packedConstant = (float*)memory;
            if (!pack) return;
            fixed (float* values = _constant.Floats) Pack(values, _packedConstant, 0, PackedMatrix.Panels(_n));
        }

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _b = (float*)inputs[1];
            _scratch = workspace;
            _packed = PacksEachRun ? (float*)(workspace + ((long)_product.WorkspaceBytes * threads)) : _packedConstant;
            _args = new MatrixProductArgs
            {
                A = (float*)inputs[0],
                StrideA = _strideA,
                PackedB = _inPlace ? null : _packed,
                B = _b,
                StrideB = _strideB,
                C = (float*)outputs[0],
                StrideC = _n,
            };
        }

        public override int Items(int phase) => phase == 1 ? _product.Items : PacksEachRun ? PackedMatrix.Panels(_n) : 0;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) Pack(_b, _packed, begin, end);
            else _product.RunItems(_args, begin, end, _scratch + ((long)_product.WorkspaceBytes * thread));
        }

        private void Pack(float* source, float* packed, int begin, int end)
        {
            if (_transposeB) PackedMatrix.PackTransposedPanels(source, _strideB, _k, _n, null, packed, begin, end);
            else PackedMatrix.PackPanels(source, _strideB, _k, _n, null, packed, begin, end);
        }
    }
}
