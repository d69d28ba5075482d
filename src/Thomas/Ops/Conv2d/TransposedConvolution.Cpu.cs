using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Gemm;

namespace Thomas.Ops;

internal abstract partial class TransposedConvolution
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node, context);

    /// <summary>One product for each group. A constant filter is packed once, another at the start of every run.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly InputGradientProduct _product;
        private readonly int _groups;
        private readonly int _cOut;
        private readonly int _cGroup;
        private readonly int _filterLength;
        private readonly int _rowLength;
        private readonly TensorData? _constant;
        private float* _packedConstant;
        private float* _dy;
        private float* _filter;
        private float* _dx;
        private float* _packed;
        private byte* _scratch;

        public Kernel(Node node, CpuKernelContext context)
        {
            Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
            Shape dy = node.Inputs[0].Shape, filter = node.Inputs[1].Shape, dx = node.Output.Shape;
            _groups = a.Groups;
            _cOut = filter[0] / _groups;
            _cGroup = filter[3];
            _filterLength = _cOut * filter.Product(1, 4);
            _rowLength = dx[2] * dx[3];
            _product = new InputGradientProduct(a.Window.ToGeometry(dx, dy, _cGroup), _cOut, dy[3], context.Threads, context.Blocks);
            _constant = node.Inputs[1].Constant;
        }

        public override string Name => MatrixProduct.KernelName;

        public override int Phases => 2;

        public override long ConstantBytes => _constant is null ? 0 : (long)_product.PackedBytes * _groups;

        private int PackItems => _constant is not null ? 0 : _groups * _product.PackItems;

        public override long WorkspaceBytes(int threads) =>
            ((long)_product.WorkspaceBytes * threads) + (_constant is null ? (long)_product.PackedBytes * _groups : 0);

        public override bool ReadsFloats(int input) => _constant is null || input == 0;

        public override void UseConstants(byte* memory, bool pack)
        {
            if (_constant is null) return;
            _packedConstant = (float*)memory;
            if (!pack) return;
            using PinnedFloats values = new(_constant);
            for (int group = 0; group < _groups; group++) Pack(values.Pointer, _packedConstant, group, 0, _product.PackItems);
        }

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _filter = (float*)inputs[1];
            _dx = (float*)outputs[0];
            _scratch = workspace;
            _packed = _constant is not null ? _packedConstant : (float*)(workspace + ((long)_product.WorkspaceBytes * threads));
        }

        public override int Items(int phase) => phase == 0 ? PackItems + _product.RowsToClear : _groups * _product.Items;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0 && end > PackItems)
            {
                int first = Math.Max(begin, PackItems);
                new Span<float>(_dx + ((nint)(first - PackItems) * _rowLength), checked((end - first) * _rowLength)).Clear();
                end = first;
            }

            int perGroup = phase == 0 ? _product.PackItems : _product.Items;
            while (begin < end)
            {
                int group = begin / perGroup, first = begin % perGroup, last = Math.Min(perGroup, first + end - begin);
                if (phase == 0) Pack(_filter, _packed, group, first, last);
                else RunGroup(group, first, last, thread);
                begin += last - first;
            }
        }

        private void RunGroup(int group, int begin, int end, int thread) => _product.RunItems(
            _dy + ((nint)group * _cOut), PackedGroup(_packed, group), _dx + ((nint)group * _cGroup), begin, end,
            _scratch + ((long)_product.WorkspaceBytes * thread));

        private void Pack(float* filter, float* packed, int group, int begin, int end) =>
            _product.Pack(filter + ((nint)group * _filterLength), PackedGroup(packed, group), begin, end);

        private float* PackedGroup(float* packed, int group) => packed + (group * (nint)(_product.PackedBytes / sizeof(float)));
    }
}
