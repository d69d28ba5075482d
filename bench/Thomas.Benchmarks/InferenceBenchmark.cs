using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.OnnxRuntime;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>Inference of one picture: Thomas and ONNX Runtime take turns; the medians and their ratio are printed.</summary>
internal static class InferenceBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        int threads = 1, rounds = 50;
        bool profile = false, spins = true;
        List<string> models = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--threads") threads = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--profile") profile = true;
            else if (args[i] == "--peer-sleeps") spins = false;
            else models.Add(args[i]);
        }

        Console.WriteLine($"{CpuFeatures.Description}, {threads} thread(s), batch 1, {rounds} rounds; milliseconds: median (minimum)");
        Console.WriteLine($"{"model",-36} {"Thomas",16} {"ONNX Runtime",16} {"ratio",7} {"largest difference",20}");
        foreach (string model in models) Compare(model, threads, rounds, profile, spins);
        return 0;
    }

    private static void Compare(string path, int threads, int rounds, bool profile, bool spins)
    {
        Model model = Model.Load(path);
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = threads });
        using SessionOptions options = new() { IntraOpNumThreads = threads, InterOpNumThreads = 1 };

        // By default the peer's threads spin for tens of milliseconds after its turn, on the cores that ours then want.
        if (!spins) options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        using InferenceSession session = new(path, options);
        Shape shape = model.Graph.Inputs[0].Shape;
        float[] nhwc = Noise(shape.ElementCount);
        (float[] picture, long[] dims) = model.Info.InputLayout == PictureLayout.Nchw ? ToNchw(nhwc, shape) : (nhwc, [shape[0], shape[1], shape[2], shape[3]]);
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(picture, dims);
        string[] inputNames = [session.InputNames[0]], outputNames = [session.OutputNames[0]];
        using RunOptions runOptions = new();

        double[] own = new double[rounds], peer = new double[rounds], steps = new double[executable.Kernels.Count];
        float difference = 0;
        for (int round = -10; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            nhwc.CopyTo(executable.Input());
            if (profile && round >= 0) executable.RunTimed(steps);
            else executable.Run();
            double ownMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

            start = Stopwatch.GetTimestamp();
            using IDisposableReadOnlyCollection<OrtValue> results = session.Run(runOptions, inputNames, [input], outputNames);
            double peerMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (round < 0)
            {
                difference = LargestDifference(executable.Output(), results[0].GetTensorDataAsSpan<float>());
                continue;
            }

            own[round] = ownMs;
            peer[round] = peerMs;
        }

        Array.Sort(own);
        Array.Sort(peer);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(path),-36} {own[rounds / 2],8:F2} ({own[0]:F2}) {peer[rounds / 2],8:F2} ({peer[0]:F2}) {own[rounds / 2] / peer[rounds / 2],7:F2} {difference,16:E1}"));
        if (profile) PrintProfile(executable, steps, rounds);
    }

    private static void PrintProfile(Executable executable, double[] steps, int rounds)
    {
        int step = 0;
        foreach (Node node in executable.Graph.Nodes)
        {
            if (node.Op.IsView(node) && !node.Inputs[0].IsConstant) continue;
            double ms = steps[step] / rounds * 1e3;
            double gigaflops = 2e-6 * node.Op.Cost(node).MultiplyAdds / ms;
            string shapes = string.Join(" ", node.Inputs.Where(v => !v.IsConstant || v.Shape.Rank > 1).Select(v => v.Shape.ToString()));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {ms,7:F3} ms {gigaflops,6:F1} GFLOP/s {executable.Kernels[step],-34} {node.Op.Name} {shapes} -> {node.Output.Shape}"));
            step++;
        }
    }

    private static float LargestDifference(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float largest = 0;
        for (int i = 0; i < a.Length; i++) largest = Math.Max(largest, Math.Abs(a[i] - b[i]));
        return largest;
    }

    private static float[] Noise(int count)
    {
        float[] values = new float[count];
        uint state = 1;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525u) + 1013904223u;
            values[i] = ((state >> 8) / 8388608f) - 1;
        }

        return values;
    }

    private static (float[] Values, long[] Dims) ToNchw(float[] nhwc, Shape shape)
    {
        int h = shape[1], w = shape[2], c = shape[3];
        float[] result = new float[nhwc.Length];
        for (int i = 0; i < result.Length; i++) result[((i % c) * h * w) + (i / c)] = nhwc[i];
        return (result, [1, c, h, w]);
    }
}
