using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Gemm;
using Thomas.Kernels.Quantized;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>
/// The kernels of 8-bit layers beside those of float32 ones: every different convolution, depthwise convolution and dense layer of a network, alone, on one
/// thread, its own memory in the caches. The two take turns; of each the shortest time counts. 3x3 convolutions of float32 are direct, not Winograd's.
/// </summary>
internal sealed unsafe class ByteLayerBenchmark : IDisposable
{
    private readonly List<nint> _memory = [];
    private int _rounds = 60;
    private string _only = "";
    private RequantizationRule _rule;
    private bool _isSigned = true;

    public static int Run(ReadOnlySpan<string> args)
    {
        using ByteLayerBenchmark benchmark = new();
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--rounds") benchmark._rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--fixed-point") benchmark._rule = RequantizationRule.FixedPoint;
            else if (args[i] == "--unsigned") benchmark._isSigned = false;
            else if (args[i] == "--only") benchmark._only = args[++i];
            else names.Add(args[i]);
        }

        if (names.Count == 0) names.Add("mobilenet-v2");
        Console.WriteLine($"{CpuFeatures.Description}, one thread; the shortest of {benchmark._rounds} runs");
        foreach (string name in names) benchmark.Measure(name);
        return 0;
    }

    public void Dispose()
    {
        foreach (nint block in _memory) NativeMemory.AlignedFree((void*)block);
        _memory.Clear();
    }

    private void Measure(string name)
    {
        Graph graph = CompiledGraph.Create(Networks.Load(name).Graph, new CompileOptions { Threads = 1, PassesOff = ["fuse-inverted-residual"] }).Graph;
        Console.WriteLine($"{name + ", ms",-66} {"count",5} {"float32",9} {"bytes",9} {"ratio",6} {"GMAC/s",7}  kernel");
        Dictionary<string, (double Floats, double Bytes, double MultiplyAdds)> sums = [];
        foreach (IGrouping<ByteLayer, ByteLayer> layers in graph.Nodes.Select(ByteLayer.Of).OfType<ByteLayer>().GroupBy(layer => layer))
        {
            ByteLayer layer = layers.Key;
            if (!layer.ToString().Contains(_only, StringComparison.Ordinal)) continue;
            (double floats, double bytes, string kernel) = layer.IsDepthwise ? Depthwise(layer) : Product(layer);
            int count = layers.Count();
            Print(layer.ToString(), count, floats, bytes, layer.MultiplyAdds, kernel);
            foreach (string kind in new[] { layer.IsDepthwise ? "depthwise convolutions" : "convolutions and dense layers", "all of them" })
            {
                (double f, double b, double m) = sums.GetValueOrDefault(kind);
                sums[kind] = (f + (count * floats), b + (count * bytes), m + (count * layer.MultiplyAdds));
            }

            Dispose();
        }

        foreach ((string kind, (double floats, double bytes, double multiplyAdds)) in sums) Print(kind, 1, floats, bytes, multiplyAdds, "");
    }

    private static void Print(string text, int count, double floats, double bytes, double multiplyAdds, string kernel) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"  {text,-64} {count,5} {floats * 1e3,9:F4} {bytes * 1e3,9:F4} {floats / bytes,6:F2} {1e-9 * multiplyAdds / bytes,7:F1}  {kernel}"));

    private (double Floats, double Bytes, string Kernel) Product(ByteLayer layer)
    {
        ConvGeometry g = layer.Geometry;
        QuantizedProduct product = new(Quantized(layer), 1);
        byte* x = Bytes(layer.Inputs), y = Bytes(layer.Results), packed = Bytes(product.PackedBytes), scratch = Bytes((long)product.WorkspaceBytes);
        product.Pack(Bytes(layer.Weights), null, packed);
        MatrixProduct floats = MatrixProduct.ForConvolution(g, layer.Outputs / layer.Groups, Activation.Relu6, 1);
        float* fy = Floats(layer.Results), filter = Floats(layer.Weights);
        byte* floatScratch = Bytes((long)floats.WorkspaceBytes);
        int columns = layer.Outputs / layer.Groups;
        long panelFloats = (long)(PackedMatrix.Bytes(g.PatchLength, columns) / sizeof(float));
        float* panels = Floats(panelFloats * layer.Groups), fx = Floats(layer.Inputs);
        for (int group = 0; group < layer.Groups; group++)
        {
            float* source = filter + ((long)group * columns * g.PatchLength);
            PackedMatrix.PackTransposed(source, g.PatchLength, g.PatchLength, columns, null, panels + (group * panelFloats));
        }

        return Race(
            () =>
            {
                for (int group = 0; group < layer.Groups; group++)
                {
                    MatrixProductArgs args = new()
                    {
                        A = fx + (group * g.Channels),
                        StrideA = g.ChannelStride,
                        PackedB = panels + (group * panelFloats),
                        C = fy + (group * columns),
                        StrideC = layer.Outputs,
                    };
                    floats.RunItems(args, 0, floats.Items, floatScratch);
                }
            },
            () => product.RunItems(x, packed, y, 0, product.Items, scratch),
            product.KernelName);
    }

    private (double Floats, double Bytes, string Kernel) Depthwise(ByteLayer layer)
    {
        QuantizedDepthwise depthwise = new(Quantized(layer), 1);
        byte* x = Bytes(layer.Inputs), y = Bytes(layer.Results), packed = Bytes(depthwise.PackedBytes), scratch = Bytes((long)depthwise.WorkspaceBytes);
        depthwise.Pack(Bytes(layer.Weights), null, packed);
        DepthwiseConvolution floats = new(layer.Geometry, layer.Outputs / layer.Geometry.Channels, Activation.Relu6);
        float* fx = Floats(layer.Inputs), fw = Floats(layer.Weights), fy = Floats(layer.Results);
        return Race(
            () => floats.RunItems(fx, fw, null, fy, 0, floats.Items),
            () => depthwise.RunItems(x, packed, y, 0, depthwise.Items, scratch),
            depthwise.KernelName);
    }

    private QuantizedLayer Quantized(ByteLayer layer)
    {
        double[] ratios = new double[layer.Outputs];
        Array.Fill(ratios, 0.003f);
        int lower = _isSigned ? -128 : 0;
        return new QuantizedLayer(
            layer.Geometry, layer.Outputs, layer.Groups, _isSigned, lower + 100, _isSigned, [_isSigned ? 0 : 131], _isSigned,
            new Requantization(_rule, ratios, lower, lower, lower + 255));
    }

    private (double Floats, double Bytes, string Kernel) Race(Action floats, Action bytes, string kernel)
    {
        double leastFloats = double.PositiveInfinity, leastBytes = double.PositiveInfinity;
        for (int round = 0; round < _rounds; round++)
        {
            long begin = Stopwatch.GetTimestamp();
            floats();
            leastFloats = Math.Min(leastFloats, Stopwatch.GetElapsedTime(begin).TotalSeconds);
            begin = Stopwatch.GetTimestamp();
            bytes();
            leastBytes = Math.Min(leastBytes, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return (leastFloats, leastBytes, kernel);
    }

    private byte* Bytes(long count)
    {
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(count + 64), 64);
        _memory.Add((nint)block);
        new Random(1).NextBytes(new Span<byte>(block, checked((int)count)));
        return block;
    }

    private float* Floats(long count)
    {
        float* block = (float*)NativeMemory.AlignedAlloc((nuint)((count * sizeof(float)) + 64), 64);
        _memory.Add((nint)block);
        Random random = new(1);
        foreach (ref float value in new Span<float>(block, checked((int)count))) value = random.NextSingle() - 0.5f;
        return block;
    }
}
