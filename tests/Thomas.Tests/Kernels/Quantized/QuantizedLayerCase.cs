using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;
using Xunit;

namespace Thomas.Tests.Kernels.Quantized;

/// <summary>A layer of 8-bit numbers, whose kernel is compared with plain loops, byte by byte.</summary>
internal sealed unsafe record QuantizedLayerCase(ConvGeometry Geometry, int Outputs)
{
    public int Groups { get; init; } = 1;

    public bool XIsSigned { get; init; } = true;

    public bool WIsSigned { get; init; } = true;

    public bool YIsSigned { get; init; } = true;

    public int[] WZeros { get; init; } = [0];

    public RequantizationRule Rule { get; init; }

    public bool OneRatio { get; init; }

    public bool NoBias { get; init; }

    public int Threads { get; init; } = 1;

    /// <summary>All combinations of types and rules that kernels treat differently.</summary>
    public QuantizedLayerCase[] Variants() =>
    [
        this,
        this with { XIsSigned = false, YIsSigned = false, OneRatio = true },
        this with { XIsSigned = false, WIsSigned = false, WZeros = [128], YIsSigned = false },
        this with { WIsSigned = false, WZeros = [131], YIsSigned = false, NoBias = true },
        this with { XIsSigned = false, WZeros = [-128], NoBias = true },
        this with { Rule = RequantizationRule.FixedPoint },
        this with { XIsSigned = false, WIsSigned = false, WZeros = [0], Rule = RequantizationRule.FixedPoint, OneRatio = true },
    ];

    public QuantizedLayer Layer()
    {
        Random random = new(7);
        int terms = Groups > 0 ? Geometry.PatchLength : Geometry.KernelH * Geometry.KernelW;
        double[] ratios = new double[OneRatio ? 1 : Outputs];
        foreach (ref double ratio in ratios.AsSpan()) ratio = (float)(Math.Exp(2 * random.NextDouble()) / (100 * Math.Sqrt(terms)));
        int lower = YIsSigned ? -121 : 9;
        return new QuantizedLayer(
            Geometry, Outputs, Groups, XIsSigned, XIsSigned ? -31 : 97, WIsSigned, WZeros, YIsSigned,
            new Requantization(Rule, ratios, YIsSigned ? -17 : 111, lower, lower + 240));
    }

    /// <summary>Runs the product and compares.</summary>
    public void CheckProduct()
    {
        QuantizedLayer layer = Layer();
        QuantizedProduct product = new(layer, Threads);
        Check(layer, product.PackedBytes, product.WorkspaceBytes, product.Items, product.Pack, product.RunItems, isDepthwise: false);
    }

    /// <summary>Runs the depthwise convolution and compares.</summary>
    public void CheckDepthwise()
    {
        QuantizedLayer layer = (this with { Groups = 0 }).Layer();
        QuantizedDepthwise depthwise = new(layer, Threads);
        Check(layer, depthwise.PackedBytes, depthwise.WorkspaceBytes, depthwise.Items, depthwise.Pack, depthwise.RunItems, isDepthwise: true);
    }

    private void Check(
        QuantizedLayer layer, long packedBytes, nuint workspaceBytes, int items, PackWeights pack, RunItems run, bool isDepthwise)
    {
        ConvGeometry g = Geometry;
        long weights = (long)Outputs * g.KernelH * g.KernelW * (isDepthwise ? 1 : g.Channels);
        long last = (((long)g.Batch * g.InH * g.InW) - 1) * g.ChannelStride;
        using GuardedBytes x = GuardedBytes.Random(last + (isDepthwise ? g.Channels : g.Channels * Groups), 1), w = GuardedBytes.Random(weights, 2);
        using GuardedBytes y = GuardedBytes.Random((long)g.OutPixels * Outputs, 3), packed = GuardedBytes.Random(packedBytes, 4);
        using GuardedBytes workspace = GuardedBytes.Random((long)workspaceBytes, 5);
        int[] bias = new int[Outputs];
        Random random = new(6);
        foreach (ref int value in bias.AsSpan()) value = random.Next(-30000, 30000);
        fixed (int* start = bias) pack(w.Pointer, NoBias ? null : start, packed.Pointer);
        w.Span.Clear();
        for (int item = items - 1; item >= 0; item--) run(x.Pointer, packed.Pointer, y.Pointer, item, item + 1, workspace.Pointer);
        using GuardedBytes filter = GuardedBytes.Random(weights, 2);
        for (int i = 0; i < y.Length; i++)
        {
            int o = i % Outputs, sum = (NoBias ? 0 : bias[o]) + Sum(layer, x.Pointer, filter.Pointer, i / Outputs, o, isDepthwise);
            byte expected = (byte)layer.Requantization.Apply(sum, o);
            if (y.Span[i] != expected) Assert.Fail($"{this}: [{i / Outputs}, {o}] is {y.Span[i]}, not {expected}");
        }
    }

    /// <summary>The definition, without the bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Sum(QuantizedLayer layer, byte* x, byte* w, int pixel, int o, bool isDepthwise)
    {
        ConvGeometry g = Geometry;
        int sum = 0, channels = isDepthwise ? 1 : g.Channels, first = isDepthwise ? o / (Outputs / g.Channels) : o / (Outputs / Groups) * g.Channels;
        foreach ((int place, int ky, int kx) in WindowCases.TapsOf(g, pixel))
        {
            int tap = (ky * g.KernelW) + kx;
            for (int c = 0; c < channels; c++)
            {
                byte a = x[(place * g.ChannelStride) + first + c];
                byte b = isDepthwise ? w[(tap * Outputs) + o] : w[(((o * g.KernelH * g.KernelW) + tap) * channels) + c];
                sum += ((XIsSigned ? (sbyte)a : a) - layer.XZero) * ((WIsSigned ? (sbyte)b : b) - layer.WZero(o));
            }
        }

        return sum;
    }

    private unsafe delegate void PackWeights(byte* weights, int* bias, byte* packed);

    private unsafe delegate void RunItems(byte* x, byte* packed, byte* y, int begin, int end, byte* workspace);
}
