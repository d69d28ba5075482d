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
/// An OpenCL device: <c>check</c> compares the losses of steps with those of the CPU; <c>drift</c> makes many steps and looks at losses and memory;
/// <c>product</c> times matrix products.
/// </summary>
internal static class DeviceBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        string what = args[0];
        TrainingPlanOptions options = new() { Batch = 8 };
        CompileOptions compile = new() { Device = DeviceKind.OpenCl };
        int rounds = 20, size = 0;
        float rate = 1e-2f;
        List<string> names = [];
        for (int i = 1; i < args.Length; i++)
        {
            if (args[i] == "--batch") options = options with { Batch = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--live-batch-norm") options = options with { BatchNorm = BatchNormMode.Live };
            else if (args[i] == "--update" && UpdatePolicy.TryParse(args[++i], out UpdatePolicy policy)) options = options with { Policy = policy };
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--device") compile = compile with { DeviceNumber = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--settings") compile = compile with { DeviceSettings = args[++i] };
            else if (args[i] == "--cache") compile = compile with { DeviceCache = args[++i] };
            else if (args[i] == "--threads") compile = compile with { Threads = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--rate") rate = float.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--adam") options = options with { Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW } };
            else names.Add(args[i]);
        }

        options = options with { Compile = compile };
        OpenClDevice device = OpenClDevice.Open(compile);
        Console.WriteLine($"{device.Name} {device.Info.Name}, driver {device.Info.Driver}, {device.Limits}, {rounds} rounds");
        foreach (string name in names)
        {
            switch (what)
            {
                case "check": Check(name, Networks.Load(name, size), options, rounds, rate); break;
                case "drift": Drift(name, Networks.Load(name, size), options, device, rounds, rate); break;
                case "product": Product(name, compile, rounds); break;
                default: throw new ArgumentException($"There is no measurement '{what}'.");
            }
        }

        return 0;
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
            Fill(program);
            program.Begin(step, rate);
            losses.Add(program.Run());
            program.End();
            afterStep?.Invoke(step);
        }

        atEnd?.Invoke();
        return losses;
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

    /// <summary>Random images and classes.</summary>
    private static void Fill(StepProgram program)
    {
        Random random = new(1);
        BatchSpans inputs = program.Stage([]);
        foreach (ref float pixel in inputs.Inputs) pixel = (2 * random.NextSingle()) - 1;
        int batch = program.Batch, classes = inputs.Targets.Length / batch;
        inputs.Targets.Clear(); // on the CPU the memory was used for other values after they were read
        for (int image = 0; image < batch; image++) inputs.Targets[(image * classes) + random.Next(classes)] = 1;
        inputs.Weights.Fill(1f / batch);
        program.Send();
    }
}
