using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>A convolution of 8-bit tensors, depthwise or not. Constant weights are packed once; others at the start of every run.</summary>
internal sealed unsafe class QuantizedLayerKernel : CpuKernel
{
    private readonly QuantizedProduct? _product;
    private readonly QuantizedDepthwise? _depthwise;
    private readonly TensorData? _constantWeights;
    private readonly TensorData? _constantBias;
    private readonly bool _hasBias;
    private readonly QuantizedConv2dAttributes _attributes;
    private readonly Requantization _requantization;
    private byte* _x;
    private byte* _weights;
    private int* _bias;
    private float* _scales;
    private byte* _y;
    private byte* _packedConstant;
    private byte* _packed;
    private byte* _scratch;

    public QuantizedLayerKernel(Node node, CpuKernelContext context)
    {
        QuantizedConv2dAttributes a = (QuantizedConv2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        bool isDepthwise = node.Op is QuantizedDepthwiseConv2d;
        (_attributes, _requantization) = (a, QuantizedLayerOp.RequantizationOf(a));
        QuantizedLayer layer = new(
            a.Window.ToGeometry(x, y, isDepthwise ? x[3] : x[3] / a.Groups), y[3], a.Groups, a.X.Type == DType.I8, a.X.ZeroPoint,
            node.Inputs[1].Type.DType == DType.I8, a.Filter.ZeroPoints.ToArray(), a.Y.Type == DType.I8, _requantization)
        {
            RatiosChange = a.HasScales,
        };
        if (isDepthwise) _depthwise = new QuantizedDepthwise(layer, context.Threads);
        else _product = new QuantizedProduct(layer, context.Threads);
        _hasBias = a.HasBias;
        if (a.HasScales || (a.HasBias && !node.Inputs[2].IsConstant)) return;
        _constantWeights = node.Inputs[1].Constant;
        _constantBias = a.HasBias ? node.Inputs[2].Constant : null;
    }

    public override string Name => _product?.KernelName ?? _depthwise!.KernelName;

    public override int Phases => 3;

    public override long ConstantBytes => _constantWeights is null ? 0 : PackedBytes;

    public override bool WritesFloats => false;

    private long PackedBytes => _product?.PackedBytes ?? _depthwise!.PackedBytes;

    private long ThreadBytes => (long)(_product?.WorkspaceBytes ?? _depthwise!.WorkspaceBytes);

    public override bool ReadsFloats(int input) => false;

    public override long WorkspaceBytes(int threads) => (ThreadBytes * threads) + (_constantWeights is null ? PackedBytes : 0);

    public override void UseConstants(byte* memory, bool pack)
    {
        if (_constantWeights is null) return;
        _packedConstant = memory;
        if (!pack) return;
        fixed (byte* weights = _constantWeights.Bytes.Span)
        fixed (byte* bias = _constantBias is null ? default : _constantBias.Bytes.Span)
            Pack(weights, (int*)bias, memory);
    }

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _x = (byte*)inputs[0];
        _weights = (byte*)inputs[1];
        _bias = _hasBias ? (int*)inputs[2] : null;
        _scales = _attributes.HasScales ? (float*)inputs[^1] : null;
        _y = (byte*)outputs[0];
        _scratch = workspace;
        _packed = _packedConstant != null ? _packedConstant : workspace + (ThreadBytes * threads);
    }

    public override int Items(int phase) => phase switch
    {
        0 => _packedConstant != null ? 0 : 1,
        1 => _packedConstant != null ? 0 : _product?.PackItems ?? _depthwise!.PackItems,
        _ => _product?.Items ?? _depthwise!.Items,
    };

    public override void Run(int phase, int begin, int end, int thread)
    {
        byte* workspace = _scratch + (ThreadBytes * thread);
        if (phase == 0) BeginPacking();
        else if (phase == 1 && _product is not null) _product.Pack(_weights, _bias, _packed, begin, end);
        else if (phase == 1) _depthwise!.Pack(_weights, _bias, _packed, begin, end);
        else if (_product is not null) _product.RunItems(_x, _packed, _y, begin, end, workspace);
        else _depthwise!.RunItems(_x, _packed, _y, begin, end, workspace);
    }

    private void BeginPacking()
    {
        if (_scales != null) QuantizedLayerOp.SetScales(_requantization, _attributes, new ReadOnlySpan<float>(_scales, _attributes.Filter.Scales.Length));
        _product?.BeginPacking();
        _depthwise?.BeginPacking();
    }

    private void Pack(byte* weights, int* bias, byte* packed)
    {
        if (_product is not null) _product.Pack(weights, bias, packed);
        else _depthwise!.Pack(weights, bias, packed);
    }
}
