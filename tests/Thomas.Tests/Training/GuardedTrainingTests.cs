using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Training that pauses while the device is too hot or its battery too low.</summary>
public sealed class GuardedTrainingTests
{
    // Each look at the clock takes a second, so that every step is one at which the guard may look.
    private readonly FakeClock _clock = new() { Tick = TimeSpan.FromSeconds(1) };
    private GuardReading _device = new() { Temperature = 30, Battery = 0.5, IsCharging = false };
    private int _reads;

    private RunGuard Guard(Action<int> atRead) => new()
    {
        MaximumTemperature = 42,
        MinimumBattery = 0.2,
        Interval = TimeSpan.FromSeconds(1),
        Clock = _clock,
        Read = () =>
        {
            atRead(++_reads);
            return _device;
        },
    };

    [Fact]
    public void Paused_in_the_middle_it_ends_with_the_same_bits()
    {
        using TrainerJob job = new();
        List<StageProgress> pauses = [];
        RunGuard guard = Guard(read => _device = _device with { Temperature = read % 5 == 3 ? 44.5 : 30 });
        TrainerResult expected = job.Run();
        TrainerResult result = job.Run(
            TrainerJob.Options with { Guard = guard },
            progress: new Relay<StageProgress>(report =>
            {
                if (report.Pause != PauseState.None) pauses.Add(report);
            }));
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
        Assert.Equal(expected.Epochs.Select(epoch => epoch with { Duration = default }), result.Epochs.Select(epoch => epoch with { Duration = default }));
        Assert.False(result.Cancelled);
        Assert.InRange(result.Pauses!.Count, 3, 20);
        Assert.Equal(2 * result.Pauses.Count, pauses.Count);
        Assert.Contains(pauses, report => report is { Stage: "train", Message: "paused: 44.5 °C, goes on below 39 °C" });
        Assert.Contains(pauses, report => report is { Stage: "validate", Pause: PauseState.Paused });
        Assert.True(result.Pauses.Duration > TimeSpan.Zero);
        Assert.Equal(result.Pauses.Duration, result.Times.Of("paused"));
        Assert.Contains(result.Pauses.Reasons[0], result.Notes);
        Assert.Null(expected.Pauses);
        Assert.Equal(default, expected.Times.Of("paused"));
    }

    [Fact]
    public void Pauses_do_not_count_as_time_of_steps_epochs_and_stages()
    {
        using TrainerJob job = new();

        // Real time for once, on the clock that measures steps: whatever the machine does meanwhile, the parts must not be more than the whole without pauses.
        RunGuard guard = Guard(read => _device = _device with { Temperature = read % 4 == 2 ? 50 : 30 }) with
        {
            Interval = TimeSpan.FromTicks(1),
            Clock = new RealClock(),
        };
        long start = Stopwatch.GetTimestamp();
        TrainerResult result = job.Run(TrainerJob.Options with { Guard = guard });
        double all = Stopwatch.GetElapsedTime(start).TotalSeconds, paused = result.Pauses!.Duration.TotalSeconds, most = all - paused + 1e-3;
        Assert.InRange(paused, 0.01, all);
        double epochs = result.Epochs.Sum(epoch => epoch.Duration.TotalSeconds);
        double stages = result.Times.Of("train").TotalSeconds + result.Times.Of("validate").TotalSeconds;
        Assert.True(epochs < most, $"epochs {epochs} s, {paused} s of {all} s paused");
        Assert.True(stages < most, $"stages {stages} s, {paused} s of {all} s paused");
        Assert.True(result.SecondsPerStep * 12 < most, $"a step {result.SecondsPerStep} s, {paused} s of {all} s paused");
    }

