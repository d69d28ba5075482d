using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.Sensors;

public sealed class SystemSensorsTests
{
    [Fact]
    public void A_laptop_has_everything()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        SystemSensors sensors = sys.Sensors;
        Assert.Empty(sensors.Absent);
        Assert.Equal(["x86_pkg_temp", "acpitz", "INT3400 Thermal", "iwlwifi_1"], sensors.Temperatures.Select(sensor => sensor.Name));
        Assert.Equal((61.0, "x86_pkg_temp"), sensors.Hottest());
        Assert.Equal((0.64, false), sensors.Power());
        BatterySensor battery = Assert.Single(sensors.Batteries);
        Assert.Equal(new BatteryState(0.64, BatteryFlow.Discharging, 14.25, null), Rounded(battery.Read()));
        Assert.Equal(["package-0", "psys", "core-0", "uncore-0"], sensors.Counters.Select(counter => counter.Name));
        Assert.Equal([true, false, false, false], sensors.Counters.Select(counter => counter.IsPackage));
        ClockSensor clock = Assert.Single(sensors.Clocks);
        Assert.Equal(("cpu 0-3", 2100.0), (clock.Name, clock.Read()!.Value));
    }

    [Fact]
    public void Zones_of_a_phone_that_are_no_temperatures_are_left_out()
    {
        using FakeSysfs sys = FakeSysfs.Snapdragon();
        SystemSensors sensors = sys.Sensors;
        Assert.Equal(
            ["cpu-0-0-usr", "cpu-1-3-usr", "gpuss-0-usr", "quiet-therm-usr", "battery", "pm8150_tz"], sensors.Temperatures.Select(sensor => sensor.Name));
        Assert.Equal(
            [
                TemperaturePlace.Processor, TemperaturePlace.Processor, TemperaturePlace.Graphics, TemperaturePlace.Skin, TemperaturePlace.Battery,
                TemperaturePlace.Other,
            ],
            sensors.Temperatures.Select(sensor => sensor.Place));
        Assert.Equal((61.7, "cpu-1-3-usr"), sensors.Hottest());
        BatteryState battery = Rounded(sensors.Batteries[0].Read());
        Assert.Equal(new BatteryState(0.81, BatteryFlow.Discharging, 3.198, 34.1), battery);
        Assert.Equal(["cpu 0-3", "cpu 4-6", "cpu 7"], sensors.Clocks.Select(clock => clock.Name));
        Assert.Equal([892.8, 1209.6, 1420.8], sensors.Clocks.Select(clock => Math.Round(clock.Read()!.Value, 6)));
        Assert.Contains("RAPL", Assert.Single(sensors.Absent), StringComparison.Ordinal);
    }

    [Fact]
    public void A_Raspberry_Pi_says_what_it_lacks()
    {
        using FakeSysfs sys = FakeSysfs.RaspberryPi();
        SystemSensors sensors = sys.Sensors;
        Assert.Equal((51.121, "cpu-thermal"), sensors.Hottest());
        Assert.Equal((null, null), sensors.Power());
        Assert.Equal(1500, Assert.Single(sensors.Clocks).Read());
        Assert.Equal(
            ["No battery: the system lists none.", "No energy counter: the system offers no RAPL"], sensors.Absent.Select(text => text.Split(" (")[0]));
    }

    [Fact]
    public void A_virtual_machine_has_nothing_and_says_so_of_each_kind()
    {
        using FakeSysfs sys = new();
        SystemSensors sensors = sys.Sensors;
        Assert.Null(sensors.Hottest());
        Assert.Equal((null, null), sensors.Power());
        Assert.Empty(sensors.TakeLost());
        Assert.Equal(["No temperature", "No battery", "No energy counter", "No clock"], sensors.Absent.Select(text => text.Split(':')[0]));
    }

    [Fact]
    public void A_system_without_the_folder_says_it_once()
    {
        using FakeSysfs sys = new();
        SystemSensors sensors = new(sys["nowhere"]);
        Assert.Contains("Linux and Android only", Assert.Single(sensors.Absent), StringComparison.Ordinal);
        Assert.Null(sensors.Hottest());
    }

    [Fact]
    public void This_machine_can_be_asked()
    {
        SystemSensors sensors = new();
        sensors.Hottest();
        sensors.Power();
        foreach (EnergyCounter counter in sensors.Counters) counter.Read();
        foreach (string absent in sensors.Absent) Assert.EndsWith(".", absent, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_left_out_and_harm_nothing()
    {
        using FakeSysfs sys = new();
        string[] damaged =
        [
            "", "\n", "warm", "12 34", "99999999999999999999", "-9223372036854775808", "0x30", "nan", "4e4", new string('7', 100_000), "51000\0",
        ];
        for (int i = 0; i < damaged.Length; i++)
        {
            sys.Zone(i, "cpu-thermal", 0);
            File.WriteAllText(sys[$"class/thermal/thermal_zone{i}/temp"], damaged[i]);
            foreach (string file in (string[])["capacity", "status", "voltage_now", "current_now", "power_now", "temp", "energy_now", "energy_full"])
            {
                sys.Supply($"BAT{i}", "Battery", (file, ""));
                File.WriteAllText(sys[$"class/power_supply/BAT{i}/{file}"], damaged[i]);
            }

            sys.Counter($"intel-rapl:{i}", $"package-{i}", 0);
            File.WriteAllText(sys[$"class/powercap/intel-rapl:{i}/energy_uj"], damaged[i]);
            sys.Clock(i, 0, 1_000_000);
            File.WriteAllText(sys[$"devices/system/cpu/cpu{i}/cpufreq/scaling_cur_freq"], damaged[i]);
        }

        Directory.CreateDirectory(sys["class/thermal/thermal_zone90/temp"]);
        Directory.CreateDirectory(sys["class/thermal/thermal_zone91/type"]);
        sys.Write("class/thermal/thermal_zone92/temp", 47_000);
        File.WriteAllBytes(sys["class/thermal/thermal_zone92/temp"], Encoding.ASCII.GetBytes("47000"));
        sys.Write("class/thermal/thermal_zone_junk", "a file");
        SystemSensors sensors = sys.Sensors;

        // The last one has no type, so its folder's name stands for it.
        Assert.Equal(["thermal_zone92"], sensors.Temperatures.Select(sensor => sensor.Name));
        Assert.Equal((47.0, "thermal_zone92"), sensors.Hottest());
        Assert.Equal((null, null), sensors.Power());
        Assert.Empty(sensors.Counters);
        foreach (BatterySensor battery in sensors.Batteries) Assert.Equal(new BatteryState(null, BatteryFlow.Unknown, null, null), battery.Read());
        Assert.All(sensors.Clocks, clock => Assert.Null(clock.Read()));
    }

    [Fact]
    public void A_folder_with_thousands_of_entries_is_cut()
    {
        using FakeSysfs sys = new();
        for (int i = 0; i < 700; i++) sys.Zone(i, "cpu", 40_000);
        Assert.Equal(512, sys.Sensors.Temperatures.Count);
    }

    [Fact]
    public void What_only_root_may_read_is_said_to_be_so()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess || OperatingSystem.IsWindows(), "the system denies nothing to root");
        using FakeSysfs sys = FakeSysfs.Laptop();
        foreach (string path in Directory.EnumerateFiles(sys.Root, "*", SearchOption.AllDirectories))
        {
            if (!OperatingSystem.IsWindows() && Path.GetFileName(path) is "energy_uj" or "temp" or "type" or "scaling_cur_freq")
            {
                File.SetUnixFileMode(path, UnixFileMode.None);
            }
        }

        SystemSensors sensors = sys.Sensors;
        Assert.Contains(sensors.Absent, text => text.Contains("may not read the thermal zones", StringComparison.Ordinal));
        Assert.Contains(sensors.Absent, text => text.StartsWith("No battery: this process may not read", StringComparison.Ordinal));
        Assert.Contains(sensors.Absent, text => text.StartsWith("No energy counter: only root may read", StringComparison.Ordinal));
        Assert.Contains(sensors.Absent, text => text.StartsWith("No clock: this process may not read", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tsens_tz_sensor3", 47, 47.0)]
    [InlineData("tsens_tz_sensor3", 387, 38.7)]
    [InlineData("tsens_tz_sensor3", 41_000, 41.0)]
    [InlineData("cpu-thermal", 41_500, 41.5)]
    [InlineData("cpu-thermal", -12_000, -12.0)]
    public void Old_kernels_give_other_units(string type, long value, double celsius)
    {
        using FakeSysfs sys = new();
        sys.Zone(0, type, value);
        Assert.Equal(celsius, sys.Sensors.Temperatures[0].Read()!.Value, 1e-9);
    }

    [Theory]
    [InlineData("x86_pkg_temp", nameof(TemperaturePlace.Processor))]
    [InlineData("TCPU", nameof(TemperaturePlace.Processor))]
    [InlineData("cpu_thermal", nameof(TemperaturePlace.Processor))]
    [InlineData("soc-thermal", nameof(TemperaturePlace.Processor))]
    [InlineData("BIG", nameof(TemperaturePlace.Processor))]
    [InlineData("LITTLE", nameof(TemperaturePlace.Processor))]
    [InlineData("mtktscpu", nameof(TemperaturePlace.Processor))]
    [InlineData("cpuss-2-usr", nameof(TemperaturePlace.Processor))]
    [InlineData("tsens_tz_sensor12", nameof(TemperaturePlace.Processor))]
    [InlineData("bigcore0-thermal", nameof(TemperaturePlace.Processor))]
    [InlineData("G3D", nameof(TemperaturePlace.Graphics))]
    [InlineData("gpu-thermal", nameof(TemperaturePlace.Graphics))]
    [InlineData("VIRTUAL-SKIN", nameof(TemperaturePlace.Skin))]
    [InlineData("quiet_therm", nameof(TemperaturePlace.Skin))]
    [InlineData("mtktsAP", nameof(TemperaturePlace.Skin))]
    [InlineData("mtktsbattery", nameof(TemperaturePlace.Battery))]
    [InlineData("bat_therm", nameof(TemperaturePlace.Battery))]
    [InlineData("acpitz", nameof(TemperaturePlace.Other))]
    [InlineData("pch_cannonlake", nameof(TemperaturePlace.Other))]
    [InlineData("pm8998_tz", nameof(TemperaturePlace.Other))]
    public void Names_say_what_is_measured(string type, string place) => Assert.Equal(Enum.Parse<TemperaturePlace>(place), TemperatureSensor.PlaceOf(type));

    [Fact]
    public void Other_zones_count_only_where_there_is_nothing_better()
    {
        using FakeSysfs sys = new();
        sys.Zone(0, "acpitz", 127_000);
        Assert.Equal((127.0, "acpitz"), sys.Sensors.Hottest());
        sys.Zone(1, "x86_pkg_temp", 50_000);
        Assert.Equal((50.0, "x86_pkg_temp"), sys.Sensors.Hottest());
    }

    [Fact]
    public void Chips_stand_in_where_no_zone_covers_a_processor()
    {
        using FakeSysfs sys = new();
        sys.Zone(0, "acpitz", 20_000);
        sys.Write("class/hwmon/hwmon0/name", "nvme");
        sys.Write("class/hwmon/hwmon0/temp1_input", 70_000);
        sys.Write("class/hwmon/hwmon1/name", "k10temp");
        sys.Write("class/hwmon/hwmon1/temp1_input", 63_250);
        Assert.Equal((63.25, "k10temp"), sys.Sensors.Hottest());
        sys.Zone(1, "cpu-thermal", 55_000);
        Assert.Equal((55.0, "cpu-thermal"), sys.Sensors.Hottest());
    }

    [Theory]
    [InlineData("Discharging", null, false)]
    [InlineData("Discharging", 1, false)]
    [InlineData("Charging", 1, true)]
    [InlineData("Full", 1, true)]
    [InlineData("Full", null, true)]
    [InlineData("Not charging", 1, true)]
    [InlineData("Not charging", 0, false)]
    [InlineData("Unknown", 1, true)]
    [InlineData("Unknown", 0, false)]
    [InlineData("Unknown", null, null)]
    public void A_battery_that_rests_asks_the_supply(string status, int? online, bool? expected)
    {
        using FakeSysfs sys = new();
        sys.Battery("BAT0", 50, status);
        if (online is int value) sys.Supply("AC", "Mains", ("online", value));
        Assert.Equal((0.5, expected), sys.Sensors.Power());
    }

    [Theory]
    [InlineData(14_000_000L, null, null, 14.0)]
    [InlineData(-14_000_000L, null, null, 14.0)]
    [InlineData(null, 500_000L, 4_000_000L, 2.0)]
    [InlineData(null, -500_000L, 4_000_000L, 2.0)]
    [InlineData(null, 500L, 4_000_000L, 2.0)]
    [InlineData(null, -500L, 4_000L, 2.0)]
    [InlineData(0L, 500_000L, 4_000_000L, 2.0)]
    [InlineData(null, 500_000L, null, null)]
    [InlineData(null, 500_000L, -1L, null)]
    [InlineData(long.MinValue, long.MinValue, 4_000_000L, null)]
    [InlineData(9_000_000_000_000L, null, null, null)]
    public void Power_has_the_signs_and_units_of_laptops_and_phones(long? power, long? current, long? voltage, double? watts)
    {
        using FakeSysfs sys = new();
        sys.Battery("battery", 50, "Discharging");
        foreach ((string file, long? value) in new[] { ("power_now", power), ("current_now", current), ("voltage_now", voltage) })
        {
            if (value is long given) sys.Write($"class/power_supply/battery/{file}", given);
        }

        double? read = sys.Sensors.Batteries[0].Read().Watts;
        Assert.Equal(watts is null, read is null);
        if (watts is double expected) Assert.Equal(expected, read!.Value, 1e-9);
    }

    [Theory]
    [InlineData("capacity", 104, null, null, 1.0)]
    [InlineData("capacity", -1, null, null, null)]
    [InlineData("capacity", 250, null, null, null)]
    [InlineData("energy_now", 20, "energy_full", 50, 0.4)]
    [InlineData("charge_now", 20, "charge_full", 50, 0.4)]
    [InlineData("charge_now", 20, "charge_full", 0, null)]
    public void The_charge_is_known_from_several_files(string file, int value, string? fullFile, int? full, double? share)
    {
        using FakeSysfs sys = new();
        sys.Supply("BAT1", "Battery", (file, value));
        if (fullFile is not null) sys.Write($"class/power_supply/BAT1/{fullFile}", full!.Value);
        Assert.Equal(share, sys.Sensors.Power().Share);
    }

    [Fact]
    public void A_sensor_that_vanishes_is_told_once_and_may_come_back()
    {
        using FakeSysfs sys = FakeSysfs.Laptop();
        SystemSensors sensors = sys.Sensors;
        Directory.Delete(sys["class/thermal/thermal_zone2"], recursive: true);
        Directory.Delete(sys["class/power_supply/BAT0"], recursive: true);
        List<string> lost = [];
        for (int i = 0; i < 5; i++)
        {
            sensors.Hottest();
            lost.AddRange(sensors.TakeLost());
        }

        Assert.Equal(["x86_pkg_temp", "BAT0"], lost);
        Assert.Equal("iwlwifi_1", sensors.Hottest()!.Value.Name);
        sys.Zone(2, "x86_pkg_temp", 71_000);
        Assert.Equal((71.0, "x86_pkg_temp"), sensors.Hottest());
        Assert.Empty(sensors.TakeLost());
    }

    private static BatteryState Rounded(BatteryState state) => state with { Watts = state.Watts is double watts ? Math.Round(watts, 6) : null };
}
