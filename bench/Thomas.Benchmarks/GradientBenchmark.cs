using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>Single convolutions of stock networks: the layer and its two gradients take turns; the shortest time of each is printed.</summary>
internal static class GradientBenchmark
{
    /// <summary>Name, input height and width, input and output channels, window, stride; output channels 0 for depthwise.</summary>
    private static readonly (string Name, int Side, int Inputs, int Outputs, int Kernel, int Stride)[] Layers =
    [
        ("MobileNetV2 stem", 224, 3, 32, 3, 2),
        ("MobileNetV2 1x1", 112, 16, 96, 1, 1),
        ("MobileNetV2 1x1", 56, 24, 144, 1, 1),
        ("MobileNetV2 1x1", 56, 144, 24, 1, 1),
        ("MobileNetV2 1x1", 14, 64, 384, 1, 1),
        ("MobileNetV2 1x1", 14, 384, 64, 1, 1),
        ("MobileNetV2 1x1", 7, 320, 1280, 1, 1),
        ("MobileNetV2 depthwise", 112, 96, 0, 3, 2),
        ("MobileNetV2 depthwise", 56, 144, 0, 3, 1),
        ("MobileNetV2 depthwise", 14, 384, 0, 3, 1),
        ("MobileNetV3 depthwise", 28, 120, 0, 5, 1),
        ("SqueezeNet expand", 55, 16, 64, 3, 1),
        ("SqueezeNet expand", 13, 64, 256, 3, 1),
        ("ResNet downsample", 56, 64, 128, 3, 2),
        ("ResNet shortcut", 56, 64, 128, 1, 2),
        ("LeNet", 28, 1, 6, 5, 1),
        ("LeNet", 14, 6, 16, 5, 1),
    ];

    public static int Run(ReadOnlySpan<string> args)
    {
        int threads = 1, rounds = 10, batch = 8;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--threads") threads = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--batch") batch = int.Parse(args[++i], CultureInfo.InvariantCulture);
        }

        Console.WriteLine($"{CpuFeatures.Description}, {threads} thread(s), batch {batch}, {rounds} rounds; shortest times");
        Console.WriteLine($"{"layer",-44} {"forward",20} {"input gradient",28} {"filter gradient",28}");
        foreach ((string name, int side, int inputs, int outputs, int kernel, int stride) in Layers)
        {
            bool depthwise = outputs == 0;
            int cOut = depthwise ? inputs : outputs;
            Window2d window = new(kernel, kernel, stride, stride, 1, 1, Window2d.Same(side, side, kernel, kernel, stride, stride));
            Shape x = new(batch, side, side, inputs), filter = depthwise ? new(1, kernel, kernel, cOut) : new(cOut, kernel, kernel, inputs);
            Shape y = new(batch, window.OutputH(side), window.OutputW(side), cOut);
            Conv2dGradientAttributes attributes = new(window, side, side, depthwise ? inputs : 1);
            (Op Op, OpAttributes Attributes, Shape A, Shape B)[] nodes =
            [
                depthwise ? (OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(window), x, filter) : (OpCatalog.Conv2d, (OpAttributes)new Conv2dAttributes(window), x, filter),
                (depthwise ? OpCatalog.DepthwiseConv2dInputGradient : OpCatalog.Conv2dInputGradient, attributes, y, filter),
                (depthwise ? OpCatalog.DepthwiseConv2dFilterGradient : OpCatalog.Conv2dFilterGradient, attributes, x, y),
            ];
            Executable[] executables = Array.ConvertAll(nodes, node => Compile(node.Op, node.Attributes, node.A, node.B, threads));
            double[] seconds = Measure(executables, rounds);
            double flops = 2.0 * executables[0].Graph.Nodes[0].Op.Cost(executables[0].Graph.Nodes[0]).MultiplyAdds;
            foreach (Executable executable in executables) executable.Dispose();
            string layer = $"{name} {side}x{side} {inputs}->{cOut} k{kernel} s{stride}";
            string gradients = string.Concat(seconds.Skip(1).Select(s => string.Create(CultureInfo.InvariantCulture, $" {s * 1e3,8:F2} ms {flops / s * 1e-9,6:F1} {s / seconds[0],5:F2}x    ")));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{layer,-44} {seconds[0] * 1e3,8:F2} ms {flops / seconds[0] * 1e-9,6:F1} {gradients}"));
        }

        return 0;
    }

    private static Executable Compile(Op op, OpAttributes attributes, Shape a, Shape b, int threads)
    {
        GraphBuilder builder = new();
        Value first = builder.Input("a", new TensorType(DType.F32, a)), second = builder.Input("b", new TensorType(DType.F32, b));
        Graph graph = builder.Build(builder.Add(op, [first, second], attributes));
        Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = threads });
        Random random = new(1);
        for (int i = 0; i < 2; i++)
        {
            foreach (ref float value in executable.Input(i)) value = random.NextSingle() - 0.5f;
        }

        return executable;
    }

    private static double[] Measure(Executable[] executables, int rounds)
    {
        double[] best = new double[executables.Length];
        Array.Fill(best, double.PositiveInfinity);
        for (int round = -2; round < rounds; round++)
        {
            for (int i = 0; i < best.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                executables[i].Run();
                if (round >= 0) best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        return best;
    }
}
