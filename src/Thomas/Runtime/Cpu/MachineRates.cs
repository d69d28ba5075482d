using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// Measures the rates of <see cref="CostModel"/> on this machine: a matrix product, a depthwise convolution, an activation and a sum out of cache.
/// </summary>
public static class MachineRates
{
    private const double SecondsEach = 0.05;
    private const double NodeSeconds = 3e-6;

    private static readonly ConcurrentDictionary<int, CostModel> Measured = new();

    /// <summary>The rates with so many threads, measured once in a process, in less than half a second.</summary>
    /// <param name="threads">Threads; 0 takes the machine's performance cores.</param>
    public static CostModel Measure(int threads = 0) => Measured.GetOrAdd(threads == 0 ? ThreadTeam.DefaultThreads : threads, Run);

    private static CostModel Run(int threads)
    {
        CompileOptions options = new() { Threads = threads };
        OpCost product = Time(Product(), options, out double productSeconds);
        OpCost depthwise = Time(Depthwise(), options, out double depthwiseSeconds);
        OpCost activation = Time(Activation(), options, out double activationSeconds);
        OpCost sum = Time(Sum(), options, out double sumSeconds);
        return new CostModel(
            product.MultiplyAdds / productSeconds, depthwise.MultiplyAdds / depthwiseSeconds, activation.Elementwise / activationSeconds,
            sum.Bytes / sumSeconds, NodeSeconds);
    }

    /// <summary>The least of the times that fit in the share of each measurement, at least three.</summary>
    private static OpCost Time(Graph graph, CompileOptions options, out double seconds)
    {
        using Executable executable = Executable.CompileAsIs(graph, options);
        long begin = Stopwatch.GetTimestamp();
        seconds = double.PositiveInfinity;
        for (int run = 0; run < 3 || Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsEach; run++)
        {
            long start = Stopwatch.GetTimestamp();
            executable.Run();
            seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return executable.Graph.Cost;
    }

    // Shapes of MobileNetV2 at a small batch: an expansion, whose sums are short, and a depthwise layer beyond the second-level cache.
    private static Graph Product() => Build(new Shape(8, 28, 28, 32), (b, x) =>
        b.Add(OpCatalog.Conv2d, [x, Zeros(b, 192, 1, 1, 32)], new Conv2dAttributes(new Window2d(1, 1))));

    private static Graph Depthwise() => Build(new Shape(8, 28, 28, 192), (b, x) =>
        b.Add(OpCatalog.DepthwiseConv2d, [x, Zeros(b, 1, 3, 3, 192)],
            new DepthwiseConv2dAttributes(new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)))));

    private static Graph Activation() =>
        Build(new Shape(1 << 16), (b, x) => b.Add(OpCatalog.Activate, [x], new ActivateAttributes(Kernels.Activations.Activation.Relu6)));

    /// <summary>Two operands of 12 MiB: beyond the caches of phones and most of those of laptops.</summary>
    private static Graph Sum() => Build(new Shape(3 << 20), (b, x) =>
        b.Add(OpCatalog.Add, [x, b.Input("y", x.Type)]));

    private static Graph Build(Shape shape, Func<GraphBuilder, Value, Value> body)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, shape));
        return builder.Build(body(builder, x));
    }

    private static Value Zeros(GraphBuilder builder, params ReadOnlySpan<int> dims)
    {
        Shape shape = new(dims);
        return builder.Constant("weights", TensorData.FromFloats(shape, new float[shape.ElementCount]));
    }
}
