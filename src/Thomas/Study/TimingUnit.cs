using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>
/// Compiling, first and later steps (or inferences) of one model, policy and batch on several devices. The devices take turns, so that a busy or hot moment
/// hits all of them; beside each sample stands what the machine's multiply-adds gave then.
/// </summary>
internal sealed class TimingUnit : StudyUnit
{
    /// <summary>A first step of so many times what the study gives to a cell is its only sample: seconds of work hide what is cold in it.</summary>
    internal const double SlowFirstStep = 2;

    private readonly string _model, _policy;
    private readonly int _batch;
    private readonly IReadOnlyList<StudyDevice> _devices;
    private readonly int _visits;
    private readonly double _secondsEach;

    // What each cell has taken over all visits.
    private readonly Dictionary<string, double> _spent = new(StringComparer.Ordinal);

    public TimingUnit(StudyPlan plan, string experiment, string model, string policy, int batch, IReadOnlyList<StudyDevice> devices)
        : base(experiment, string.Create(CultureInfo.InvariantCulture, $"times/{experiment}/{model}/{policy}/{batch}"))
    {
        (_model, _policy, _batch, _devices, _visits, _secondsEach) = (model, policy, batch, devices, plan.Visits, plan.SecondsEach);
    }

    /// <inheritdoc/>
    public override int Visits => _visits;

    private bool IsInference => _policy == StudyExperiment.Inference;

    /// <inheritdoc/>
    public override void Recall(StudyEntry entry)
    {
        foreach (TimingCell cell in entry.Timings)
        {
            if (cell.Stage == TimingCell.Compile) continue;
            string key = KeyOf(cell.Device, cell.Threads, cell.Type, cell.Switches);
            double seconds = _spent.GetValueOrDefault(key);
            foreach (TimingSample sample in cell.Samples) seconds += Math.Max(sample.Seconds, TrialSampler.SampleSeconds);
            _spent[key] = seconds;
        }
    }

    /// <inheritdoc/>
    public override StudyEntry Run(int visit, StudyContext context, CancellationToken cancellation)
    {
        Model model = context.Sources.Model(_model, cancellation);
        List<Contender> contenders = [];
        List<AbsentCell> absent = [];
        double budget = context.Plan.SecondsEach / _visits;
        try
        {
            foreach (StudyDevice device in _devices)
            {
                // One that had its time is not begun again: its first step alone may take a minute.
                if (IsDone(device)) continue;
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    contenders.Add(Begin(device, model, visit, context));
                }
                catch (ThomasException e)
                {
                    absent.Add(new AbsentCell(Experiment, IdOf(device, IsInference ? TimingCell.Inference : TimingCell.Step), e.Message));
                }
            }

            foreach (Contender one in contenders)
            {
                if (one.First.Seconds > SlowFirstStep * _secondsEach) one.Sampler.Take(one.First);
                else one.Sampler.WarmUp(budget, cancellation);
            }

            for (int round = 0; round < context.Plan.Rounds; round++)
            {
                // Each round begins with another device: none is always the one after the slowest.
                for (int i = 0; i < contenders.Count; i++)
                {
                    context.Check(cancellation);
                    contenders[(i + round) % contenders.Count].Sampler.Sample(visit, budget, context.Peak, context.Sensors, context.Slowdown);
                }
            }
        }
        finally
        {
            foreach (Contender one in contenders) one.Dispose();
        }

        List<TimingCell> cells = [];
        foreach (Contender one in contenders)
        {
            cells.Add(Cell(one, TimingCell.Compile, [one.Compiled]));
            cells.Add(Cell(one, TimingCell.FirstStep, [one.First]));
            cells.Add(Cell(one, IsInference ? TimingCell.Inference : TimingCell.Step, one.Sampler.Samples));
        }

