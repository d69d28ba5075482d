using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Autodiff;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// What a training step takes of memory and time, beside what its plan promised: one plan a process, because the peak of a process never falls.
/// </summary>
internal static class MemoryBenchmark
{
    private const double MiB = 1 << 20;

    public static int Run(ReadOnlySpan<string> args)
    {
        TrainingPlanOptions options = new() { Batch = 8 };
        int steps = 3;
        for (int i = 1; i + 1 < args.Length; i += 2)
        {
            string value = args[i + 1];
            options = args[i] switch
            {
                "--batch" => options with { Batch = int.Parse(value, CultureInfo.InvariantCulture) },
                "--memory" when ByteSize.TryParse(value, out long bytes) => options with { MemoryBytes = bytes },
                "--update" when UpdatePolicy.TryParse(value, out UpdatePolicy policy) => options with { Policy = policy },
                "--threads" => options with { Compile = new CompileOptions { Threads = int.Parse(value, CultureInfo.InvariantCulture) } },
                _ => throw new ArgumentException($"unknown option {args[i]} {value}"),
            };
        }

        double start = Peak();
        Model model = Model.Load(args[0]);
        double loaded = Peak();
        long clock = Stopwatch.GetTimestamp();
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        double planning = Stopwatch.GetElapsedTime(clock).TotalSeconds, planned = Peak();
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        double best = double.PositiveInfinity;
        for (int step = 1; step <= steps; step++)
        {
            clock = Stopwatch.GetTimestamp();
            program.Begin(step, 0.001f);
            for (int run = 0; run < plan.Runs; run++) program.Run();
            program.End();
            best = Math.Min(best, Stopwatch.GetElapsedTime(clock).TotalSeconds);
        }

        double trained = Peak();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Policy} batch {options.Batch} = {plan.Runs} x {plan.MicroBatch}, {plan.Recomputed.Count} values recomputed, {program.Step.Threads} "
            + $"threads, {Machine.Tier}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"plan        {plan.Memory.Total / MiB,8:F1} MiB, made in {planning * 1000:F0} ms"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"process     {trained / MiB,8:F1} MiB at its peak; {start / MiB:F1} at start, {loaded / MiB:F1} with the model, {planned / MiB:F1} after "
            + $"planning: {(trained - plan.Memory.Total) / MiB:F1} more than the plan, {plan.Memory.ModelCopy / MiB:F1} of it the model's own weights"));
        double predicted = plan.Seconds(MachineRates.Measure(options.Compile.Threads));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"step        {best * 1000,8:F1} ms at best of {steps}; predicted {predicted * 1000:F1} ms by measured rates, "
            + $"{plan.Seconds(CostModel.Nominal) * 1000:F1} by nominal ones"));
        return 0;
    }

    /// <summary>The largest resident set of this process so far.</summary>
    private static double Peak()
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
            {
                return 1024 * double.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }
}
