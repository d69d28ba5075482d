using System.Diagnostics;
using System.Linq;
using System.Threading;
using Thomas.Runtime;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class TrialSamplerTests
{
    [Fact]
    public void Short_runs_are_repeated_within_a_sample()
    {
        using PeakRate peak = new();
        using Spin trial = new();
        TrialSampler sampler = new(trial, 1, 0.001);
        sampler.WarmUp(double.PositiveInfinity, CancellationToken.None);
        int before = trial.Runs;
        sampler.Sample(0, double.PositiveInfinity, peak);
        int repeats = trial.Runs - before;
        sampler.Sample(3, double.PositiveInfinity, peak);
        Assert.InRange(repeats, 2, 20);
        Assert.Equal(2 * repeats, trial.Runs - before);
        Assert.All(sampler.Samples, sample => Assert.True(sample.Seconds >= 0.001 && sample.Gigaflops > 0));
        Assert.Equal([0, 3], sampler.Samples.Select(sample => sample.Visit));
        Assert.Equal(sampler.Samples.Sum(sample => sample.Seconds * repeats), sampler.Spent, 6);
    }

    [Fact]
    public void A_slow_trial_is_not_warmed_up_and_has_one_sample_whatever_it_takes()
    {
        using PeakRate peak = new();
        using Spin trial = new();
        TrialSampler sampler = new(trial, 1, firstSeconds: 1);
        sampler.WarmUp(0.5, CancellationToken.None);
        Assert.Equal(0, trial.Runs);
        for (int i = 0; i < 3; i++) sampler.Sample(0, budget: 0, peak);
        Assert.Equal(1, trial.Runs);
        Assert.Single(sampler.Samples);
    }

    [Fact]
    public void A_run_that_was_timed_elsewhere_uses_up_the_time()
    {
        using PeakRate peak = new();
        using Spin trial = new();
        TrialSampler sampler = new(trial, 1, firstSeconds: 9);
        sampler.Take(new TimingSample(9, 1));
        sampler.Sample(0, budget: 2, peak);
        Assert.Equal(0, trial.Runs);
        Assert.Equal(9, Assert.Single(sampler.Samples).Seconds);
    }

    [Fact]
    public void A_slowdown_for_a_trial_of_comparisons_lengthens_the_sample()
    {
        using PeakRate peak = new();
        using Spin trial = new();
        TrialSampler sampler = new(trial, 1, 0.001);
        sampler.Sample(0, double.PositiveInfinity, peak, slowdown: 4);
        Assert.True(sampler.Samples[0].Seconds >= 0.004, $"{sampler.Samples[0].Seconds}");
    }

    /// <summary>A millisecond at least.</summary>
    private sealed class Spin : IDeviceTrial
    {
        public int Runs { get; private set; }

        public void Run()
        {
            Runs++;
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 1) Thread.SpinWait(20);
        }

        public void Dispose()
        {
        }
    }
}