        StudyEntry entry = new() { Unit = Key, Visit = visit, Timings = cells, Absent = absent };
        bool isLast = contenders.TrueForAll(one => _spent.GetValueOrDefault(KeyOf(one.Device)) + one.Sampler.Spent + one.First.Seconds > _secondsEach);
        return entry with { IsLast = isLast };
    }

    private bool IsDone(StudyDevice device) => _spent.GetValueOrDefault(KeyOf(device)) > _secondsEach;

    private static string KeyOf(StudyDevice device) => KeyOf(device.Name, device.Threads, device.Type, device.Switches);

    private static string KeyOf(string name, int threads, string type, string switches) =>
        string.Create(CultureInfo.InvariantCulture, $"{name}/{threads}/{type}/{switches}");

    private Contender Begin(StudyDevice device, Model model, int visit, StudyContext context)
    {
        CompileOptions compile = device.Compile(context.Cache);
        if (IsInference && HybridSplit.IsAsked(compile)) throw new ThomasException("Inference is not split between two devices.");
        long multiplyAdds = 0;
        Func<IDeviceTrial> create;
        if (IsInference)
        {
            Graph graph = ClassOutput.Of(StudyTypes.ForInference(model, device)).Alone().Graph;
            multiplyAdds = Rebatch.Run(graph, _batch).Cost.MultiplyAdds;
            create = () => new InferenceTrial(graph, _batch, compile);
        }
        else
        {
            (model, TrainingPlanOptions options) = StudyTypes.ForStep(model, StepOptions(_policy, _batch, compile), device);
            if (HybridSplit.IsAsked(compile))
            {
                options = options with { Compile = compile with { DeviceShare = HybridSplit.Measure(model, options, _batch, [], CancellationToken.None) } };
            }

            create = () => new TrainingTrial(model, options);
        }

        double rate = context.Peak.GigaflopsPerSecond(device.Threads);
        long start = Stopwatch.GetTimestamp();
        IDeviceTrial trial = create();
        TimingSample compiled = new(Stopwatch.GetElapsedTime(start).TotalSeconds, rate, visit);
        start = Stopwatch.GetTimestamp();
        trial.Run();
        TimingSample first = new(Stopwatch.GetElapsedTime(start).TotalSeconds, rate, visit);
        return new Contender(device, trial, compiled, first, multiplyAdds);
    }

    /// <summary>A step as training of that policy makes it: from scratch with live batch normalization, else with frozen statistics.</summary>
    public static TrainingPlanOptions StepOptions(string policy, int batch, CompileOptions compile)
    {
        UpdatePolicy parsed = PolicyOf(policy);
        return new TrainingPlanOptions
        {
            Policy = parsed,
            BatchNorm = new TrainerOptions { Policy = parsed }.BatchNormMode,
            Batch = batch,
            Compile = compile,
        };
    }

    /// <summary>A policy by its name.</summary>
    public static UpdatePolicy PolicyOf(string name) =>
        UpdatePolicy.TryParse(name, out UpdatePolicy policy) ? policy : throw new ArgumentException($"'{name}' is not an update policy.", nameof(name));

    private TimingCell Cell(Contender one, string stage, IReadOnlyList<TimingSample> samples) => new()
    {
        Id = IdOf(one.Device, stage),
        Experiment = Experiment,
        Stage = stage,
        Model = _model,
        Policy = _policy,
        Device = one.Device.Name,
        Threads = one.Device.Threads,
        Batch = _batch,
        Type = one.Device.Type,
        Switches = one.Device.Switches,
        MultiplyAdds = stage == TimingCell.Compile ? 0 : one.MultiplyAdds,
        Samples = samples,
        Summary = SampleStatistics.Summarize(samples),
        Joules = ReferenceEquals(samples, one.Sampler.Samples) ? one.Sampler.Joules : null,
    };

    private string IdOf(StudyDevice device, string stage) => CellId.Of(Experiment, stage, _model, _policy, _batch, device);

    /// <summary>One device in the race.</summary>
    private sealed class Contender(StudyDevice device, IDeviceTrial trial, TimingSample compiled, TimingSample first, long multiplyAdds) : IDisposable
    {
        public StudyDevice Device => device;

        public TimingSample Compiled => compiled;

        public TimingSample First => first;

        public long MultiplyAdds => multiplyAdds;

        public TrialSampler Sampler { get; } = new(trial, device.Threads, first.Seconds);

        public void Dispose() => trial.Dispose();
    }
}
