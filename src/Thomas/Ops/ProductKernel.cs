using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Gemm;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

/// <summary>
/// A convolution or dense layer as matrix products, one per group, or a convolution by Winograd's method. Constant weights are packed once; others at the
/// start of every run. Moments of the result are summed as it is written; where it is not written in bands, afterwards.
/// </summary>
internal sealed unsafe class ProductKernel : CpuKernel
{
    /// <summary>Numbers of weights that are widened at a time.</summary>
    private const int WidenedFloats = 1 << 16;

    private readonly MatrixProduct _product;
    private readonly WinogradConvolution? _winograd;
    private readonly ResultMoments? _moments;
    private readonly bool _takesLater;
    private readonly int _groups;
    private readonly int _outputs;
    private readonly int _inputs;
    private readonly int _k;
    private readonly int _inputChannels;
    private readonly bool _hasBias;
    private readonly bool _hasResidual;
    private readonly nint _strideA;
    private readonly TensorData? _constantWeights;
    private readonly TensorData? _constantBias;
    private float* _packedConstant;
    private float* _packed;
    private float* _weights;
    private float* _bias;
    private byte* _scratch;
    private MatrixProductArgs _args;
    private KeptCopy _kept;

    private ProductKernel(Node node, MatrixProduct product, WinogradConvolution? winograd, ResultMoments? moments, int groups, bool hasBias, bool hasResidual)
    {
        _product = product;
        _winograd = winograd;
        _moments = moments;
        _takesLater = winograd is not null || groups > 1;
        _groups = groups;
        _hasBias = hasBias;
        _hasResidual = hasResidual;
        Shape weights = node.Inputs[1].Shape;
        _outputs = weights[0] / groups;
        _k = weights.Product(1, weights.Rank);
        _inputs = node.Inputs.Count;
        _inputChannels = weights[-1];
        _strideA = node.Inputs[0].Shape[-1];
        if (hasBias && !node.Inputs[2].IsConstant) return;
        _constantWeights = node.Inputs[1].Constant;
        _constantBias = hasBias ? node.Inputs[2].Constant : null;
    }

    public override string Name => _winograd is null ? MatrixProduct.KernelName : WinogradConvolution.KernelName;

    public override int Phases => _moments is null ? 2 : 4;

    public override long ConstantBytes => _constantWeights is null ? 0 : (long)PackedBytes;

    private nuint PackedBytes => _winograd?.PackedBytes ?? (PackedMatrix.Bytes(_k, _outputs) * (nuint)_groups);

    private nuint ThreadBytes => _winograd?.WorkspaceBytes ?? _product.WorkspaceBytes;

    private int ItemsPerGroup => _winograd?.Items ?? _product.Items;

    public static ProductKernel Convolution(Node node, CpuKernelContext context)
    {
        Conv2dAttributes a = (Conv2dAttributes)node.Attributes;
        Shape filter = node.Inputs[1].Shape, y = node.Output.Shape;
        bool hasMoments = node.Op is Conv2dMoments;
        ConvGeometry geometry = a.Window.ToGeometry(node.Inputs[0].Shape, y, filter[3]);
        WinogradConvolution? winograd = WinogradConvolution.Serves(geometry, filter[0])
            ? new WinogradConvolution(geometry, filter[0], a.Activation, context.Threads) : null;
        bool banded = hasMoments && winograd is null && a.Groups == 1;
        MatrixProduct product = MatrixProduct.ForConvolution(geometry, filter[0] / a.Groups, a.Activation, context.Threads, context.Blocks, banded);
        ResultMoments? moments = hasMoments
            ? new ResultMoments(geometry.OutPixels, y[3], banded ? product.Bands : new RowBands(geometry.OutPixels, y[3]))
            : null;
        return new ProductKernel(node, product, winograd, moments, a.Groups, a.HasBias, a.HasResidual);
    }

    public static ProductKernel Dense(Node node, CpuKernelContext context)
    {
        DenseAttributes a = (DenseAttributes)node.Attributes;
        Shape y = node.Output.Shape;
        MatrixProduct product = MatrixProduct.ForMatrix(y[0], y[1], node.Inputs[0].Shape[1], a.Activation, context.Threads, blocks: context.Blocks);
        return new ProductKernel(node, product, null, null, 1, a.HasBias, hasResidual: false);
    }

    public override long WorkspaceBytes(int threads) =>
        ((long)ThreadBytes * threads) + (_constantWeights is null ? (long)PackedBytes : 0) + (_moments?.WorkspaceBytes ?? 0);

