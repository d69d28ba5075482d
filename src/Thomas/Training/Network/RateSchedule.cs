using System;
using System.Diagnostics;

namespace Thomas.Training;

/// <summary>
/// The learning rate of each step of a <see cref="Trainer"/>: <see cref="LearningRateSchedule"/>, or its warm-up and then, in epoch e = 1, 2, ..., the peak
/// times
/// <c>factor^floor((e - 1) / k)</c>; times <see cref="Watchdog.RateFactor"/> for each restart.
/// </summary>
internal sealed class RateSchedule
{
    private readonly TrainerOptions _options;
    private readonly LearningRateSchedule _cosine;
    private readonly int _stepsPerEpoch;

    /// <param name="options">Peak, kind and numbers of the schedule.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    public RateSchedule(TrainerOptions options, int stepsPerEpoch)
    {
        _options = options;
        _stepsPerEpoch = stepsPerEpoch;
        Peak = options.LearningRate ?? options.AutomaticLearningRate();
        _cosine = new LearningRateSchedule(
            Peak, (int)Math.Min(int.MaxValue, (long)options.Epochs * stepsPerEpoch), options.WarmupShare, options.FinalLearningRateShare);
    }

    /// <summary>The largest rate, before restarts.</summary>
    public float Peak { get; }

    /// <summary>The largest rate after restarts.</summary>
    public float PeakAfter(int restarts) => Peak * Factor(restarts);

    /// <summary>The rate of a step.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="step">Number of the step in it, from 0.</param>
    /// <param name="restarts">How often training went back.</param>
    public float At(int epoch, int step, int restarts)
    {
        int number = ((epoch - 1) * _stepsPerEpoch) + step;
        float rate = _options.Decay switch
        {
            RateDecay.Cosine => _cosine.At(number),
            RateDecay.Steps when number < _cosine.WarmupSteps => _cosine.At(number),
            RateDecay.Steps => Peak * (float)Math.Pow(_options.DecayFactor, (epoch - 1) / _options.DecayEpochs),
            _ => throw new UnreachableException($"There is no schedule {_options.Decay}."),
        };
        return rate * Factor(restarts);
    }

    private static float Factor(int restarts)
    {
        float factor = 1;
        for (int i = 0; i < restarts; i++) factor *= Watchdog.RateFactor;
        return factor;
    }
}
