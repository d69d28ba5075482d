using System;

namespace Thomas.Training;

/// <summary>
/// Learning rate by step: a linear warm-up, then half a cosine down to a share of the peak (Loshchilov and Hutter, "SGDR", 2017, without restarts).
/// </summary>
/// <remarks>
/// With T steps, of which W warm up, peak p and final share f, step t = 0 ... T - 1 has the rate
/// <c>p * (t + 1) / W</c> for t &lt; W, and <c>p * (f + (1 - f) * (1 + cos(pi * (t - W) / (T - 1 - W))) / 2)</c> from there on:
/// the peak at t = W, <c>f * p</c> at the last step. If only one step follows the warm-up, it has the peak rate.
/// </remarks>
public sealed class LearningRateSchedule
{
    /// <summary>Creates a schedule.</summary>
    /// <param name="peak">Largest learning rate; above zero and finite.</param>
    /// <param name="totalSteps">Optimizer steps in all; at least 1.</param>
    /// <param name="warmupShare">Share of the steps that warm up, in [0, 1); W is the share of the steps, rounded up.</param>
    /// <param name="finalShare">Rate of the last step as a share of the peak, in [0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public LearningRateSchedule(float peak, int totalSteps, float warmupShare = 0, float finalShare = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        if (!(peak > 0) || !float.IsFinite(peak)) throw new ArgumentOutOfRangeException(nameof(peak), peak, "The learning rate must be above zero and finite.");
        if (!(warmupShare >= 0 && warmupShare < 1)) throw new ArgumentOutOfRangeException(nameof(warmupShare), warmupShare, "The share must be in [0, 1).");
        if (!(finalShare >= 0 && finalShare <= 1)) throw new ArgumentOutOfRangeException(nameof(finalShare), finalShare, "The share must be in [0, 1].");
        Peak = peak;
        TotalSteps = totalSteps;
        WarmupSteps = Math.Min((int)Math.Ceiling((double)warmupShare * totalSteps), totalSteps - 1);
        FinalShare = finalShare;
    }

    /// <summary>Largest learning rate.</summary>
    public float Peak { get; }

    /// <summary>Optimizer steps in all.</summary>
    public int TotalSteps { get; }

    /// <summary>Steps of the warm-up.</summary>
    public int WarmupSteps { get; }

    /// <summary>Rate of the last step as a share of the peak.</summary>
    public float FinalShare { get; }

    /// <summary>The rate of a step.</summary>
    /// <param name="step">Number of the step, from 0; steps past the last have the last one's rate.</param>
    /// <returns>The learning rate.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is negative.</exception>
    public float At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (step < WarmupSteps) return (float)((double)Peak * (step + 1) / WarmupSteps);
        int decaySteps = TotalSteps - 1 - WarmupSteps;
        if (decaySteps == 0) return Peak;
        double progress = Math.Min(1.0, (double)(step - WarmupSteps) / decaySteps);
        return (float)(Peak * (FinalShare + ((1.0 - FinalShare) * 0.5 * (1.0 + Math.Cos(Math.PI * progress)))));
    }
}
