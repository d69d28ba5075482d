using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>
/// Where the time of a step goes. Steps with a clock around every kernel and steps without take turns; what the kernels leave of the whole step is the time
/// beside them. An OpenCL device gives the times itself.
/// </summary>
internal sealed class KernelUnit(string experiment, string model, string policy, int batch, StudyDevice device)
    : StudyUnit(experiment, string.Create(CultureInfo.InvariantCulture, $"kernels/{experiment}/{model}/{policy}/{batch}/{device.Key}"))
{
    private const int LeastRounds = 3, MostRounds = 30;
    private const double WarmUpSeconds = 0.3;

    private string Id => CellId.Of(Experiment, "kernels", model, policy, batch, device);

    /// <inheritdoc/>
    public override StudyEntry Run(int visit, StudyContext context, CancellationToken cancellation)
    {
        Model network = context.Sources.Model(model, cancellation);
        CompileOptions compile = device.Compile(context.Cache);
        if (HybridSplit.IsAsked(compile))
        {
            throw new ThomasException("Kernels of two devices run beside each other: profile each alone.");
        }

        using KernelWork plain = Create(network, compile);
        using KernelWork timed = device.IsHost ? plain : Create(network, KernelWork.WithClocks(compile));
        WarmUp(plain, timed, cancellation);
        List<double> whole = [], clocked = [];
        List<double[]> rows = [];
        double budget = context.Plan.SecondsEach, spent = 0;
        for (int round = 0; round < MostRounds && (round < LeastRounds || spent < budget) && (round == 0 || spent < 3 * budget); round++)
        {
            context.Check(cancellation);
            whole.Add(Seconds(plain.Run));
            double[] row = new double[timed.Executable.Kernels.Count];
            clocked.Add(Seconds(() => timed.RunTimed(row)));
            rows.Add(row);
            spent += whole[^1] + clocked[^1];
        }

        double step = SampleStatistics.Median([.. whole]);
        KernelProfile profile = new()
        {
            Id = Id,
            Experiment = Experiment,
            Model = model,
            Policy = policy,
            Device = device.Name,
            Threads = device.Threads,
            Batch = batch,
            Type = device.Type,
            Switches = device.Switches,
            Parts = Parts(timed.Executable, rows, step),
            TimedStepSeconds = SampleStatistics.Median([.. clocked]),
            StepSeconds = step,
        };
        return new StudyEntry { Unit = Key, Visit = visit, Kernels = [profile] };
    }

    private static void WarmUp(KernelWork plain, KernelWork timed, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        double[] unused = new double[timed.Executable.Kernels.Count];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            plain.Run();
            timed.RunTimed(unused);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Times by kind: medians of the sums of a round, and what is left of the step.</summary>
    private static List<KernelKind> Parts(Executable executable, List<double[]> rows, double step)
    {
        Dictionary<Node, string> kinds = KernelKinds.Of(executable.Graph);
        Dictionary<string, (double[] Seconds, int Kernels, long MultiplyAdds)> sums = [];
        int index = 0;
        foreach (Node node in executable.Graph.Nodes)
        {
            if (node.Op.IsView(node) && !node.Inputs[0].IsConstant) continue;
            string kind = kinds[node];
            (double[] seconds, int kernels, long multiplyAdds) = sums.GetValueOrDefault(kind, (new double[rows.Count], 0, 0));
            for (int row = 0; row < rows.Count; row++) seconds[row] += rows[row][index];
            sums[kind] = (seconds, kernels + 1, multiplyAdds + node.Cost.MultiplyAdds);
            index++;
        }

        List<KernelKind> parts = [];
        double inside = 0;
        foreach (string kind in KernelProfile.Kinds)
        {
            if (!sums.TryGetValue(kind, out (double[] Seconds, int Kernels, long MultiplyAdds) sum)) continue;
            double median = SampleStatistics.Median(sum.Seconds);
            inside += median;
            parts.Add(new KernelKind(kind, median, sum.Kernels, sum.MultiplyAdds));
        }

        parts.Add(new KernelKind(KernelKinds.NonKernel, Math.Max(0, step - inside), 0, 0));
        return parts;
    }

    private KernelWork Create(Model network, CompileOptions compile) => KernelWork.Create(network, policy, batch, device, compile);
}
