using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>
/// Inference of one image or several at a time: Thomas, a peer and the machine's own multiply-adds take turns; medians and their ratios are printed. The peer
/// is Thomas without some compile passes if such are named, else ONNX Runtime, which takes one image of an ONNX file.
/// </summary>
internal static class InferenceBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        int[] threads = [1];
        int rounds = 50, size = 0, batch = 1;
        bool profile = false, spins = true;
        List<string> passesOff = [];
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--threads") threads = Networks.Numbers(args[++i]);
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--batch") batch = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--without") passesOff.Add(args[++i]);
            else if (args[i] == "--profile") profile = true;
            else if (args[i] == "--peer-sleeps") spins = false;
            else names.Add(args[i]);
        }

        Console.WriteLine($"{CpuFeatures.Description}, batch {batch}, {rounds} rounds; milliseconds: median (minimum)");
        Console.WriteLine(
            $"{"model",-36} {"threads",7} {"Thomas",16} {(passesOff.Count > 0 ? "without passes" : "ONNX Runtime"),16} {"ratio",7} {"difference",10}  of "
            + $"the machine's multiply-adds");
        foreach (string name in names) Compare(name, Networks.Load(name, size), batch, passesOff, threads, rounds, profile, spins);
        return 0;
    }

    private static void Compare(string name, Model model, int batch, List<string> passesOff, int[] threads, int rounds, bool profile, bool spins)
    {
        float[] image = Noise(model.Graph.Inputs[0].Shape.ElementCount * batch);
        Executable[] executables = [.. threads.Select(t => Compile(t, []))];
        IPeer?[] peers = [.. threads.Select(t => (IPeer?)(
            passesOff.Count > 0 ? new OwnPeer(Compile(t, passesOff), image)
            : Networks.IsArchitecture(name) || batch > 1 ? null
            : new OnnxPeer(name, model, image, t, spins)))];
        Executable Compile(int t, List<string> without) => Executable.Compile(model.Graph, batch, new CompileOptions { Threads = t, PassesOff = without });
        double[][] own = [.. threads.Select(_ => new double[rounds])], peer = [.. threads.Select(_ => new double[rounds])];
        double[][] steps = [.. executables.Select(e => new double[e.Kernels.Count])];
        double[][] peaks = [.. threads.Select(_ => new double[rounds])];
        double[] peak = new double[threads.Length];
        float[] difference = new float[threads.Length];
        for (int round = -10; round < rounds; round++)
        {
            for (int t = 0; t < threads.Length; t++)
            {
                double gigaflops = Networks.Peak.GigaflopsPerSecond(threads[t]);
                if (round >= 0) peaks[t][round] = gigaflops;
                long start = Stopwatch.GetTimestamp();
                image.CopyTo(executables[t].Input());
                if (profile && round >= 0) executables[t].RunTimed(steps[t]);
                else executables[t].Run();
                if (round >= 0) own[t][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (peers[t] is not IPeer other) continue;
                start = Stopwatch.GetTimestamp();
                other.Run();
                if (round >= 0) peer[t][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                else difference[t] = LargestDifference(executables[t].Output(), other.Output);
            }
        }

        for (int t = 0; t < threads.Length; t++)
        {
            Array.Sort(own[t]);
            Array.Sort(peer[t]);
            Array.Sort(peaks[t]);
            peak[t] = peaks[t][rounds / 2];
            double median = own[t][rounds / 2], flops = 2.0 * executables[t].Graph.Cost.MultiplyAdds;
            string beside = peers[t] is null ? $"{"",16} {"",7} {"",10}" : string.Create(
                CultureInfo.InvariantCulture,
                $"{peer[t][rounds / 2],8:F2} {$"({peer[t][0].ToString("F2", CultureInfo.InvariantCulture)})",-7} {median / peer[t][rounds / 2],7:F2} "
                + $"{difference[t],10:E1}");
            string scaling = t == 0 ? "" : string.Create(
                CultureInfo.InvariantCulture,
                $"; {own[0][rounds / 2] / median:F2} times as fast as {threads[0]} thread(s), where the machine gives {peak[t] / peak[0]:F2}");
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(name),-36} {threads[t],7} {median,8:F2} {$"({own[t][0].ToString("F2", CultureInfo.InvariantCulture)})",-7} {beside}  "
                + $"{1e-6 * flops / median / peak[t]:P0} of {peak[t]:F0} GFLOP/s{scaling}"));
            if (profile) PrintProfile(executables[t], steps[t], rounds);
            executables[t].Dispose();
            peers[t]?.Dispose();
        }
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
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {ms,7:F3} ms {gigaflops,6:F1} GFLOP/s {executable.Kernels[step],-34} {node.Op.Name} {shapes} -> {node.Output.Shape}"));
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
}
