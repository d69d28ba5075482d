using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.Sensors;

public sealed class GuardWatchTests
{
    private readonly FakeClock _clock = new();
    private readonly List<string> _told = [];
    private readonly List<string> _warnings = [];

    private GuardWatch Watch(RunGuard guard) =>
        new(guard with { Clock = _clock }, (_, message, _) => _told.Add(message), (_, message) => _warnings.Add(message));

    [Fact]
    public void It_pauses_while_hot_and_goes_on_when_cooled()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 80, SensorRoot = sys.Root });
        Assert.True(watch.Wait("train", default));
        Assert.Equal((TimeSpan.Zero, 0), (watch.Paused, watch.Count));
        sys.Temperature(2, 80_500);
        long[] later = [81_250, 78_000, 77_000, 76_900];
        _clock.Waited = wait => sys.Temperature(2, later[wait - 1]);
        Assert.True(watch.Wait("train", default));
        Assert.Equal(
            [
                "paused: 80.5 °C (x86_pkg_temp), goes on below 77 °C", "paused: 81.3 °C (x86_pkg_temp), goes on below 77 °C",
                "paused: 78 °C (x86_pkg_temp), goes on below 77 °C", "paused: 77 °C (x86_pkg_temp), goes on below 77 °C", "goes on after a pause of 20 s",
            ],
            _told);
        Assert.Equal((TimeSpan.FromSeconds(20), 1), (watch.Paused, watch.Count));
        PauseReport report = watch.ToReport();
        Assert.Equal(["paused once, 20 s in all, above 80 °C (hottest 81.3 °C, x86_pkg_temp)"], report.Reasons);
        Assert.Null(report.StopReason);
        Assert.Empty(_warnings);

        // 79 is below the limit: only a pause needs more.
        sys.Temperature(2, 79_000);
        Assert.True(watch.Wait("train", default));
        Assert.Equal(1, watch.Count);
    }

    [Fact]
    public void It_pauses_by_hand_saves_and_goes_on_at_once()
    {
        using PauseSwitch pause = new();
        GuardWatch watch = Watch(new RunGuard { Switch = pause });
        Assert.True(watch.Wait("train", default));
        Assert.False(watch.IsDue);
        pause.Set(true);
        Assert.True(watch.IsDue);
        List<PauseCause> causes = [];
        int saved = 0;
        _clock.Waited = wait =>
        {
            causes.Add(watch.Cause);
            if (wait == 2) pause.Set(false);
        };
        Assert.True(watch.Wait("train", default, () => saved++));
        Assert.Equal([PauseCause.User, PauseCause.User], causes);
        Assert.Equal((PauseCause.None, 1), (watch.Cause, saved));
        Assert.Equal("paused: by hand, goes on when it is resumed", _told[0]);
        Assert.Equal(["paused once, 10 s in all, by hand"], watch.ToReport().Reasons);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async System.Threading.Tasks.Task A_switch_ends_the_wait_of_another_thread()
    {
        using PauseSwitch pause = new();
        pause.Set(true);
        using ManualResetEventSlim paused = new();
        GuardWatch watch = new(
            new RunGuard { Switch = pause, Interval = TimeSpan.FromHours(1) }, (_, _, isPaused) =>
            {
                if (isPaused) paused.Set();
            },
            (_, _) => { });
        System.Threading.Tasks.Task<bool> waiting = System.Threading.Tasks.Task.Run(() => watch.Wait("train", default));
        Assert.True(paused.Wait(TimeSpan.FromSeconds(30)));
        pause.Set(false);
        Assert.True(await waiting.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void It_looks_no_oftener_than_its_interval()
    {
        int reads = 0;
        GuardWatch watch = Watch(new RunGuard
        {
            MaximumTemperature = 40,
            Interval = TimeSpan.FromSeconds(10),
            Read = () =>
            {
                reads++;
                return new GuardReading { Temperature = 30 };
            },
        });
        for (int step = 0; step < 100; step++)
        {
            if (watch.IsDue) Assert.True(watch.Wait("train", default));
            _clock.Pass(1);
        }

        Assert.Equal(10, reads);
    }

    [Fact]
    public void A_low_battery_waits_for_the_charger()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        GuardWatch watch = Watch(new RunGuard { MinimumBattery = 0.7, SensorRoot = sys.Root });
        int saved = 0;
        _clock.Waited = wait =>
        {
            if (wait < 720) return;
            sys.Write("class/power_supply/BAT0/status", "Charging");
            sys.Write("class/power_supply/AC/online", 1);
        };
        Assert.True(watch.Wait("train", default, () => saved++));
        Assert.Equal("paused: the battery is at 64 %, goes on when it is charged or reaches 72 %", _told[0]);
        Assert.Equal("goes on after a pause of 60 min", _told[^1]);
        Assert.Equal((1, 1), (saved, watch.Count));
        Assert.Equal(["paused once, 60 min in all, with the battery below 70 % (lowest 64 %)"], watch.ToReport().Reasons);
    }

    [Fact]
    public void Another_battery_that_is_full_enough_goes_on_too()
    {
        double share = 0.15;
        GuardWatch watch = Watch(new RunGuard { MinimumBattery = 0.2, Read = () => new GuardReading { Battery = share } });
        double[] later = [0.19, 0.20, 0.21, 0.22];
        _clock.Waited = wait => share = later[wait - 1];
        Assert.True(watch.Wait("train", default));
        Assert.Equal(4, _clock.Waits);
    }

    [Fact]
    public void A_low_battery_stops_if_that_is_wished()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        GuardWatch watch = Watch(new RunGuard { MinimumBattery = 0.7, LowBattery = LowBatteryAction.Stop, SensorRoot = sys.Root });
        int saved = 0;
        Assert.False(watch.Wait("train", default, () => saved++));
        Assert.Equal("the battery is at 64 %, below the limit of 70 %, and is not being charged", watch.StopReason);
        Assert.Equal((1, 0, 0), (saved, watch.Count, _clock.Waits));
        _clock.Pass(60);
        Assert.Equal(watch.StopReason, Assert.Throws<RunStoppedException>(() => watch.Pass("features", default)).Message);
        sys.Write("class/power_supply/BAT0/status", "Charging");
        Assert.True(watch.Wait("train", default));
    }

    [Fact]
    public void The_status_of_a_phone_pauses_without_a_temperature()
    {
        ThermalStatus status = ThermalStatus.Severe;
        GuardWatch watch = Watch(new RunGuard { Read = () => new GuardReading { Status = status } });
        _clock.Waited = wait => status = wait == 1 ? ThermalStatus.Critical : ThermalStatus.Moderate;
        Assert.True(watch.Wait("train", default));
        Assert.Equal("paused: the system's thermal status is Severe, goes on when it is Moderate or less", _told[0]);
        Assert.Equal(["paused once, 10 s in all, while the system's thermal status was above Moderate"], watch.ToReport().Reasons);
    }

    [Fact]
    public void A_pause_ends_when_the_run_is_canceled()
    {
        using CancellationTokenSource cancellation = new();
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 40, Read = static () => new GuardReading { Temperature = 50 } });
        _clock.Waited = wait =>
        {
            if (wait == 3) cancellation.Cancel();
        };
        Assert.True(watch.Wait("train", cancellation.Token));
        Assert.Equal(3, _clock.Waits);
        Assert.DoesNotContain(_told, text => text.StartsWith("goes on", StringComparison.Ordinal));
        _clock.Pass(60);
        Assert.ThrowsAny<OperationCanceledException>(() => watch.Pass("train", cancellation.Token));
    }

    [Fact]
    public void Limits_without_a_sensor_are_warned_of_at_once_and_once()
    {
        using FakeSysfs sys = new();
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 80, MinimumBattery = 0.2, SensorRoot = sys.Root });
        for (int i = 0; i < 6; i++) Assert.True(watch.Wait("train", default));
        Assert.Equal(
            [
                "the limit of 80 °C has no effect: No temperature: the system lists no thermal zone (virtual machines usually have none).",
                "the limit of 20 % battery has no effect: No battery: the system lists none.",
            ],
            _warnings);
        Assert.Equal(_warnings, watch.ToReport().Warnings);
    }

    [Fact]
    public void A_limit_takes_effect_when_its_sensor_appears()
    {
        double? celsius = null;
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 40, Read = () => new GuardReading { Temperature = celsius } });
        Assert.True(watch.Wait("train", default));
        Assert.Equal("the limit of 40 °C has no effect: the app gave no temperature.", Assert.Single(_warnings));
        celsius = 45;
        _clock.Waited = _ => celsius = 30;
        Assert.True(watch.Wait("train", default));
        Assert.Equal(1, watch.Count);
    }

    [Fact]
    public void A_sensor_that_vanishes_holds_for_two_looks_and_then_lets_the_run_go_on_with_a_warning()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 45, SensorRoot = sys.Root });
        _clock.Waited = wait =>
        {
            if (wait == 1) Directory.Delete(sys["class/thermal/thermal_zone0"], recursive: true);
        };
        Assert.True(watch.Wait("train", default));
        Assert.Equal(3, _clock.Waits);
        Assert.All(_told.Take(3), text => Assert.StartsWith("paused: 51.1 °C", text, StringComparison.Ordinal));
        Assert.Equal("the limit of 45 °C has no effect any more: The temperature can no longer be read.", Assert.Single(_warnings));
        for (int i = 0; i < 5; i++) Assert.True(watch.Wait("train", default));
        Assert.Single(_warnings);
    }

    [Fact]
    public void An_app_that_throws_does_not_end_the_run()
    {
        int reads = 0;
        GuardWatch watch = Watch(new RunGuard
        {
            MaximumTemperature = 40,
            Read = () => ++reads is 1 or 4 ? new GuardReading { Temperature = 30 } : throw new InvalidOperationException("The service is dead."),
        });
        for (int i = 0; i < 6; i++) Assert.True(watch.Wait("train", default));
        Assert.Empty(_warnings);
        Assert.True(watch.Wait("train", default));
        Assert.Equal("the limit of 40 °C has no effect any more: reading the device failed: The service is dead.", Assert.Single(_warnings));
    }

    [Fact]
    public void An_app_that_tells_nothing_is_warned_of()
    {
        GuardWatch watch = Watch(new RunGuard { Read = static () => new GuardReading { Temperature = double.NaN } });
        Assert.True(watch.Wait("train", default));
        Assert.Equal("the guard has no effect: the app gave no thermal status.", Assert.Single(_warnings));
    }

    [Fact]
    public void Several_reasons_at_once_are_all_counted()
    {
        GuardReading reading = new() { Temperature = 50, Battery = 0.1, IsCharging = false };
        GuardWatch watch = Watch(new RunGuard { MaximumTemperature = 45, MinimumBattery = 0.2, Read = () => reading });
        _clock.Waited = wait => reading = reading with { IsCharging = true, Temperature = wait < 3 ? 44 : 41 };
        Assert.True(watch.Wait("train", default));
        Assert.StartsWith("paused: the battery is at 10 %", _told[0], StringComparison.Ordinal);
        Assert.Equal("paused: 44 °C, goes on below 42 °C", _told[1]);
        Assert.Equal(2, watch.ToReport().Reasons.Count);
        Assert.Equal((TimeSpan.FromSeconds(15), 1), (watch.Paused, watch.Count));
    }

    public static TheoryData<RunGuard, string> Wrong => new()
    {
        { new RunGuard(), "needs a limit" },
        { new RunGuard { MaximumTemperature = double.NaN }, nameof(RunGuard.MaximumTemperature) },
        { new RunGuard { MaximumTemperature = 300 }, nameof(RunGuard.MaximumTemperature) },
        { new RunGuard { MaximumTemperature = 40, TemperatureHysteresis = -1 }, nameof(RunGuard.TemperatureHysteresis) },
        { new RunGuard { MinimumBattery = 20 }, nameof(RunGuard.MinimumBattery) },
        { new RunGuard { MinimumBattery = 0.2, BatteryHysteresis = double.NaN }, nameof(RunGuard.BatteryHysteresis) },
        { new RunGuard { MinimumBattery = 0.2, LowBattery = (LowBatteryAction)9 }, nameof(RunGuard.LowBattery) },
        { new RunGuard { MinimumBattery = 0.2, MaximumStatus = (ThermalStatus)9 }, nameof(RunGuard.MaximumStatus) },
        { new RunGuard { MinimumBattery = 0.2, Interval = TimeSpan.Zero }, nameof(RunGuard.Interval) },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void Wrong_limits_are_refused_by_name(RunGuard guard, string name) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(guard.Validate).Message, StringComparison.Ordinal);
}
