using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Runtime;

/// <summary>Devices that are timed by a clock that only their work moves.</summary>
public sealed class DeviceRaceTests
{
    [Fact]
    public void The_fastest_device_is_found_and_its_first_run_does_not_count()
    {
        Race race = new() { ["cpu"] = new(40, 10), ["gpu"] = new(500, 5), ["other"] = new(1, 7) };
        (IReadOnlyList<DeviceTime> times, int fastest) = race.Run();
        Assert.Equal(1, fastest);
        Assert.Equal([10.0, 5.0, 7.0], times.Select(time => time.Milliseconds!.Value));
        Assert.Equal([3.04, 3.5, 3.001], times.Select(time => time.CompileSeconds));
        Assert.All(times, time => Assert.Null(time.Problem));
        Assert.All(race.Values, device => Assert.True(device.IsDisposed));
    }

    [Theory]
    [InlineData(98, 0)]
    [InlineData(96, 1)]
    public void A_later_device_must_be_faster_by_more_than_noise(double milliseconds, int expected) =>
        Assert.Equal(expected, new Race { ["cpu"] = new(100, 100), ["gpu"] = new(100, milliseconds) }.Run().Fastest);

    [Fact]
    public void The_least_time_counts()
    {
        Race race = new() { ["cpu"] = new(10, 10), ["gpu"] = new(10, 12, 9, 30) };
        Assert.Equal((9, 1), (race.Run().Times[1].Milliseconds!.Value, race.Run().Fastest));
    }

    [Fact]
    public void A_device_that_is_clearly_slower_is_not_timed_further()
    {
        Race race = new() { ["cpu"] = new(10, 10), ["slow"] = new(10, 16), ["slower"] = new(10, 31), ["lazy"] = new(8000, 9) };
        (IReadOnlyList<DeviceTime> times, int fastest) = race.Run();
        Assert.Equal([false, true, true, false], times.Select(time => time.IsCutShort));
        Assert.Equal([11, 4, 2, 11], race.Values.Select(device => device.Runs));
        Assert.Equal(3, fastest);
    }

    [Fact]
    public void All_runs_together_take_about_two_seconds()
    {
        Race race = new() { ["cpu"] = new(300, 300), ["gpu"] = new(300, 310) };
        race.Run();
        Assert.Equal([5, 5], race.Values.Select(device => device.Runs));
        Assert.Equal(6.6 + (4 * 0.3) + (4 * 0.31), race.Elapsed.TotalSeconds, 1e-6);

        // However slow, each is timed once.
        Race slow = new() { ["cpu"] = new(3000, 3000), ["gpu"] = new(5000, 4000) };
        Assert.Equal([3000.0, 4000.0], slow.Run().Times.Select(time => time.Milliseconds!.Value));
    }

    [Fact]
    public void A_device_that_fails_is_told_of_and_passed_over()
    {
        Race race = new() { ["broken"] = new(1) { FailsAt = 0 }, ["cpu"] = new(10, 10), ["lost"] = new(10, 5, 4) { FailsAt = 3 } };
        (IReadOnlyList<DeviceTime> times, int fastest) = race.Run();
        Assert.Equal(1, fastest);
        Assert.Equal(["fails at 0", null, "fails at 3"], times.Select(time => time.Problem));
        Assert.Equal([null, 10, null], times.Select(time => time.Milliseconds));
        Assert.True(race["lost"].IsDisposed);
    }

    [Fact]
    public void Where_all_fail_the_reasons_are_told()
    {
        Race race = new() { ["cpu"] = new(1) { FailsAt = 0 }, ["gpu"] = new(1) { FailsAt = 2 } };
        Assert.Equal("No device can do this. cpu: fails at 0 gpu: fails at 2", Assert.Throws<ThomasException>(() => race.Run()).Message);
        Assert.Equal("fails at 1", Assert.Throws<ThomasException>(() => new Race { ["cpu"] = new(1) { FailsAt = 1 } }.Run()).Message);
    }

