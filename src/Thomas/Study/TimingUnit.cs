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
    // A sample lasts at least this long: shorter steps are repeated within it.
    private const double SampleSeconds = 0.02;
    private const int MostRepeats = 2000;

    private const double WarmUpSeconds = 0.3;
    private const int WarmUpRounds = 3;

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
            string key = KeyOf(cell.Device, cell.Threads, cell.Type, cell.Switches);
            double seconds = _spent.GetValueOrDefault(key);
            foreach (TimingSample sample in cell.Samples) seconds += cell.Stage == TimingCell.Compile ? 0 : Math.Max(sample.Seconds, SampleSeconds);
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
                if (one.First.Seconds > SlowFirstStep * _secondsEach) one.TakeFirst();
                else one.WarmUp(budget, cancellation);
            }

            for (int round = 0; round < context.Plan.Rounds; round++)
            {
                // Each round begins with another device: none is always the one after the slowest.
                for (int i = 0; i < contenders.Count; i++)
                {
                    context.Check(cancellation);
                    contenders[(i + round) % contenders.Count].Sample(visit, budget, context);
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
            cells.Add(Cell(one, IsInference ? TimingCell.Inference : TimingCell.Step, one.Samples));
        }

        StudyEntry entry = new() { Unit = Key, Visit = visit, Timings = cells, Absent = absent };
        bool isLast = contenders.TrueForAll(one => _spent.GetValueOrDefault(KeyOf(one.Device)) + one.Spent + one.First.Seconds > _secondsEach);
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
        TrainingPlanOptions options = Options(compile);
        long multiplyAdds = 0;
        Func<IDeviceTrial> create;
        if (IsInference)
        {
            Graph graph = ClassOutput.Of(model).Alone().Graph;
            multiplyAdds = Rebatch.Run(graph, _batch).Cost.MultiplyAdds;
            create = () => new InferenceTrial(graph, _batch, compile);
        }
        else
        {
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

    private TrainingPlanOptions Options(CompileOptions compile) => new()
    {
        Policy = IsInference ? UpdatePolicy.All : PolicyOf(_policy),
        Batch = _batch,
        Compile = compile,
    };

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
        Joules = ReferenceEquals(samples, one.Samples) ? one.Joules : null,
    };

    private string IdOf(StudyDevice device, string stage) => CellId.Of(Experiment, stage, _model, _policy, _batch, device);

    /// <summary>One device in the race.</summary>
    private sealed class Contender(StudyDevice device, IDeviceTrial trial, TimingSample compiled, TimingSample first, long multiplyAdds) : IDisposable
    {
        private readonly List<TimingSample> _samples = [];
        private int _repeats = 1;
        private double _spent;
        private double? _joules;

        public StudyDevice Device => device;

        public TimingSample Compiled => compiled;

        public TimingSample First => first;

        public long MultiplyAdds => multiplyAdds;

        public IReadOnlyList<TimingSample> Samples => _samples;

        public double Spent => _spent;

        /// <summary>Energy of one step; null where nothing says it.</summary>
        public double? Joules => _joules / (_samples.Count * _repeats);

        /// <summary>Runs until code is compiled and caches are warm, and finds how many steps make a sample. A slow step is not run for that.</summary>
        public void WarmUp(double budget, CancellationToken cancellation)
        {
            if (first.Seconds > budget) return;
            long start = Stopwatch.GetTimestamp();
            double shortest = first.Seconds;
            for (int round = 0; round < WarmUpRounds || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; round++)
            {
                cancellation.ThrowIfCancellationRequested();
                long begin = Stopwatch.GetTimestamp();
                trial.Run();
                shortest = Math.Min(shortest, Stopwatch.GetElapsedTime(begin).TotalSeconds);
                if (Stopwatch.GetElapsedTime(start).TotalSeconds > budget) break;
            }

            _repeats = (int)Math.Clamp(Math.Ceiling(SampleSeconds / shortest), 1, MostRepeats);
        }

        /// <summary>Takes the first step for a later one too, and runs no other.</summary>
        public void TakeFirst()
        {
            _samples.Add(first);
            _spent += first.Seconds;
        }

        /// <summary>One sample, unless the time is used up.</summary>
        public void Sample(int visit, double budget, StudyContext context)
        {
            if (_samples.Count > 0 && _spent > budget) return;
            double rate = context.Peak.GigaflopsPerSecond(device.Threads);
            EnergyMeter? meter = context.Sensors?.BeginEnergy();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < _repeats; i++) trial.Run();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (context.Slowdown > 1)
            {
                while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds * context.Slowdown) Thread.SpinWait(20);
                seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            if (meter?.Read().Joules is double joules) _joules = (_joules ?? 0) + joules;
            _spent += seconds;
            _samples.Add(new TimingSample(seconds / _repeats, rate, visit));
        }

        public void Dispose() => trial.Dispose();
    }
}
