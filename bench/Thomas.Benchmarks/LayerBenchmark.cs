using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// Every different layer of stock networks, each alone: its rate, as a share of the multiply-adds that the machine gives in registers, and its time beside the
/// roof, which is the time of its arithmetic at that rate or of its bytes at the streaming rate of a working set of that size, whichever is longer. With
/// gradients, those of a full training step too, as its passes leave them.
/// </summary>
internal sealed class LayerBenchmark
{
    private const double SecondsEach = 0.25;

    private int _rounds = 20;
    private bool _all;
    private TrainingPlanOptions _step = new() { Batch = 1 };
    private double _peak;

    public static int Run(ReadOnlySpan<string> args) => new LayerBenchmark().RunAll(args);

    private int RunAll(ReadOnlySpan<string> args)
    {
        int size = 0;
        int[] threads = [1];
        bool gradients = false;
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--threads") threads = Networks.Numbers(args[++i]);
            else if (args[i] == "--rounds") _rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--batch") _step = _step with { Batch = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--live-batch-norm") _step = _step with { BatchNorm = BatchNormMode.Live };
            else if (args[i] == "--gradients") gradients = true;
            else if (args[i] == "--all") _all = true;
            else names.Add(args[i]);
        }

        if (names.Count == 0) names.AddRange(ArchitectureCatalog.All.Select(a => a.Name));
        foreach (int count in threads)
        {
            using ThreadTeam team = new(count);
            using Streams streams = new(team);
            CompileOptions options = new() { Threads = count };
            Console.WriteLine($"{CpuFeatures.Description}, {count} thread(s), batch {_step.Batch}; the shortest of up to {_rounds} runs");
            foreach (string name in names)
            {
                Model model = Networks.Load(name, size);
                Graph inference = CompiledGraph.Create(Rebatch.Run(model.Graph, _step.Batch), options).Graph;
                Print($"{name}, layers", inference.Nodes, team, streams);
                if (!gradients) continue;
                TrainingPlan plan = TrainingPlanner.Plan(model, _step with { Compile = options });
                Print($"{name}, gradients", plan.CompiledStep.Graph.Nodes.Where(n => n.Stage == Stage.Backward), team, streams);
            }
        }

        return 0;
    }

    /// <summary>Counts equal nodes, measures one of each, prints a line for each and the sum for all.</summary>
    private void Print(string title, IEnumerable<Node> nodes, ThreadTeam team, Streams streams)
    {
        Console.WriteLine($"{title,-74} {"count",5} {"ms",8} {"GFLOP/s",8} {"of peak",8} {"GB/s",6} {"roof ms",8} {"of roof",8}  kernel");
        double sum = 0, roofs = 0, flops = 0;
        long bytes = 0;
        foreach (IGrouping<(Op Op, OpAttributes Attributes, string Operands), Node> layer in nodes.Where(IsMeasured).GroupBy(
            n => (n.Op, n.Attributes, Operands(n))))
        {
            Node node = layer.First();
            double seconds = Measure(node, team, out string kernel);
            OpCost cost = node.Cost;
            long written = node.Outputs.Sum(o => o.Type.SizeBytes);
            double roof = Math.Max(2e-9 * cost.MultiplyAdds / _peak, streams.Seconds(cost.Bytes - written, written));
            int count = layer.Count();
            sum += count * seconds;
            roofs += count * roof;
            flops += 2.0 * count * cost.MultiplyAdds;
            bytes += count * cost.Bytes;
            PrintLine(Describe(node), count, seconds, 2.0 * cost.MultiplyAdds, cost.Bytes, roof, kernel);
        }

        PrintLine("all of them", 1, sum, flops, bytes, roofs, string.Create(CultureInfo.InvariantCulture, $"peak {_peak:F0} GFLOP/s"));
    }

    private void PrintLine(string text, int count, double seconds, double flops, double bytes, double roof, string kernel) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{text,-74} {count,5} {seconds * 1e3,8:F3} {1e-9 * flops / seconds,8:F1} {1e-9 * flops / seconds / _peak,8:P0} {1e-9 * bytes / seconds,6:F1} "
        + $"{roof * 1e3,8:F3} {roof / seconds,8:P0}  {kernel}"));

    /// <summary>Layers that multiply and add, or all. Views take no time; updates need the variables of a step.</summary>
    private bool IsMeasured(Node node) =>
        (_all || node.Cost.MultiplyAdds > 0) && !node.Op.IsView(node) && Enumerable.Range(0, node.Outputs.Count).All(k => node.Op.UpdatedInput(k) < 0);

    private static string Operands(Node node) => string.Join(' ', node.Inputs.Select(v => (v.IsConstant ? "constant " : "") + v.Type));

    private static string Describe(Node node)
    {
        Window2d? window = node.Attributes switch
        {
            Conv2dAttributes a => a.Window,
            DepthwiseConv2dAttributes a => a.Window,
            Conv2dGradientAttributes a => a.Window,
            DepthwiseConv2dGradientAttributes a => a.Window,
            _ => null,
        };
        string kernel = window is Window2d w ? $" {w.KernelH}x{w.KernelW}/{w.StrideH}" : "";
        string operands = string.Join(' ', node.Inputs.Where(v => !v.IsConstant && v.Shape.Rank > 1).Select(v => v.Shape));
        return $"  {node.Op.Name}{kernel} {operands} -> {node.Output.Shape}";
    }

    private double Measure(Node node, ThreadTeam team, out string kernel)
    {
        GraphBuilder builder = new();
        Value[] operands = [.. node.Inputs.Select((v, i) => v.Constant is TensorData data ? builder.Constant($"c{i}", data) : builder.Input($"x{i}", v.Type))];
        Graph graph = builder.Build([.. builder.AddNode(node.Op, operands, node.Attributes).Outputs]);
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { PassesOff = [.. CompilePasses.All.Select(p => p.Name)] }, team: team);
        Random random = new(1);
        for (int i = 0; i < graph.Inputs.Count; i++)
        {
            foreach (ref float value in executable.Input(i)) value = random.NextSingle();
        }

        kernel = executable.Kernels[0];
        double best = double.PositiveInfinity;
        long begin = Stopwatch.GetTimestamp();
        for (int round = -2; round < _rounds && (round < 1 || Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsEach); round++)
        {
            if (round % 8 == 0) _peak = Math.Max(_peak, Networks.Peak.GigaflopsPerSecond(team.Threads));
            long start = Stopwatch.GetTimestamp();
            executable.Run();
            if (round >= 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