    [Fact]
    public void It_ends_when_it_is_cancelled()
    {
        using CancellationTokenSource source = new();
        Race race = new() { ["cpu"] = new(10, 10) };
        race["cpu"].Ran = runs =>
        {
            if (runs == 3) source.Cancel();
        };
        Assert.Throws<OperationCanceledException>(() => race.Run(source.Token));
        Assert.Equal((3, true), (race["cpu"].Runs, race["cpu"].IsDisposed));
    }

    [Fact]
    public void The_choice_is_told()
    {
        DeviceChoice choice = new()
        {
            Compile = new CompileOptions(),
            Name = "opencl:0",
            Work = "inference of one image",
            Times =
            [
                new DeviceTime("cpu", "avx2, 2 threads", 12.345, 0.5, false, null), new DeviceTime("opencl:0", "GPU, driver 1", 3, 2, true, null),
                new DeviceTime("opencl:1", "Odd\u001b", null, 0, false, "it is lost"),
            ],
        };
        Assert.Equal(
            """
            cpu            12.3 ms  avx2, 2 threads; compiling took 0.50 s
            opencl:0       3.00 ms  GPU, driver 1; compiling took 2.00 s, stopped early
            opencl:1        failed  Odd\x1b: it is lost
            opencl:0 is the fastest for inference of one image
            """,
            choice.ToText(), ignoreLineEndingDifferences: true);
        Assert.Equal(
            "opencl:0 is the fastest for inference of one image: cpu 12.3 ms, opencl:0 3.00 ms, opencl:1 failed; timed in an earlier run",
            (choice with { IsRemembered = true }).ToLine());
    }

    /// <summary>Devices by name, in order.</summary>
    private sealed class Race : TimeProvider, System.Collections.IEnumerable
    {
        private readonly List<(string Name, FakeDevice Device)> _devices = [];
        private long _microseconds;

        public IEnumerable<FakeDevice> Values => _devices.Select(one => one.Device);

        public TimeSpan Elapsed => TimeSpan.FromMicroseconds(_microseconds);

        public override long TimestampFrequency => 1_000_000;

        public FakeDevice this[string name]
        {
            get => _devices.Single(one => one.Name == name).Device;
            set => _devices.Add((name, value));
        }

        public override long GetTimestamp() => _microseconds;

        public (IReadOnlyList<DeviceTime> Times, int Fastest) Run(CancellationToken cancellation = default)
        {
            _microseconds = 0;
            return DeviceRace.Run(
                [.. _devices.Select((one, i) => new DeviceCandidate(one.Name, "", one.Name, new CompileOptions { DeviceNumber = i }))],
                options => _devices[options.DeviceNumber!.Value].Device.Start(ms => _microseconds += (long)(1e3 * ms)), this, cancellation);
        }

        public System.Collections.IEnumerator GetEnumerator() => _devices.GetEnumerator();
    }

    /// <param name="milliseconds">Times of the runs; the last one goes on.</param>
    private sealed class FakeDevice(params double[] milliseconds) : IDeviceTrial
    {
        private Action<double> _wait = _ => { };

        public int? FailsAt { get; init; }

        public Action<int>? Ran { get; set; }

        public int Runs { get; private set; }

        public bool IsDisposed { get; private set; }

        public FakeDevice Start(Action<double> wait)
        {
            (_wait, Runs, IsDisposed) = (wait, 0, false);
            wait(3000);
            return FailsAt == 0 ? throw new ThomasException("fails at 0") : this;
        }

        public void Run()
        {
            _wait(milliseconds[Math.Min(Runs, milliseconds.Length - 1)]);
            Runs++;
            if (Runs == FailsAt) throw new ThomasException($"fails at {Runs}");
            Ran?.Invoke(Runs);
        }

        public void Dispose() => IsDisposed = true;
    }
}
