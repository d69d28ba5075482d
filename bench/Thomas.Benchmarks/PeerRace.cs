using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Thomas.Runtime;
using Thomas.Study;

namespace Thomas.Benchmarks;

/// <summary>
/// Engines at the same work, as a study measures devices: they take turns, each round beginning with another one, and come back with new memory.
/// </summary>
/// <param name="experiment">Title of the experiment in a report.</param>
/// <param name="stage">What is timed: <see cref="TimingCell.Step"/> or <see cref="TimingCell.Inference"/>.</param>
/// <param name="model">The model's name in a report.</param>
/// <param name="policy">The update policy, or "inference".</param>
/// <param name="batch">Images at a time.</param>
internal sealed class PeerRace(string experiment, string stage, string model, string policy, int batch)
{
    /// <summary>A pause after which the threads of engines that spin for tens of milliseconds after their work have left their cores to the next one.</summary>
    public const int SpinningEnds = 100;

    private readonly List<Engine> _engines = [];

    /// <summary>An engine that takes part.</summary>
    /// <param name="name">As the device of a report's cells.</param>
    /// <param name="threads">Its threads.</param>
    /// <param name="create">Makes it anew for each visit.</param>
    /// <param name="multiplyAdds">Of a run; 0 where that is not known.</param>
    /// <param name="pause">Milliseconds of nothing after each of its turns.</param>
    public void Add(string name, int threads, Func<IDeviceTrial> create, long multiplyAdds = 0, int pause = 0) =>
        _engines.Add(new Engine(name, threads, create, multiplyAdds, pause));

    /// <summary>Measures.</summary>
    /// <param name="visits">How often each engine is made anew.</param>
    /// <param name="rounds">Samples of each visit.</param>
    /// <returns>A cell for each engine, in the order in which they were added.</returns>
    public IReadOnlyList<TimingCell> Run(int visits, int rounds)
    {
        for (int visit = 0; visit < visits; visit++) Visit(visit, rounds);
        List<TimingCell> cells = [];
        foreach (Engine engine in _engines) cells.Add(Cell(engine));
        return StudyAssembly.Compare(cells);
    }

    private void Visit(int visit, int rounds)
    {
        List<IDeviceTrial> trials = [];
        List<TrialSampler> samplers = [];
        try
        {
            foreach (Engine engine in _engines)
            {
                trials.Add(engine.Create());
                long start = Stopwatch.GetTimestamp();
                trials[^1].Run();
                TrialSampler sampler = new(trials[^1], engine.Threads, Stopwatch.GetElapsedTime(start).TotalSeconds);
                sampler.WarmUp(double.PositiveInfinity, CancellationToken.None);
                Thread.Sleep(engine.Pause);
                samplers.Add(sampler);
            }

            for (int round = 0; round < rounds; round++)
            {
                for (int i = 0; i < samplers.Count; i++)
                {
                    int at = (i + round) % samplers.Count;
                    samplers[at].Sample(visit, double.PositiveInfinity, Networks.Peak);
                    Thread.Sleep(_engines[at].Pause);
                }
            }

            for (int i = 0; i < samplers.Count; i++) _engines[i].Samples.AddRange(samplers[i].Samples);
        }
        finally
        {
            foreach (IDeviceTrial trial in trials) trial.Dispose();
        }
    }

    private TimingCell Cell(Engine engine)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{engine.Name}/{engine.Threads}/{StudyExperiment.Float}/");
        return new TimingCell
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"{experiment}/{stage}/{model}/{policy}/{batch}/{key}"),
            Experiment = experiment,
            Stage = stage,
            Model = model,
            Policy = policy,
            Device = engine.Name,
            Threads = engine.Threads,
            Batch = batch,
            Type = StudyExperiment.Float,
            Switches = "",
            MultiplyAdds = engine.MultiplyAdds,
            Samples = engine.Samples,
            Summary = SampleStatistics.Summarize(engine.Samples),
        };
    }

    private sealed record Engine(string Name, int Threads, Func<IDeviceTrial> Create, long MultiplyAdds, int Pause)
    {
        public List<TimingSample> Samples { get; } = [];
    }
}
