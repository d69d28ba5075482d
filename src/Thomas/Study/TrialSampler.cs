using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Study;

/// <summary>
/// Samples of one trial that takes turns with others: so many runs together that a sample lasts long enough, and beside each what the machine's multiply-adds
/// gave immediately before.
/// </summary>
/// <param name="trial">What is timed; it is not disposed here.</param>
/// <param name="threads">Threads of the loop of multiply-adds.</param>
/// <param name="firstSeconds">How long the trial's first run took.</param>
internal sealed class TrialSampler(IDeviceTrial trial, int threads, double firstSeconds)
{
    /// <summary>A sample lasts at least this long: shorter runs are repeated within it.</summary>
    public const double SampleSeconds = 0.02;

    private const int MostRepeats = 2000;

    private const double WarmUpSeconds = 0.3;
    private const int WarmUpRounds = 3;

    private readonly List<TimingSample> _samples = [];
    private int _repeats = 1;
    private double? _joules;

    /// <summary>The samples, in order.</summary>
    public IReadOnlyList<TimingSample> Samples => _samples;

    /// <summary>What all samples took.</summary>
    public double Spent { get; private set; }

    /// <summary>Energy of one run; null where nothing says it.</summary>
    public double? Joules => _joules / (_samples.Count * _repeats);

    /// <summary>Runs until code is compiled and caches are warm, and finds how many runs make a sample. A slow trial is not run for that.</summary>
    public void WarmUp(double budget, CancellationToken cancellation)
    {
        if (firstSeconds > budget) return;
        long start = Stopwatch.GetTimestamp();
        double shortest = firstSeconds;
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

    /// <summary>Takes a run that was timed elsewhere for a sample.</summary>
    public void Take(TimingSample sample)
    {
        _samples.Add(sample);
        Spent += sample.Seconds;
    }

    /// <summary>One sample, unless the time is used up.</summary>
    /// <param name="visit">Which visit it belongs to.</param>
    /// <param name="budget">Seconds for all samples; there is always one.</param>
    /// <param name="peak">The machine's multiply-adds.</param>
    /// <param name="sensors">Records energy; null for none.</param>
    /// <param name="slowdown">How many times longer than it took the sample is made to last; 1 for a measurement.</param>
    public void Sample(int visit, double budget, PeakRate peak, SensorLog? sensors = null, double slowdown = 1)
    {
        if (_samples.Count > 0 && Spent > budget) return;
        double rate = peak.GigaflopsPerSecond(threads);
        EnergyMeter? meter = sensors?.BeginEnergy();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _repeats; i++) trial.Run();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (slowdown > 1)
        {
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds * slowdown) Thread.SpinWait(20);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        if (meter?.Read().Joules is double joules) _joules = (_joules ?? 0) + joules;
        Spent += seconds;
        _samples.Add(new TimingSample(seconds / _repeats, rate, visit));
    }
}