    [Fact]
    public void Canceled_in_a_pause_it_ends_at_once_with_what_there_is()
    {
        using TrainerJob job = new();
        using CancellationTokenSource cancellation = new();
        int reports = 0;
        RunGuard guard = Guard(read => _device = _device with { Temperature = read > 12 ? 60 : 30 });
        _clock.Waited = wait =>
        {
            if (wait == 4) cancellation.Cancel();
        };
        TrainerResult result = job.Run(
            TrainerJob.Options with { Guard = guard, Epochs = 50 }, cancellation: cancellation.Token,
            progress: new Relay<StageProgress>(report => reports += report.Pause == PauseState.Paused ? 1 : 0));
        Assert.True(result.Cancelled);
        Assert.Null(result.Pauses!.StopReason);
        Assert.Equal((4, 1, 4), (reports, result.Pauses.Count, _clock.Waits));
        Assert.InRange(result.Epochs.Count, 1, 5);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(9)]
    public void A_low_battery_that_stops_keeps_a_checkpoint_that_ends_with_the_same_bits(int lowAt)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = TrainerJob.Options with { CheckpointPath = folder["run"], Resume = true };
        TrainerResult expected = job.Run(options with { CheckpointPath = null });
        RunGuard guard = Guard(read => _device = _device with { Battery = read >= lowAt ? 0.19 : 0.5 }) with { LowBattery = LowBatteryAction.Stop };
        TrainerResult stopped = job.Run(options with { Guard = guard });
        Assert.True(stopped.Cancelled);
        Assert.Equal("the battery is at 19 %, below the limit of 20 %, and is not being charged", stopped.Pauses!.StopReason);
        Assert.Equal((0, TimeSpan.Zero), (stopped.Pauses.Count, stopped.Pauses.Duration));
        Assert.Contains(stopped.Notes, note => note.StartsWith("stopped: the battery", StringComparison.Ordinal));
        TrainerResult resumed = job.Run(options);
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
        Assert.False(resumed.Cancelled);
    }

    [Fact]
    public void A_low_battery_that_waits_saves_its_checkpoint_first()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = TrainerJob.Options with { CheckpointPath = folder["run"], Resume = true, Epochs = 1 };
        bool wasSaved = false;
        RunGuard guard = Guard(read => _device = _device with { Battery = read >= 3 ? 0.1 : 0.5 });
        _clock.Waited = wait =>
        {
            // In the middle of the first epoch no other checkpoint has been written yet.
            wasSaved = Trainer.IsCheckpoint(folder["run"]);
            if (wait == 100) _device = _device with { IsCharging = true };
        };
        TrainerResult expected = job.Run(options with { CheckpointPath = null });
        TrainerResult result = job.Run(options with { Guard = guard });
        Assert.True(wasSaved);
        Assert.False(result.Cancelled);
        Assert.Equal(1, result.Pauses!.Count);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
    }

    [Fact]
    public void A_limit_without_a_sensor_is_warned_of()
    {
        using TrainerJob job = new();
        using FakeSysfs sys = new();
        List<string> warnings = [];
        TrainerResult result = job.Run(
            TrainerJob.Options with { Guard = new RunGuard { MaximumTemperature = 80, SensorRoot = sys.Root } },
            progress: new Relay<StageProgress>(report =>
            {
                if (report.IsWarning) warnings.Add(report.Message);
            }));
        Assert.Contains("the limit of 80 °C has no effect", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(warnings, result.Warnings);
        Assert.Equal(0, result.Pauses!.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tuning_pauses_in_every_stage_and_ends_with_the_same_bits(bool withNetwork)
    {
        Dataset data = TinyModels.Images(12, 1, "red", "green", "blue").ToDataset();
        TuningOptions options = new()
        {
            Network = withNetwork ? TrainerJob.Options with { Epochs = 2 } : null,
            Compile = new CompileOptions { Threads = 1 },
        };
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        HashSet<string> stages = [];
        RunGuard guard = Guard(read => _device = _device with { Temperature = read % 2 == 1 ? 50 : 30 });
        TuningResult expected = Tuner.Tune(model, data, new NoDecoder(), options);
        TuningResult result = Tuner.Tune(
            model, data, new NoDecoder(), options with { Guard = guard },
            new Relay<StageProgress>(report =>
            {
                if (report.Pause == PauseState.Paused) stages.Add(report.Stage);
            }));
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
        Assert.Superset(new HashSet<string> { "decode", "features", "train", "validate" }, stages);
        Assert.Equal(result.Pauses!.Duration, result.Times.Of("paused"));
        Assert.Single(result.Notes, note => note.StartsWith("paused", StringComparison.Ordinal));
        Assert.Null(result.Network?.Pauses);
    }

    [Fact]
    public void Tuning_stopped_before_there_is_anything_says_why()
    {
        Dataset data = TinyModels.Images(12, 1, "red", "green", "blue").ToDataset();
        RunGuard guard = Guard(_ => _device = _device with { Battery = 0.05 }) with { LowBattery = LowBatteryAction.Stop };
        RunStoppedException e = Assert.Throws<RunStoppedException>(
            () => Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), data, new NoDecoder(), new TuningOptions { Guard = guard }));
        Assert.Contains("the battery is at 5 %", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tuning_stopped_in_the_training_of_the_last_layer_keeps_what_there_is()
    {
        Dataset data = TinyModels.Images(12, 1, "red", "green", "blue").ToDataset();
        RunGuard guard = Guard(read => _device = _device with { Battery = read > 30 ? 0.05 : 0.5 }) with { LowBattery = LowBatteryAction.Stop };
        TuningOptions options = new() { Guard = guard, Compile = new CompileOptions { Threads = 1 }, Network = TrainerJob.Options };
        TuningResult result = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), data, new NoDecoder(), options);
        Assert.True(result.Cancelled);
        Assert.Null(result.Network);
        Assert.NotNull(result.Pauses!.StopReason);
    }

    [Fact]
    public void A_session_pauses_and_stops_too()
    {
        using TemporaryFolder folder = new();
        Model model = SessionJob.Model(TinyModels.HeadStyle.DenseSoftmax);
        using TuningSession plain = TuningSession.Open(folder["plain"], model, options: SessionJob.Options);
        SessionJob.Fill(plain, 10);
        plain.Train();
        bool isLow = false;
        RunGuard guard = Guard(
            read => _device = _device with { Temperature = read % 3 == 0 ? 50 : 30, Battery = isLow ? 0.1 : 0.5 }) with { LowBattery = LowBatteryAction.Stop };
        using TuningSession session = TuningSession.Open(folder["guarded"], model, options: SessionJob.Options with { Guard = guard });
        SessionJob.Fill(session, 10);
        int pauses = 0;
        TuningSessionReport report = session.Train(new Relay<StageProgress>(told => pauses += told.Pause == PauseState.Paused ? 1 : 0));
        Assert.InRange(report.Pauses!.Count, 1, pauses);
        Assert.Equal(TrainerJob.Bits(plain.ToModel()), TrainerJob.Bits(session.ToModel()));

        isLow = true;
        Assert.Contains("the battery is at 10 %", Assert.Throws<RunStoppedException>(() => session.Train()).Message, StringComparison.Ordinal);
        Assert.Equal(TrainerJob.Bits(plain.ToModel()), TrainerJob.Bits(session.ToModel()));
    }

    [Fact]
    public void A_guard_belongs_to_the_whole_run()
    {
        RunGuard guard = new() { MaximumTemperature = 40 };
        TuningOptions head = new() { Head = TrainerOptions.LastLayer with { Guard = guard } };
        TuningOptions network = new() { Network = new TrainerOptions { Guard = guard } };
        Assert.Throws<ArgumentException>("Guard", head.Validate);
        Assert.Throws<ArgumentException>("Guard", network.Validate);
        Assert.Throws<ArgumentOutOfRangeException>("MinimumBattery", new TuningOptions { Guard = new RunGuard { MinimumBattery = 20 } }.Validate);
        Assert.Throws<ArgumentException>(new TrainerOptions { Guard = new RunGuard() }.Validate);
    }

    /// <summary>Real time, in which each wait takes a few milliseconds.</summary>
    private sealed class RealClock : SensorClock
    {
        public override TimeSpan Now => System.Now;

        public override void Wait(TimeSpan time, CancellationToken cancellation) => System.Wait(TimeSpan.FromMilliseconds(3), cancellation);
    }
}
