using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// An OpenCL device: training steps, inference and matrix products, and with <c>--profile</c> the time that the device gives for each kernel.
/// <c>check</c> compares the losses of steps with those of the CPU; <c>drift</c> makes many steps and looks at losses and memory; <c>hybrid</c> compares
/// steps on the CPU, the device, and both; <c>feed</c> compares the ways by which batches go to the device.
/// </summary>
internal static class DeviceBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        string what = args[0];
        TrainingPlanOptions options = new() { Batch = 8 };
        CompileOptions compile = new() { Device = DeviceKind.OpenCl };
        int rounds = 20, size = 0, all = 0;
        float rate = 1e-2f;
        bool profile = false;
        List<string> names = [];
        for (int i = 1; i < args.Length; i++)
        {
            if (args[i] == "--profile") profile = true;
            else if (args[i] == "--profile-all") (profile, all) = (true, int.Parse(args[++i], CultureInfo.InvariantCulture));
            else if (args[i] == "--batch") options = options with { Batch = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--memory" && ByteSize.TryParse(args[i + 1], out long bytes))
            {
                options = options with { MemoryBytes = bytes };
                i++;
            }
            else if (args[i] == "--live-batch-norm") options = options with { BatchNorm = BatchNormMode.Live };
            else if (args[i] == "--update" && UpdatePolicy.TryParse(args[++i], out UpdatePolicy policy)) options = options with { Policy = policy };
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--device") compile = compile with { DeviceNumber = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--settings") compile = compile with { DeviceSettings = args[++i] };
            else if (args[i] == "--cache") compile = compile with { DeviceCache = args[++i] };
            else if (args[i] == "--threads") compile = compile with { Threads = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--share") compile = compile with { DeviceShare = double.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--rate") rate = float.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--adam") options = options with { Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW } };
            else names.Add(args[i]);
        }

        if (profile) compile = compile with { DeviceSettings = $"{compile.DeviceSettings} profiling" };
        options = options with { Compile = compile };
        OpenClDevice device = OpenClDevice.Open(compile);
        Console.WriteLine($"{device.Name} {device.Info.Name}, driver {device.Info.Driver}, {device.Limits}, {rounds} rounds; milliseconds: median (minimum)");
        foreach (string name in names)
        {
            switch (what)
            {
                case "steps": Steps(name, Networks.Load(name, size), options, device, rounds, profile, all); break;
                case "hybrid": Hybrid(name, Networks.Load(name, size), options, rounds); break;
                case "check": Check(name, Networks.Load(name, size), options, rounds, rate); break;
                case "drift": Drift(name, Networks.Load(name, size), options, device, rounds, rate); break;
                case "inference": Inference(name, Networks.Load(name, size), options.Batch, compile, rounds, profile, all); break;
                case "feed": Feed(name, Networks.Load(name, size), options, rounds); break;
                case "product": Product(name, compile, rounds); break;
                default: throw new ArgumentException($"There is no measurement '{what}'.");
            }
        }

        return 0;
    }

    private static void Steps(string name, Model model, TrainingPlanOptions options, OpenClDevice device, int rounds, bool profile, int all)
    {
        long begin = Stopwatch.GetTimestamp();
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        using VariableStore store = new(plan.Graph.Variables, device);
        using StepProgram program = new(plan, store);
        double compiled = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        StepBenchmark.Fill(program);
        double[] ms = new double[rounds];
        double[] kernels = new double[program.Step.Kernels.Count];
        double first = 0;
        for (int round = -3; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            program.Begin(round + 4, 1e-4f);
            if (profile && round >= 0) program.Step.RunTimed(kernels);
            else program.Run();
            program.End();
            device.Finish();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (round >= 0) ms[round] = elapsed;
            else if (round == -3) first = elapsed;
        }

        Array.Sort(ms);
        OpCost cost = program.Step.Graph.Cost;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name} step, batch {options.Batch}: {ms[rounds / 2]:F3} ({ms[0]:F3}); {2e-6 * cost.MultiplyAdds / ms[rounds / 2]:F0} GFLOP/s; "
            + $"{program.Step.Calls} launches, {Elsewhere(program.Step)} nodes elsewhere"
            + $"; arena and variables {device.Bytes >> 20} MiB; compiled in {compiled:F2} s, first step {first:F0}"));
        if (profile) Print(program.Step, kernels, rounds, all);
    }

    /// <summary>
    /// Steps on the CPU, on the device, and split between both; then each part by itself, so that what the split loses shows: the longer part and the exchange.
    /// They take turns, so that a busy moment of the machine hits all of them.
    /// </summary>
    private static void Hybrid(string name, Model model, TrainingPlanOptions options, int rounds)
    {
        CompileOptions device = options.Compile, cpu = device with { Device = DeviceKind.Cpu, DeviceNumber = null };
        double[] alone = Medians((cpu, options.Batch), (device, options.Batch));
        double share = device.DeviceShare ?? HybridSplit.ShareOf(alone[0], alone[1]);
        int first = HybridSplit.DeviceRows(options.Batch, share);
        double[] ms = Medians(
            (cpu, options.Batch), (device, options.Batch), (device with { Device = DeviceKind.Hybrid, DeviceShare = share }, options.Batch), (device, first),
            (cpu, options.Batch - first));
        double faster = Math.Min(ms[0], ms[1]), ideal = 1 / ((1 / ms[0]) + (1 / ms[1]));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name} step, batch {options.Batch}: cpu {ms[0]:F3}, device {ms[1]:F3}, hybrid {ms[2]:F3} ({first} + {options.Batch - first} images): "
            + $"{faster / ms[2]:F2} times the faster alone, {faster / ideal:F2} if nothing were lost"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  parts alone: device {ms[3]:F3}, cpu {ms[4]:F3}; beyond the longer part {ms[2] - Math.Max(ms[3], ms[4]):F3} (exchange of gradients and "
            + $"weights, and what the parts take from each other)"));

        double[] Medians(params (CompileOptions Compile, int Batch)[] work)
        {
            TrainingTrial[] trials = [.. work.Select(one => new TrainingTrial(model, options with { Compile = one.Compile, Batch = one.Batch }))];
            double[][] times = [.. work.Select(_ => new double[rounds])];
            for (int round = -3; round < rounds; round++)
            {
                for (int i = 0; i < trials.Length; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    trials[i].Run();
                    if (round >= 0) times[i][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                }
            }

            foreach (TrainingTrial trial in trials) trial.Dispose();
            foreach (double[] one in times) Array.Sort(one);
            return [.. times.Select(one => one[rounds / 2])];
        }
    }

    /// <summary>
    /// Training steps and runs of inference, each with a batch of its own, by every way that batches can go to the device. They take turns, so that a busy
    /// moment of the machine hits all of them.
    /// </summary>
    private static void Feed(string name, Model model, TrainingPlanOptions options, int rounds)
    {
        const int Batches = 4;
        string[] ways = ["upload=inline transfer=copy", "upload=inline transfer=map", "upload=ahead transfer=copy"];
        CompileOptions[] compiles = [.. ways.Select(way => options.Compile with { DeviceSettings = $"{options.Compile.DeviceSettings} {way}" })];
        TrainingTrial[] trials = [.. compiles.Select(compile => new TrainingTrial(model, options with { Compile = compile }))];
        Executable[] executables = [.. compiles.Select(compile => Executable.Compile(model.Graph, options.Batch, compile))];
        float[] images = new float[executables[0].Graph.Inputs[0].Shape.ElementCount];
        TrainingTrial.FillWithNoise(images);
        double[][] steps = [.. ways.Select(_ => new double[rounds])], inference = [.. ways.Select(_ => new double[rounds])];
        for (int round = -3; round < rounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                trials[i].Run();
                if (round >= 0) steps[i][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                start = Stopwatch.GetTimestamp();
                executables[i].RunAll(0, Batches, (_, input) => images.CopyTo(input), static (_, _) => { });
                if (round >= 0) inference[i][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Batches;
            }
        }

        foreach (TrainingTrial trial in trials) trial.Dispose();
        foreach (Executable executable in executables) executable.Dispose();
        Report("step", steps);
        Report("inference", inference);

        void Report(string what, double[][] times)
        {
            foreach (double[] one in times) Array.Sort(one);
            for (int i = 0; i < ways.Length; i++)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} {what}, batch {options.Batch}, {ways[i]}: {times[i][rounds / 2]:F3} ({times[i][0]:F3}), "
                    + $"{times[i][rounds / 2] / times[0][rounds / 2]:F3} of the first ({times[i][0] / times[0][0]:F3})"));
            }
        }
    }

    private static void Check(string name, Model model, TrainingPlanOptions options, int rounds, float rate)
    {
        TrainingPlanOptions cpu = options with { Compile = new CompileOptions { Threads = options.Compile.Threads } };
        List<float> there = Losses(model, options, rounds, rate), here = Losses(model, cpu, rounds, rate);
        double worst = 0;
        for (int i = 0; i < there.Count; i++) worst = Math.Max(worst, Math.Abs(there[i] - here[i]) / Math.Max(1e-3, Math.Abs(here[i])));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {rounds} losses; largest relative difference {worst:E1}"));
        Console.WriteLine($"  on the CPU {Some(here)}");
        Console.WriteLine($"  there      {Some(there)}");
    }

    /// <summary>Many steps: whether losses fall without a NaN, and whether memory of the process or of the device grows.</summary>
    private static void Drift(string name, Model model, TrainingPlanOptions options, OpenClDevice device, int rounds, float rate)
    {
        const int Warm = 20;
        using Process process = Process.GetCurrentProcess();
        long host = 0, there = 0;
        List<float> losses = Losses(model, options, rounds, rate, step =>
        {
            if (step != Warm) return;
            process.Refresh();
            (host, there) = (process.WorkingSet64, device.Bytes);
        }, () =>
        {
            process.Refresh();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}, batch {options.Batch}: after {Warm} and {rounds} steps process {host >> 20} and {process.WorkingSet64 >> 20} MiB, "
                + $"device {there >> 20} and {device.Bytes >> 20} MiB"));
        });
        Console.WriteLine($"  {losses.Count(loss => !float.IsFinite(loss))} losses are not finite; {Some(losses)}");
    }

    /// <summary>The first loss, the last, and some between them.</summary>
    private static string Some(List<float> losses)
    {
        int[] steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
        return string.Join(", ", steps.Where(step => step < losses.Count).Append(losses.Count).Select(
            step => string.Create(CultureInfo.InvariantCulture, $"{step}: {losses[step - 1]:G6}")));
    }

    private static List<float> Losses(
        Model model, TrainingPlanOptions options, int steps, float rate, Action<int>? afterStep = null, Action? atEnd = null)
    {
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        using VariableStore store = new(plan.Graph.Variables, Device.Of(options.Compile));
        using StepProgram program = new(plan, store);
        List<float> losses = [];
        for (int step = 1; step <= steps; step++)
        {
            StepBenchmark.Fill(program);
            program.Begin(step, rate);
            losses.Add(program.Run());
            program.End();
            afterStep?.Invoke(step);
        }

        atEnd?.Invoke();
        return losses;
    }

    private static void Inference(string name, Model model, int batch, CompileOptions options, int rounds, bool profile, int all)
    {
        long begin = Stopwatch.GetTimestamp();
        using Executable executable = Executable.Compile(model.Graph, batch, options);
        double compiled = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        float[] image = new float[executable.Graph.Inputs[0].Shape.ElementCount], result = new float[executable.Graph.Outputs[0].Shape.ElementCount];
        Random random = new(1);
        foreach (ref float pixel in image.AsSpan()) pixel = (2 * random.NextSingle()) - 1;
        double[] ms = new double[rounds], inside = new double[rounds], kernels = new double[executable.Kernels.Count];
        OpenClDevice device = OpenClDevice.Open(options);
        for (int round = -3; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            executable.Write(0, image);
            if (profile && round >= 0) executable.RunTimed(kernels);
            else executable.Run();
            executable.Read(0, result);
            if (round >= 0) ms[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            start = Stopwatch.GetTimestamp();
            executable.Run();
            device.Finish();
            if (round >= 0) inside[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(ms);
        Array.Sort(inside);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name} inference, batch {batch}: {ms[rounds / 2]:F3} ({ms[0]:F3}), on the device alone {inside[rounds / 2]:F3} ({inside[0]:F3}); "
            + $"{executable.Calls} launches, {Elsewhere(executable)} nodes elsewhere; compiled in {compiled:F2} s"));
        if (profile) Print(executable, kernels, rounds, all);
    }

    private static void Product(string name, CompileOptions options, int rounds)
    {
        int[] sizes = Networks.Numbers(name);
        GraphBuilder builder = new();
        Value a = builder.Input("a", new TensorType(DType.F32, new Shape(sizes[0], sizes[2]))),
            b = builder.Input("b", new TensorType(DType.F32, new Shape(sizes[2], sizes[1])));
        Graph graph = builder.Build(builder.Add(OpCatalog.MatMul, [a, b], new MatMulAttributes()));
        using Executable executable = Executable.CompileAsIs(graph, options);
        OpenClDevice device = OpenClDevice.Open(options);
        double least = double.PositiveInfinity;
        const int Together = 10;
        for (int round = 0; round < rounds; round++)
        {
            device.Finish();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Together; i++) executable.Run();
            device.Finish();
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds / Together);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{sizes[0]} x {sizes[1]} x {sizes[2]}: {least * 1e3:F3} ms, {2e-9 * sizes[0] * sizes[1] * sizes[2] / least:F0} GFLOP/s, {executable.Kernels[0]}"));
    }

    private static int Elsewhere(Executable executable) => executable.Kernels.Count(kernel => !kernel.EndsWith("__opencl", StringComparison.Ordinal));

    private static void Print(Executable executable, double[] seconds, int rounds, int all)
    {
        Dictionary<string, (double Ms, double Flops, double Bytes, int Count)> kinds = [];
        List<(double Ms, string Line)> lines = [];
        double sum = 0;
        int index = 0;
        foreach (Node node in executable.Graph.Nodes)
        {
            if (node.Op.IsView(node) && !node.Inputs[0].IsConstant) continue;
            OpCost cost = node.Op.Cost(node);
            double ms = seconds[index] / rounds * 1e3;
            string kernel = executable.Kernels[index++];
            sum += ms;
            string shapes = string.Join(" ", node.Inputs.Where(v => v.Shape.Rank > 1).Select(v => v.Shape.ToString()));
            lines.Add((ms, string.Create(
                CultureInfo.InvariantCulture,
                $"  {ms,8:F4} ms {2e-6 * cost.MultiplyAdds / ms,7:F0} GFLOP/s {1e-6 * cost.Bytes / ms,6:F0} GB/s {kernel,-40} {node.Op.Name} {shapes} "
                + $"-> {node.Output.Shape}")));
            string kind = kernel.EndsWith("__opencl", StringComparison.Ordinal) ? node.Op.Name : $"{node.Op.Name} on the CPU";
            (double Ms, double Flops, double Bytes, int Count) one = kinds.GetValueOrDefault(kind);
            kinds[kind] = (one.Ms + ms, one.Flops + (2.0 * cost.MultiplyAdds), one.Bytes + cost.Bytes, one.Count + 1);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {sum:F3} ms in kernels"));
        foreach ((string kind, (double ms, double flops, double bytes, int count)) in kinds.OrderByDescending(k => k.Value.Ms))
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture, $"  {ms,8:F3} ms {1e-6 * flops / ms,7:F0} GFLOP/s {1e-6 * bytes / ms,6:F0} GB/s {count,4} x {kind}"));
        foreach ((double _, string line) in lines.OrderByDescending(l => l.Ms).Take(all)) Console.WriteLine(line);
    }
}
