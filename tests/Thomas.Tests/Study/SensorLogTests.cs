using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.Study;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class SensorLogTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void It_records_every_kind_over_time()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        using SensorLog log = new(sys.Sensors, clock: _clock);
        for (int i = 0; i < 5; i++)
        {
            sys.Temperature(2, 60_000 + (i * 1000));
            sys.Count("intel-rapl:0", 1_000_000 + (i * 30_000_000));
            log.Sample();
            _clock.Pass(2);
        }

        SensorRecord record = log.ToRecord(TimeSpan.FromSeconds(7));
        Assert.Equal([60.0, 61, 62, 63, 64], Series(record, "x86_pkg_temp", "temperature", "°C").Values);
        Assert.Equal([0.0, 2, 4, 6, 8], Series(record, "x86_pkg_temp", "temperature", "°C").Seconds);
        SensorSeries power = Series(record, "package-0", "power", "W");
        Assert.Equal([15.0, 15, 15, 15], power.Values.Select(watts => Math.Round(watts, 9)));
        Assert.Equal([2.0, 4, 6, 8], power.Seconds);
        Assert.Equal(14.25, Series(record, "BAT0", "power", "W").Values[0], 1e-9);
        Assert.Equal(64, Series(record, "BAT0", "charge", "%").Values[0], 1e-9);
        Assert.Equal(2100, Series(record, "cpu 0-3", "clock", "MHz").Values[0], 1e-9);
        Assert.DoesNotContain(record.Series, series => series is { Name: "BAT0", Kind: "temperature" });
        Assert.Equal(120, record.Joules!.Value, 1e-9);
        Assert.Equal(("RAPL package-0", 7.0), (record.EnergySource, record.PausedSeconds));
        Assert.Empty(record.Absent);
    }

    [Fact]
    public void It_thins_when_it_is_full_and_keeps_peaks()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        using SensorLog log = new(sys.Sensors, TimeSpan.FromSeconds(1), most: 16, _clock);
        for (int i = 0; i < 1000; i++)
        {
            sys.Temperature(0, i == 700 ? 91_000 : 50_000);
            log.Sample();
            _clock.Pass(1);
        }

        SensorSeries series = Series(log.ToRecord(), "cpu-thermal", "temperature", "°C");
        Assert.InRange(series.Values.Count, 8, 16);
        Assert.Equal(91, series.Values.Max());
        Assert.Equal(series.Seconds.Order(), series.Seconds);
        Assert.True(series.Seconds[^1] > 990);
    }

    [Fact]
    public void Its_thread_samples_at_an_interval_that_doubles_when_it_is_full()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        using ManualResetEventSlim enough = new();
        List<TimeSpan> times = [];
        FakeClock clock = new();
        clock.Waited = wait =>
        {
            if (wait <= 12) times.Add(clock.Now);
            if (wait == 12) enough.Set();
            if (wait >= 12) Thread.Sleep(1);
        };
        SensorLog log = new(sys.Sensors, TimeSpan.FromSeconds(1), most: 4, clock);
        log.Start();
        log.Start();
        Assert.True(enough.Wait(TimeSpan.FromMinutes(1)));
        log.Dispose();
        log.Dispose();
        Assert.Equal([1, 1, 2, 2, 4, 4, 8, 8], times.Zip(times.Skip(1), (a, b) => (int)(b - a).TotalSeconds).Take(8));
    }

    [Fact]
    public void Its_thread_reads_counters_oftener_than_a_long_interval()
    {
        using FakeSysfs sys = new();
        sys.Counter("intel-rapl:0", "package-0", 0, range: 100_000_000);
        using ManualResetEventSlim enough = new();
        FakeClock clock = new();
        clock.Waited = wait =>
        {
            // 60 J every 30 s make 180 J from one sample to the next, in which a counter of 100 J begins again at least once.
            if (wait <= 30) sys.Count("intel-rapl:0", wait * 60_000_000L % 100_000_000);
            if (wait == 30) enough.Set();
            if (wait >= 30) Thread.Sleep(1);
        };
        using SensorLog log = new(sys.Sensors, TimeSpan.FromSeconds(90), clock: clock);
        log.Start();
        Assert.True(enough.Wait(TimeSpan.FromMinutes(1)));
        IReadOnlyList<double> watts = Series(log.ToRecord(), "package-0", "power", "W").Values;
        Assert.All(watts.Take(8), value => Assert.Equal(2, value, 1e-9));
    }

    [Fact]
    public void Meters_that_it_gave_out_are_sampled_with_it()
    {
        using FakeSysfs sys = new();
        sys.Counter("intel-rapl:0", "package-0", 0, range: 1_000_000_000);
        using SensorLog log = new(sys.Sensors, clock: _clock);
        EnergyMeter meter = log.BeginEnergy();

        // Three times around: only who looks in between can know.
        for (int i = 1; i <= 6; i++)
        {
            sys.Count("intel-rapl:0", i % 2 == 1 ? 600_000_000 : 100_000_000);
            log.Sample();
        }

        Assert.Equal(600 + 500 + 500 + 500 + 500 + 500, meter.Read().Joules!.Value, 1e-6);
        Assert.Equal(meter.Read().Joules!.Value, log.ToRecord().Joules!.Value, 1e-6);
        GC.KeepAlive(meter);
    }

    [Fact]
    public void What_is_absent_or_vanishes_is_said_once()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        using SensorLog log = new(sys.Sensors, clock: _clock);
        log.Sample();
        Directory.Delete(sys["class/thermal/thermal_zone0"], recursive: true);
        for (int i = 0; i < 6; i++) log.Sample();
        SensorRecord record = log.ToRecord();
        Assert.Null(record.Joules);
        Assert.Null(record.EnergySource);
        Assert.Single(Series(record, "cpu-thermal", "temperature", "°C").Values);
        Assert.Equal(3, record.Absent.Count);
        Assert.Equal("cpu-thermal could no longer be read during the run.", record.Absent[^1]);
    }

    [Fact]
    public void An_empty_machine_gives_an_empty_record_with_reasons()
    {
        using FakeSysfs sys = new();
        using SensorLog log = new(sys.Sensors, clock: _clock);
        log.Sample();
        SensorRecord record = log.ToRecord();
        Assert.Empty(record.Series);
        Assert.Equal(4, record.Absent.Count);
    }

    [Fact]
    public void A_phone_with_a_hundred_zones_gives_a_bounded_record()
    {
        using FakeSysfs sys = FakeSysfs.Snapdragon();
        for (int i = 10; i < 110; i++) sys.Zone(i, $"cpu-{i}", 50_000);
        using SensorLog log = new(sys.Sensors, clock: _clock);
        log.Sample();
        Assert.InRange(log.ToRecord().Series.Count, 12, 32);
    }

    private static SensorSeries Series(SensorRecord record, string name, string kind, string unit) =>
        Assert.Single(record.Series, series => (series.Name, series.Kind, series.Unit) == (name, kind, unit));
}
