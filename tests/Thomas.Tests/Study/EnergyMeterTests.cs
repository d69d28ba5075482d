using System;
using System.IO;
using Thomas.Study;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class EnergyMeterTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void Packages_are_summed_and_parts_of_them_are_not()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        sys.Counter("intel-rapl:2", "package-1", 5_000_000);
        EnergyMeter meter = EnergyMeter.Begin(sys.Sensors, _clock);
        _clock.Pass(2);
        sys.Count("intel-rapl:0", 31_000_000);
        sys.Count("intel-rapl:0:0", 21_000_000);
        sys.Count("intel-rapl:2", 15_000_000);
        EnergyReading energy = meter.Read();
        Assert.Equal(40, energy.Joules!.Value, 1e-9);
        Assert.Equal(("RAPL package-0, package-1", null, 2.0), (energy.Source, energy.Problem, energy.Seconds));
        Assert.Equal(0.4, energy.JoulesOf(100)!.Value, 1e-9);
        Assert.Null(energy.JoulesOf(0));
    }

    [Fact]
    public void A_counter_that_begins_again_is_followed()
    {
        using FakeSysfs sys = new();
        sys.Counter("intel-rapl:0", "package-0", 900_000_000, range: 1_000_000_000);
        EnergyMeter meter = EnergyMeter.Begin(sys.Sensors, _clock);
        double expected = 0;
        foreach (long count in (long[])[950_000_000, 30_000_000, 999_000_000, 5_000_000])
        {
            sys.Count("intel-rapl:0", count);
            _clock.Pass(30);
            meter.Sample();
        }

        expected = 50 + 80 + 969 + 6;
        Assert.Equal(expected, meter.Read().Joules!.Value, 1e-6);
    }

    [Fact]
    public void A_counter_that_fails_once_is_caught_up_with_and_one_that_vanishes_is_not_made_up()
    {
        using FakeSysfs sys = new();
        sys.Counter("intel-rapl:0", "package-0", 0);
        EnergyMeter meter = EnergyMeter.Begin(sys.Sensors, _clock);
        File.Delete(sys["class/powercap/intel-rapl:0/energy_uj"]);
        meter.Sample();
        sys.Count("intel-rapl:0", 12_000_000);
        Assert.Equal(12, meter.Read().Joules!.Value, 1e-9);
        File.Delete(sys["class/powercap/intel-rapl:0/energy_uj"]);
        for (int i = 0; i < 3; i++) meter.Sample();
        EnergyReading energy = meter.Read();
        Assert.Null(energy.Joules);
        Assert.Equal("The energy counter package-0 can no longer be read.", energy.Problem);
    }

    [Fact]
    public void The_power_of_a_battery_is_integrated_over_time()
    {
        using FakeSysfs sys = FakeSysfs.Snapdragon();
        EnergyMeter meter = EnergyMeter.Begin(sys.Sensors, _clock);

        // 3.9 V: from 0.82 A to 1.82 A within 10 s, then as much for 20 s.
        sys.Write("class/power_supply/battery/current_now", 1_820_000);
        _clock.Pass(10);
        meter.Sample();
        _clock.Pass(20);
        EnergyReading energy = meter.Read();
        Assert.Equal(3.9 * ((1.32 * 10) + (1.82 * 20)), energy.Joules!.Value, 1e-6);
        Assert.Equal(("battery", 30.0), (energy.Source, energy.Seconds));
    }

    [Fact]
    public void A_battery_that_was_charged_meanwhile_says_nothing()
    {
        using FakeSysfs sys = FakeSysfs.Snapdragon();
        EnergyMeter meter = EnergyMeter.Begin(sys.Sensors, _clock);
        sys.Write("class/power_supply/battery/status", "Charging");
        _clock.Pass(10);
        meter.Sample();
        sys.Write("class/power_supply/battery/status", "Discharging");
        EnergyReading energy = meter.Read();
        Assert.Null(energy.Joules);
        Assert.Null(energy.Source);
        Assert.Contains("being charged", energy.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status", "Full", "did not run on its battery")]
    [InlineData("current_now", "none", "does not say its power")]
    public void A_battery_that_does_not_say_it_says_why(string file, string contents, string reason)
    {
        using FakeSysfs sys = FakeSysfs.Snapdragon();
        sys.Write($"class/power_supply/battery/{file}", contents);
        EnergyReading energy = EnergyMeter.Begin(sys.Sensors, _clock).Read();
        Assert.Null(energy.Joules);
        Assert.Contains(reason, energy.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_any_source_the_reason_is_that_of_the_system()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        EnergyReading energy = EnergyMeter.Begin(sys.Sensors, _clock).Read();
        Assert.Null(energy.Joules);
        Assert.StartsWith("No energy counter: the system offers no RAPL", energy.Problem, StringComparison.Ordinal);
    }
}
