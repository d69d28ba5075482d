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

        CompileOptions timedCompile = device.IsHost ? compile : compile with { DeviceSettings = $"{compile.DeviceSettings} profiling".TrimStart() };
        using Work plain = Create(network, compile);
        using Work timed = device.IsHost ? plain : Create(network, timedCompile);
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

    private static void WarmUp(Work plain, Work timed, CancellationToken cancellation)
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

    private Work Create(Model network, CompileOptions compile) =>
        policy == StudyExperiment.Inference
            ? new InferenceWork(Executable.Compile(ClassOutput.Of(network).Alone().Graph, batch, compile))
            : new StepWork(
                TrainingPlanner.Plan(network, new TrainingPlanOptions { Policy = TimingUnit.PolicyOf(policy), Batch = batch, Compile = compile }), compile);

    /// <summary>A step or an inference, with or without clocks.</summary>
    private abstract class Work : IDisposable
    {
        public abstract Executable Executable { get; }

        public abstract void Run();

        public abstract void RunTimed(double[] seconds);

        public abstract void Dispose();
    }

    private sealed class InferenceWork : Work
    {
        private readonly Executable _executable;
        private readonly float[] _images;

        public InferenceWork(Executable executable)
        {
            _executable = executable;
            _images = new float[executable.Graph.Inputs[0].Shape.ElementCount];
            TrainingTrial.FillWithNoise(_images);
        }

        public override Executable Executable => _executable;

        public override void Run()
        {
            Begin();
            _executable.Run();
            _executable.Fetch();
        }

        public override void RunTimed(double[] seconds)
        {
            Begin();
            _executable.RunTimed(seconds);
            _executable.Fetch();
        }

        public override void Dispose() => _executable.Dispose();

        private void Begin()
        {
            _images.CopyTo(_executable.Stage());
            _executable.Send();
        }
    }

    /// <summary>Without a bound, a step is one run that also updates the weights.</summary>
    private sealed class StepWork : Work
    {
        private readonly VariableStore _store;
        private readonly StepProgram _program;
        private readonly Device _device;
        private readonly Batch _images;
        private readonly int[] _labels;
        private long _steps;

        public StepWork(TrainingPlan plan, CompileOptions compile)
        {
            _device = Device.Of(compile);
            _store = new VariableStore(plan.Graph.Variables, _device);
            _program = new StepProgram(plan, _store);
            _labels = new int[_program.Batch];
            _images = new Batch(_program.Batch, plan.Trainee.Graph.Inputs[0].Shape.ElementCount, plan.Trainee.Classes);
            TrainingTrial.Fill(_images, plan.Trainee.Classes);
        }

        public override Executable Executable => _program.Step;

        public override void Run()
        {
            Begin();
            _program.Run();
            Finish();
        }

        public override void RunTimed(double[] seconds)
        {
            Begin();
            _program.RunTimed(seconds);
            Finish();
        }

        public override void Dispose()
        {
            _program.Dispose();
            _store.Dispose();
        }

        private void Begin()
        {
            _program.Begin(++_steps, 0);
            _images.CopyTo(_program.Stage(_labels));
            _program.Send();
        }

        private void Finish()
        {
            _program.End();
            _device.Finish();
        }
    }
}
