using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Gemm;

namespace Thomas.Ops;

internal sealed partial class MatMul
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node, context);

    /// <summary>
    /// The second operand is read where it lies if its rows suit the tiles; otherwise it is packed, once if it is constant, else at the start of every run. One
    /// matrix on the right for all products makes one product of them.
    /// </summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly MatrixProduct _product;
        private readonly bool _transposeB;
        private readonly int _n;
        private readonly int _k;
        private readonly Shape _products;
        private readonly int[] _stepsA;
        private readonly int[] _stepsB;
        private readonly nint _matrixA;
        private readonly nint _matrixC;
        private readonly int _matricesB;
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
            _n = y[-1];
            _k = a[t.TransposeA ? -2 : -1];
            (_strideA, _strideB) = (a[-1], b[-1]);
            _matricesB = b.Product(0, b.Rank - 2);
            bool joined = _matricesB == 1 && !t.TransposeA && y.ElementCount > 0;
            int m = joined ? y.Product(0, y.Rank - 1) : y[-2];
            _products = joined ? new Shape() : Products(y);
            _stepsA = joined ? [] : BinaryOp.BroadcastStrides(Products(a), _products);
            _stepsB = joined ? [] : BinaryOp.BroadcastStrides(Products(b), _products);
            (_matrixA, _matrixC) = ((nint)a[-1] * a[-2], (nint)m * _n);

            // Many products keep the threads busy without being cut.
            int threads = _products.ElementCount >= 4 * context.Threads ? 1 : context.Threads;
            _product = MatrixProduct.ForMatrix(m, _n, _k, Activation.None, threads, t.TransposeA, context.Blocks);

            // Packing pays where many tiles read the same panel and its rows would crowd a few cache sets.
            _inPlace = !t.TransposeB && MatrixProduct.CanReadInPlace(_n) && (m <= 2 * GemmTiles.Rows || _n % 256 != 0);
            _constant = _inPlace ? null : node.Inputs[1].Constant;
        }

        public override string Name => MatrixProduct.KernelName;

        public override int Phases => 2;

        public override long ConstantBytes => _constant is null ? 0 : PackedBytes * _matricesB;

        private long PackedBytes => (long)PackedMatrix.Bytes(_k, _n);

        private bool PacksEachRun => !_inPlace && _constant is null;

        public override long WorkspaceBytes(int threads) => ((long)_product.WorkspaceBytes * threads) + (PacksEachRun ? PackedBytes * _matricesB : 0);

        public override bool ReadsFloats(int input) => _constant is null || input == 0;

        public override void UseConstants(byte* memory, bool pack)
        {
            if (_constant is null) return;
            _packedConstant = (float*)memory;
            if (!pack) return;
            using PinnedFloats values = new(_constant);
            Pack(values.Pointer, _packedConstant, 0, _matricesB * PackedMatrix.Panels(_n));
        }

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _b = (float*)inputs[1];
            _scratch = workspace;
            _packed = PacksEachRun ? (float*)(workspace + ((long)_product.WorkspaceBytes * threads)) : _packedConstant;
            _args = new MatrixProductArgs { A = (float*)inputs[0], StrideA = _strideA, StrideB = _strideB, C = (float*)outputs[0], StrideC = _n };
        }

        public override int Items(int phase) => phase == 1 ? _products.ElementCount * _product.Items : PacksEachRun ? _matricesB * PackedMatrix.Panels(_n) : 0;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                Pack(_b, _packed, begin, end);
                return;
            }

            byte* scratch = _scratch + ((long)_product.WorkspaceBytes * thread);
            while (begin < end)
            {
                int product = begin / _product.Items, first = begin % _product.Items, last = Math.Min(_product.Items, first + end - begin);
                MatrixProductArgs args = _args;
                nint matrixB = Matrix(product, _products, _stepsB);
                args.A += Matrix(product, _products, _stepsA) * _matrixA;
                args.C += product * _matrixC;
                if (_inPlace) args.B = _b + (matrixB * _k * _n);
                else args.PackedB = PackedOf(_packed, matrixB);
                _product.RunItems(args, first, last, scratch);
                begin += last - first;
            }
        }

        /// <summary>Packs some of the panels of all matrices.</summary>
        private void Pack(float* source, float* packed, int begin, int end)
        {
            int panels = PackedMatrix.Panels(_n);
            while (begin < end)
            {
                nint matrix = begin / panels;
                int first = begin % panels, last = Math.Min(panels, first + end - begin);
                float* from = source + (matrix * _k * _n), to = PackedOf(packed, matrix);
                if (_transposeB) PackedMatrix.PackTransposedPanels(from, _strideB, _k, _n, null, to, first, last);
                else PackedMatrix.PackPanels(from, _strideB, _k, _n, null, to, first, last);
                begin += last - first;
            }
        }

        private float* PackedOf(float* packed, nint matrix) => packed + (matrix * (nint)(PackedBytes / sizeof(float)));
    }
}