    public override bool ReadsFloats(int input) => _constantWeights is null || input == 0 || input > (_hasBias ? 2 : 1);

    public override void UseConstants(byte* memory, bool pack)
    {
        if (_constantWeights is null) return;
        _packedConstant = (float*)memory;
        if (!pack) return;
        using PinnedFloats b = new(_constantBias);
        int panels = PackedMatrix.Panels(_outputs), step = panels;

        // What is widened is gone after a few panels; Winograd's filters, which are small, are taken whole.
        if (_winograd is null && _constantWeights.Type.DType.IsHalf()) step = Math.Clamp(WidenedFloats / (PackedMatrix.PanelWidth * _k), 1, panels);
        for (int group = 0; group < _groups; group++)
        {
            for (int panel = 0; panel < panels; panel += step)
            {
                int last = Math.Min(panels, panel + step), row = (group * _outputs) + (panel * PackedMatrix.PanelWidth),
                    end = (group * _outputs) + Math.Min(_outputs, last * PackedMatrix.PanelWidth);
                using PinnedFloats w = new(_constantWeights, row * _k, (end - row) * _k);
                Pack(w.Pointer - ((nint)row * _k), b.Pointer, _packedConstant, group, panel, last);
            }
        }
    }

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        int allOutputs = _outputs * _groups;
        _weights = (float*)inputs[1];
        _bias = _hasBias ? (float*)inputs[2] : null;
        _scratch = workspace;
        _packed = _packedConstant != null ? _packedConstant : (float*)(workspace + ((long)ThreadBytes * threads));
        _moments?.Bind(workspace + WorkspaceBytes(threads) - _moments.WorkspaceBytes, (float*)outputs[1], (float*)outputs[2], (float*)outputs[3]);
        _args = new MatrixProductArgs
        {
            A = (float*)inputs[0],
            StrideA = _strideA,
            C = (float*)outputs[0],
            StrideC = allOutputs,
            Residual = _hasResidual ? (float*)inputs[_inputs - 1] : null,
            StrideResidual = allOutputs,
        };
    }

    public override bool TryKeep(KeptCopy copy)
    {
        if (_winograd is not null) return false;
        _kept = copy;
        return true;
    }

    public override int Items(int phase) => phase switch
    {
        0 => _packedConstant != null ? 0 : _groups * PackedMatrix.Panels(_outputs),
        1 => _groups * ItemsPerGroup,
        2 => _takesLater ? _moments!.Pieces : 0,
        _ => _moments!.JoinItems,
    };

    public override void Run(int phase, int begin, int end, int thread)
    {
        if (phase == 2) _moments!.TakePieces(_args.C, begin, end);
        if (phase == 3) _moments!.Join(begin, end);
        if (phase > 1) return;
        int perGroup = phase == 0 ? PackedMatrix.Panels(_outputs) : ItemsPerGroup;
        while (begin < end)
        {
            int group = begin / perGroup, first = begin % perGroup, last = Math.Min(perGroup, first + end - begin);
            if (phase == 0) Pack(_weights, _bias, _packed, group, first, last);
            else RunGroup(group, first, last, thread);
            begin += last - first;
        }
    }

    private void RunGroup(int group, int begin, int end, int thread)
    {
        MatrixProductArgs args = _args;
        args.A += (nint)group * _inputChannels;
        args.PackedB = PackedGroup(_packed, group);
        args.C += (nint)group * _outputs;
        if (args.Residual != null) args.Residual += (nint)group * _outputs;
        byte* workspace = _scratch + ((long)ThreadBytes * thread);
        if (_winograd is null) _product.RunItems(args, begin, end, workspace, _takesLater ? null : _moments, _kept);
        else _winograd.RunItems(args, begin, end, workspace);
    }

    private void Pack(float* weights, float* bias, float* packed, int group, int begin, int end)
    {
        if (_winograd is not null)
        {
            _winograd.Pack(weights, bias, packed, begin, end);
            return;
        }

        float* groupBias = bias == null ? null : bias + ((nint)group * _outputs);
        PackedMatrix.PackTransposedPanels(weights + ((nint)group * _outputs * _k), _k, _k, _outputs, groupBias, PackedGroup(packed, group), begin, end);
    }

    private float* PackedGroup(float* packed, int group) => packed + (group * (nint)(PackedMatrix.Bytes(_k, _outputs) / sizeof(float)));
}
