using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// The kernels of a training step or an inference: the time and the rate of each kind of node, or of each node. A study sums them up by what they do instead.
/// </summary>
internal sealed class ProfileTool
{
    private string _device = "cpu", _policy = "all", _type = StudyExperiment.Float, _settings = "";
    private int _batch = 8, _threads = 1, _rounds = 20, _size, _bare;
    private bool _all;

    public static int Run(ReadOnlySpan<string> args) => new ProfileTool().RunAll(args);

    private int RunAll(ReadOnlySpan<string> args)
    {
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--inference") _policy = StudyExperiment.Inference;
            else if (args[i] == "--all") _all = true;
            else if (args[i] == "--device") _device = args[++i];
            else if (args[i] == "--update") _policy = args[++i];
            else if (args[i] == "--settings") _settings = args[++i];
            else if (args[i] == "--batch") _batch = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--threads") _threads = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--rounds") _rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") _size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--type") _type = args[++i];
            else if (args[i] == "--bare") _bare = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i].StartsWith("--", StringComparison.Ordinal)) throw new ThomasException($"There is no option '{args[i]}'.");
            else names.Add(args[i]);
        }

        if (!StudyDevice.IsKnown(_device)) throw new ThomasException($"There is no device '{_device}'.");
        StudyDevice device = StudyDevice.Of(_device, _threads, _type, _settings);
        CompileOptions compile = device.Compile(cache: null);
        if (HybridSplit.IsAsked(compile)) throw new ThomasException("Kernels of two devices run beside each other: profile each alone.");
        foreach (string name in names)
        {
            Model model = Networks.Load(name, _size);
            if (_bare > 0) RunBare(model, device, compile);
            else Profile(name, model, device, compile);
        }

        return 0;
    }

    /// <summary>So many runs and nothing else, for tools that count instructions from outside.</summary>
    private void RunBare(Model model, StudyDevice device, CompileOptions compile)
    {
        using KernelWork work = KernelWork.Create(model, _policy, _batch, device, compile);
        for (int run = 0; run < _bare; run++) work.Run();
    }

    private void Profile(string name, Model model, StudyDevice device, CompileOptions compile)
    {
        long begin = Stopwatch.GetTimestamp();
        using KernelWork plain = KernelWork.Create(model, _policy, _batch, device, compile);
        double compiled = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        using KernelWork timed = device.IsHost ? plain : KernelWork.Create(model, _policy, _batch, device, KernelWork.WithClocks(compile));
        double[] whole = new double[_rounds], peaks = new double[_rounds];
        double[][] kernels = new double[_rounds][];
        for (int round = -3; round < _rounds; round++)
        {
            double peak = Networks.Peak.GigaflopsPerSecond(device.Threads);
            begin = Stopwatch.GetTimestamp();
            plain.Run();
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            double[] row = new double[timed.Executable.Kernels.Count];
            timed.RunTimed(row);
            if (round >= 0) (whole[round], peaks[round], kernels[round]) = (seconds, peak, row);
        }

        Executable executable = timed.Executable;
        double median = SampleStatistics.Median(whole), rate = 2e-9 * executable.Graph.Cost.MultiplyAdds / median;
        string beside = device.IsHost
            ? string.Create(CultureInfo.InvariantCulture, $"{rate / SampleStatistics.Median(peaks):P0} of the machine's")
            : $"{executable.Calls} launches";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}, {_policy}, batch {_batch}, {Describe(device, compile)}: {median * 1e3:F3} ms ({whole.Min() * 1e3:F3} at least), {rate:F0} GFLOP/s, "
            + $"{beside}; compiled in {compiled:F2} s"));
        Print(executable, [.. Enumerable.Range(0, executable.Kernels.Count).Select(k => SampleStatistics.Median([.. kernels.Select(row => row[k])]))]);
    }

    private static string Describe(StudyDevice device, CompileOptions compile)
    {
        if (device.IsHost) return string.Create(CultureInfo.InvariantCulture, $"{device.Name}, {device.Threads} thread(s), {Machine.Tier}");
        OpenClDevice opened = OpenClDevice.Open(compile);
        return $"{device.Name} {opened.Info.Name}, driver {opened.Info.Driver}";
    }

    private void Print(Executable executable, double[] seconds)
    {
        List<(Node Node, string Kernel, double Ms)> nodes = [];
        foreach (Node node in executable.Graph.Nodes)
        {
            if (!node.Op.IsView(node) || node.Inputs[0].IsConstant) nodes.Add((node, executable.Kernels[nodes.Count], seconds[nodes.Count] * 1e3));
        }

        if (_all)
        {
            foreach ((Node node, string kernel, double ms) in nodes)
            {
                string shapes = string.Join(" ", node.Inputs.Where(v => v.Shape.Rank > 1).Select(v => v.Shape.ToString()));
                Console.WriteLine($"{Rates(ms, node.Cost.MultiplyAdds, node.Cost.Bytes)} {KindOf(node, kernel)} {shapes} -> {node.Output.Shape}");
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {nodes.Sum(n => n.Ms):F3} ms in {nodes.Count} kernels"));
        foreach (IGrouping<string, (Node Node, string Kernel, double Ms)> kind in nodes.GroupBy(n => KindOf(n.Node, n.Kernel)).OrderByDescending(
            group => group.Sum(n => n.Ms)))
        {
            string rates = Rates(kind.Sum(n => n.Ms), kind.Sum(n => n.Node.Cost.MultiplyAdds), kind.Sum(n => n.Node.Cost.Bytes));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rates} {kind.Count(),4} x {kind.Key}"));
        }
    }

    /// <summary>Stage, operator and kernel; the kernels of a device are named after their operators.</summary>
    private static string KindOf(Node node, string kernel) =>
        $"{node.Stage,-9} {node.Op.Name}{(kernel.EndsWith("__opencl", StringComparison.Ordinal) ? "" : $" {kernel}")}";

    private static string Rates(double ms, long multiplyAdds, long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"  {ms,9:F4} ms {2e-6 * multiplyAdds / ms,8:F1} GFLOP/s {1e-6 * bytes / ms,7:F1} GB/s");
}
