using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Blocks;
using Thomas.Kernels.Gemm;

namespace Thomas.Ops;

internal sealed partial class InvertedResidual
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node, context);

    /// <summary>Packs the filters, once where all of them and their biases are constants, else at the start of every run; then the bands.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly Node _node;
        private readonly InvertedResidualAttributes _a;
        private readonly InvertedResidualBands _bands;
        private readonly int _inputs;
        private readonly int _hidden;
        private readonly int _outputs;
        private readonly bool _isConstant;
        private float* _expandFilter;
        private float* _expandBias;
        private float* _filter;
        private float* _projectFilter;
        private float* _projectBias;
        private bool _isPacked;
        private int _threads;
        private float* _scratch;
        private InvertedResidualArgs _args;

        public Kernel(Node node, CpuKernelContext context)
        {
            _node = node;
            _a = (InvertedResidualAttributes)node.Attributes;
            Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
            _hidden = node.Inputs[_a.DepthwiseFilter].Shape[3];
            _inputs = _a.Expand is null ? 0 : x[3];
            _outputs = _a.Project is null ? 0 : y[3];
            Shape expanded = new(x[0], x[1], x[2], _hidden);
            _bands = new InvertedResidualBands(
                _a.Depthwise.Window.ToGeometry(expanded, y, _hidden), _inputs, _outputs,
                _a.Expand?.Activation ?? default, _a.Depthwise.Activation, _a.Project?.Activation ?? default, context.Threads, context.Blocks);
            _isConstant = true;
            for (int i = 1; i < _a.Filters; i++) _isConstant &= node.Inputs[i].IsConstant;
        }

        public override string Name => _bands.KernelName;

        public override int Phases => 3;

        public override long ConstantBytes => _isConstant ? PackedBytes : 0;

        private long PackedBytes => ExpandBytes + FilterBytes + (long)PackedMatrix.Bytes(_hidden, _outputs);

        private long ExpandBytes => _inputs == 0 ? 0 : (long)PackedMatrix.Bytes(_inputs, _hidden);

        private long FilterBytes => (((long)_node.Inputs[_a.DepthwiseFilter].Shape.ElementCount * sizeof(float)) + 63) & ~63L;

        private int ExpandPanels => _inputs == 0 ? 0 : PackedMatrix.Panels(_hidden);

        public override long WorkspaceBytes(int threads) => _bands.WorkspaceBytes(threads) + (_isConstant ? 0 : PackedBytes);

        /// <summary>Of packed operands, only the depthwise bias is read as it is.</summary>
        public override bool ReadsFloats(int input) =>
            !_isConstant || input == 0 || input >= _a.Filters || (_a.Depthwise.HasBias && input == _a.DepthwiseFilter + 1);

        public override void UseConstants(byte* memory, bool pack)
        {
            if (!_isConstant) return;
            SetPacked(memory);
            _isPacked = true;
            if (!pack) return;
            using PinnedFloats expandFilter = Constant(_a.Expand is not null, 1), expandBias = Constant(_a.Expand?.HasBias == true, 2);
            using PinnedFloats filter = Constant(true, _a.DepthwiseFilter);
            using PinnedFloats projectFilter = Constant(_a.Project is not null, _a.ProjectFilter),
                projectBias = Constant(_a.Project?.HasBias == true, _a.ProjectFilter + 1);
            _expandFilter = expandFilter.Pointer;
            _expandBias = expandBias.Pointer;
            _filter = filter.Pointer;
            _projectFilter = projectFilter.Pointer;
            _projectBias = projectBias.Pointer;
            Pack(0, PackItems);
        }

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _scratch = (float*)workspace;
            _threads = threads;
            if (!_isPacked) SetPacked(workspace + _bands.WorkspaceBytes(threads));
            _expandFilter = _a.Expand is null ? null : (float*)inputs[InvertedResidualAttributes.ExpandFilter];
            _expandBias = _a.Expand?.HasBias == true ? (float*)inputs[InvertedResidualAttributes.ExpandFilter + 1] : null;
            _filter = (float*)inputs[_a.DepthwiseFilter];
            _projectFilter = _a.Project is null ? null : (float*)inputs[_a.ProjectFilter];
            _projectBias = _a.Project?.HasBias == true ? (float*)inputs[_a.ProjectFilter + 1] : null;
            _args.X = (float*)inputs[0];
            _args.Bias = _a.Depthwise.HasBias ? (float*)inputs[_a.DepthwiseFilter + 1] : null;
            _args.Residual = _a.Project?.HasResidual == true ? (float*)inputs[^1] : null;
            _args.Y = (float*)outputs[0];
        }

        public override int Items(int phase) => phase switch
        {
            0 => _isPacked ? 0 : PackItems,
            1 => _bands.Items,
            _ => _bands.ProjectItems,
        };

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) Pack(begin, end);
            else if (phase == 1) _bands.RunItems(_args, begin, end, _scratch, thread, _threads);
            else _bands.RunProjectItems(_args, begin, end, _scratch, _threads);
        }

        private void Pack(int begin, int end)
        {
            for (int item = begin; item < end; item++)
            {
                int panel = item - ExpandPanels;
                if (item == 0) _bands.PackFilter(_filter, _args.Filter);
                if (panel < 0) PackedMatrix.PackTransposedPanels(_expandFilter, _inputs, _inputs, _hidden, _expandBias, _args.Expand, item, item + 1);
                else PackedMatrix.PackTransposedPanels(_projectFilter, _hidden, _hidden, _outputs, _projectBias, _args.Project, panel, panel + 1);
            }
        }

        private int PackItems => ExpandPanels + PackedMatrix.Panels(_outputs);

        private void SetPacked(byte* memory)
        {
            _args.Expand = (float*)memory;
            _args.Filter = (float*)(memory + ExpandBytes);
            _args.Project = (float*)(memory + ExpandBytes + FilterBytes);
        }

        private PinnedFloats Constant(bool exists, int input) => new(exists ? _node.Inputs[input].Constant : null);
    }
}
