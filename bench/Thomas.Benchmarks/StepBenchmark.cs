using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// Full training steps of models and of architectures with random weights: forward, backward and update. Teams of different sizes and the machine's own
/// scaling, a loop of multiply-adds in registers, take turns.
/// </summary>
internal static class StepBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        TrainingPlanOptions options = new() { Batch = 8 };
        int[] threads = [1, 2];
        int rounds = 10, size = 0, bare = 0;
        bool profile = false, all = false;
        List<string> models = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--profile") profile = true;
            else if (args[i] == "--profile-all") profile = all = true;
            else if (args[i] == "--batch") options = options with { Batch = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--live-batch-norm") options = options with { BatchNorm = BatchNormMode.Live };
            else if (args[i] == "--update" && UpdatePolicy.TryParse(args[++i], out UpdatePolicy policy)) options = options with { Policy = policy };
            else if (args[i] == "--threads") threads = Networks.Numbers(args[++i]);
            else if (args[i] == "--rounds") rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--bare") bare = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else models.Add(args[i]);
        }

        Console.WriteLine($"{CpuFeatures.Description}, '{options.Policy}', batch {options.Batch}, {rounds} rounds; milliseconds of a step: median (minimum)");
        foreach (string name in models)
        {
            if (bare > 0) RunBare(Networks.Load(name, size), options with { Compile = new CompileOptions { Threads = threads[0] } }, bare);
            else Measure(name, Networks.Load(name, size), options, threads, rounds, profile, all);
        }

        return 0;
    }

    /// <summary>So many steps and nothing else, for tools that count instructions from outside.</summary>
    private static void RunBare(Model model, TrainingPlanOptions options, int steps)
    {
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        Fill(program);
        for (int step = 1; step <= steps; step++)
        {
            program.Begin(step, 1e-4f);
            program.Run();
            program.End();
        }
    }

    private static void Measure(string name, Model model, TrainingPlanOptions options, int[] threads, int rounds, bool profile, bool all)
    {
        VariableStore[] stores = new VariableStore[threads.Length];
        StepProgram[] programs = new StepProgram[threads.Length];
        for (int t = 0; t < threads.Length; t++)
        {
            TrainingPlan plan = TrainingPlanner.Plan(model, options with { Compile = new CompileOptions { Threads = threads[t] } });
            stores[t] = new VariableStore(plan.Graph.Variables);
            programs[t] = new StepProgram(plan, stores[t]);
            Fill(programs[t]);
        }

        double[][] ms = [.. threads.Select(_ => new double[rounds])];
        double[][] peaks = [.. threads.Select(_ => new double[rounds])];
        double[] peak = new double[threads.Length];
        double[][,] steps = [.. programs.Select(p => new double[p.Step.Kernels.Count, rounds])];
        double[] once = new double[programs.Max(p => p.Step.Kernels.Count)];
        for (int round = -2; round < rounds; round++)
        {
            for (int t = 0; t < threads.Length; t++)
            {
                double gigaflops = Networks.Peak.GigaflopsPerSecond(threads[t]);
                if (round >= 0) peaks[t][round] = gigaflops;
                long start = Stopwatch.GetTimestamp();
                programs[t].Begin(round + 3, 1e-4f);
                if (profile && round >= 0) RunTimed(programs[t].Step, once, steps[t], round);
                else programs[t].Run();
                programs[t].End();
                if (round >= 0) ms[t][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        for (int t = 0; t < threads.Length; t++)
        {
            Array.Sort(ms[t]);
            Array.Sort(peaks[t]);
            peak[t] = peaks[t][rounds / 2];
            double median = ms[t][rounds / 2];
            OpCost cost = programs[t].Step.Graph.Cost;
            string scaling = t == 0 ? "" : string.Create(
                CultureInfo.InvariantCulture,
                $"; {ms[0][rounds / 2] / median:F2} times as fast as {threads[0]} thread(s), where the machine gives {peak[t] / peak[0]:F2}");
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(name),-36} {threads[t]} thread(s) {median,9:F2} ({ms[t][0]:F2}); {2e-6 * cost.MultiplyAdds / median / peak[t]:P0} of "
                + $"{peak[t]:F0} GFLOP/s{scaling}"));
            if (profile) Print(programs[t].Step, Medians(steps[t]), all);
            programs[t].Dispose();
            stores[t].Dispose();
        }
    }

    /// <summary>Random images and classes.</summary>
    internal static void Fill(StepProgram program)
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

    private static void RunTimed(Executable step, double[] once, double[,] seconds, int round)
    {
        Array.Clear(once);
        step.RunTimed(once);
        for (int kernel = 0; kernel < seconds.GetLength(0); kernel++) seconds[kernel, round] = once[kernel];
    }

    /// <summary>The median of each row.</summary>
    private static double[] Medians(double[,] rows)
    {
        double[] result = new double[rows.GetLength(0)], row = new double[rows.GetLength(1)];
        for (int i = 0; i < result.Length; i++)
        {
            for (int k = 0; k < row.Length; k++) row[k] = rows[i, k];
            Array.Sort(row);
            result[i] = row[row.Length / 2];
        }

        return result;
    }

    private static void Print(Executable step, double[] seconds, bool all)
    {
        Dictionary<string, (double Ms, double Flops, double Bytes, int Count)> kinds = [];
        int index = 0;
        foreach (Node node in step.Graph.Nodes)
        {
            if (node.Op.IsView(node) && !node.Inputs[0].IsConstant) continue;
            OpCost cost = node.Op.Cost(node);
            double ms = seconds[index] * 1e3;
            string kernel = step.Kernels[index++];
            if (all)
            {
                string shapes = string.Join(" ", node.Inputs.Where(v => v.Shape.Rank > 1).Select(v => v.Shape.ToString()));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {ms,8:F3} ms {2e-6 * cost.MultiplyAdds / ms,6:F1} GFLOP/s {1e-6 * cost.Bytes / ms,6:F1} GB/s {node.Stage,-9} {kernel,-34} "
                    + $"{node.Op.Name} {shapes} -> {node.Output.Shape}"));
            }

            string kind = $"{node.Stage,-9} {node.Op.Name} {kernel}";
            (double Ms, double Flops, double Bytes, int Count) sum = kinds.GetValueOrDefault(kind);
            kinds[kind] = (sum.Ms + ms, sum.Flops + (2.0 * cost.MultiplyAdds), sum.Bytes + cost.Bytes, sum.Count + 1);
        }

        foreach ((string kind, (double ms, double flops, double bytes, int count)) in kinds.OrderByDescending(k => k.Value.Ms))
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture, $"  {ms,8:F2} ms {1e-6 * flops / ms,6:F1} GFLOP/s {1e-6 * bytes / ms,6:F1} GB/s {count,4} x {kind}"));
    }
}
