using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// The ways in which an OpenCL device can compute matrix products: for each product of a network's training step or inference, the time of the default and of
/// the candidates. Shows which estimates of <see cref="ProductTile"/> are wrong.
/// </summary>
internal static class TileBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        TrainingPlanOptions options = new() { Batch = 64, BatchNorm = BatchNormMode.Live };
        CompileOptions compile = new() { Device = DeviceKind.OpenCl };
        int top = 4, most = 60, least = 0, seconds = 500;
        bool inference = false, check = false;
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--inference") inference = true;
            else if (args[i] == "--check") check = true;
            else if (args[i] == "--batch") options = options with { Batch = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--device") compile = compile with { DeviceNumber = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--settings") compile = compile with { DeviceSettings = args[++i] };
            else if (args[i] == "--cache") compile = compile with { DeviceCache = args[++i] };
            else if (args[i] == "--top") top = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--most") most = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--skip") least = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--seconds") seconds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else names.Add(args[i]);
        }

        if (names.Count == 0) names.AddRange(["4096,4096,4096", "64,4096,9216", "mobilenetv2", "alexnet"]);
        OpenClDevice device = OpenClDevice.Open(compile);
        Console.WriteLine($"{device.Name} {device.Info.Name}, driver {device.Info.Driver}, {device.Limits}; milliseconds");
        long end = Stopwatch.GetTimestamp() + (seconds * Stopwatch.Frequency);
        Dictionary<string, int> wins = [];
        foreach (string name in names)
        {
            List<(string Name, Product Product, int Count)> products = name.Contains(',', StringComparison.Ordinal)
                ? Plain(name)
                : Products(name, options with { Compile = compile }, inference, device);
            products.Sort(static (p, q) => Work(q.Count, q.Product).CompareTo(Work(p.Count, p.Product)));
            double usual = 0, best = 0;
            int done = 0;
            products.RemoveRange(0, Math.Min(least, products.Count));
            foreach ((string what, Product product, int count) in products)
            {
                if (Stopwatch.GetTimestamp() > end) break;

                // Programs of the next product are built while this one is measured.
                if (done + 1 < products.Count) Prepare(products[done + 1].Product, device, most);
                (double own, double fastest, string winner) = Measure(what, product, count, device, most, top, check);
                usual += count * own;
                best += count * fastest;
                wins[winner] = wins.GetValueOrDefault(winner) + 1;
                done++;
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name}: {done} of {products.Count} products; all together {usual:F3} by default, {best:F3} at best"));
        }

        Console.WriteLine($"best how often: {string.Join(", ", wins.OrderByDescending(w => w.Value).Select(w => $"{w.Key} {w.Value}"))}");
        return 0;
    }

    private static double Work(int count, Product product) => (double)count * product.M * product.N * product.K;

    /// <summary>A product and the two of its gradients.</summary>
    private static List<(string Name, Product Product, int Count)> Plain(string name)
    {
        int[] s = Networks.Numbers(name);
        (int m, int n, int k) = (s[0], s[1], s[2]);
        return
        [
            ("rows x columns", new Product { M = m, N = n, K = k, FormB = MatrixForm.Columns, LdA = k, LdB = k, LdC = n }, 1),
            ("rows x rows", new Product { M = m, N = k, K = n, LdA = n, LdB = k, LdC = k }, 1),
            ("columns x rows", new Product { M = n, N = k, K = m, FormA = MatrixForm.Columns, LdA = n, LdB = k, LdC = k }, 1),
        ];
    }

    /// <summary>The products of a network, each once, and how often it has each.</summary>
    private static List<(string Name, Product Product, int Count)> Products(string name, TrainingPlanOptions options, bool inference, OpenClDevice device)
    {
        List<(string Name, Product Product)> found = [];
        string node = "";
        OpenClKernelContext context = new(device.Limits, static _ => false)
        {
            Choose = product =>
            {
                found.Add((node, product with { IsConstantB = false }));
                return null;
            },
        };
        foreach (Node one in NodesOf(name, options, inference, device))
        {
            node = one.Op.Name;
            _ = one.Op.CreateOpenClKernel(one, context);
        }

        return [.. found.GroupBy(static p => p).Select(static group => (group.Key.Name, group.Key.Product, group.Count()))];
    }

    private static IReadOnlyList<Node> NodesOf(string name, TrainingPlanOptions options, bool inference, OpenClDevice device)
    {
        Model model = Networks.Load(name);
        if (inference)
        {
            using Executable executable = Executable.Compile(model.Graph, options.Batch, options.Compile);
            return executable.Graph.Nodes;
        }

        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        using VariableStore store = new(plan.Graph.Variables, device);
        using StepProgram program = new(plan, store);
        return program.Step.Graph.Nodes;
    }

    private static (double Usual, double Best, string Winner) Measure(
        string what, Product product, int count, OpenClDevice device, int most, int top, bool check)
    {
        using OpenClProductTrial trial = new(device, product);
        ProductChoice usual = ProductChoice.Default(product, device.Limits);
        IReadOnlyList<ProductChoice> choices = ProductChoice.Candidates(product, device.Limits, most);
        foreach (ProductChoice choice in choices) trial.Prepare(choice);
        double own = trial.Measure(usual, double.PositiveInfinity, 3) ?? double.PositiveInfinity, least = own;
        List<(double Seconds, ProductChoice Choice)> times = [(own, usual)];
        foreach (ProductChoice choice in choices.Where(choice => choice != usual))
        {
            if (trial.Measure(choice, 1.5 * least, 3) is not double seconds) continue;
            times.Add((seconds, choice));
            least = Math.Min(least, seconds);
        }

        // The best once more, beside the default, so that a disturbance is not taken for a difference.
        times = [.. times.OrderBy(static t => t.Seconds)];
        for (int i = 0; i < Math.Min(3, times.Count); i++)
            times[i] = (trial.Measure(times[i].Choice, double.PositiveInfinity, 3) ?? times[i].Seconds, times[i].Choice);
        own = Math.Max(least, Math.Min(own, trial.Measure(usual, double.PositiveInfinity, 3) ?? own));
        times = [.. times.OrderBy(static t => t.Seconds)];
        double flops = 2.0 * product.M * product.N * product.K * product.Count;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} x {what} {Text(product)}: {own * 1e3:F4} by {usual.Name}, {flops / own * 1e-12:F2} TFLOP/s; {choices.Count} others, best "
            + $"{times[0].Seconds / own:P0} of it, {flops / times[0].Seconds * 1e-12:F2} TFLOP/s:"));
        IEnumerable<string> table = times.Take(top).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Choice.Name} {t.Seconds * 1e3:F4}"));
        Console.WriteLine($"    {string.Join("  ", table)}");
        if (check) Check(trial, usual, choices);
        string winner = times[0].Choice.Name;
        return (own * 1e3, Math.Min(own, times[0].Seconds) * 1e3, winner[..winner.LastIndexOf(':')]);
    }

    private static void Prepare(Product product, OpenClDevice device, int most)
    {
        foreach (ProductChoice choice in ProductChoice.Candidates(product, device.Limits, most))
        {
            foreach (OpenClLaunch launch in ProductLaunches.Create("trial", product, choice, device.Limits).Launches) device.Programs.Start(launch.Program);
        }
    }

    /// <summary>Compares results with that of the default.</summary>
    private static void Check(OpenClProductTrial trial, ProductChoice usual, IReadOnlyList<ProductChoice> choices)
    {
        float[] expected = trial.ResultOf(usual)!;
        double size = Math.Sqrt(expected.Sum(static v => (double)v * v) / expected.Length);
        foreach (ProductChoice choice in choices)
        {
            if (trial.ResultOf(choice) is not float[] result) continue;
            double worst = 0;
            for (int i = 0; i < result.Length; i++) worst = Math.Max(worst, Math.Abs((double)result[i] - expected[i]));
            if (!(worst <= 1e-4 * size))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    WRONG: {choice.Name} differs by {worst / size:E1}"));
            }
        }
    }

    private static string Text(Product p) => string.Create(
        CultureInfo.InvariantCulture,
        $"{p.FormA}x{p.FormB} "
        + $"{(p.Count > 1 ? $"{p.Count} of " : "")}{p.M},{p.N},{p.K}{(p.Taps > 1 ? $" {p.Window.KernelH}x{p.Window.KernelW}/{p.Window.StrideH}" : "")}");
}
