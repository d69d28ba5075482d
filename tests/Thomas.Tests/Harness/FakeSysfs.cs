using System;
using System.IO;
using Thomas.Runtime;
using Thomas.Tests.Data;

namespace Thomas.Tests.Harness;

/// <summary>A folder that stands for /sys.</summary>
internal sealed class FakeSysfs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FakeSysfs() => Directory.CreateDirectory(Root);

    public string Root => _folder["sys"];

    public SystemSensors Sensors => new(Root);

    public string this[string path] => Path.Combine(Root, path);

    public void Write(string path, object contents)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllText(this[path], FormattableString.Invariant($"{contents}\n"));
    }

    public void Zone(int number, string type, long temperature)
    {
        Write($"class/thermal/thermal_zone{number}/type", type);
        Temperature(number, temperature);
    }

    public void Temperature(int zone, long temperature) => Write($"class/thermal/thermal_zone{zone}/temp", temperature);

    public void Supply(string name, string type, params (string File, object Contents)[] files)
    {
        Write($"class/power_supply/{name}/type", type);
        foreach ((string file, object contents) in files) Write($"class/power_supply/{name}/{file}", contents);
    }

    public void Battery(string name, int percent, string status) => Supply(name, "Battery", ("capacity", percent), ("status", status));

    public void Counter(string folder, string name, long count, long range = 262_143_328_850)
    {
        Write($"class/powercap/{folder}/name", name);
        Write($"class/powercap/{folder}/max_energy_range_uj", range);
        Count(folder, count);
    }

    public void Count(string folder, long count) => Write($"class/powercap/{folder}/energy_uj", count);

    public void Clock(int processor, long kilohertz, long highest, string file = "scaling_cur_freq")
    {
        Write($"devices/system/cpu/cpu{processor}/cpufreq/{file}", kilohertz);
        Write($"devices/system/cpu/cpu{processor}/cpufreq/cpuinfo_max_freq", highest);
    }

    /// <summary>A laptop: two packages' worth of counters are not usual, so one with its parts; a battery and a mouse with one.</summary>
    public static FakeSysfs Laptop()
    {
        FakeSysfs sys = new();
        sys.Zone(0, "acpitz", 27_800);
        sys.Zone(1, "INT3400 Thermal", 20_000);
        sys.Zone(2, "x86_pkg_temp", 61_000);
        sys.Zone(3, "iwlwifi_1", 45_000);
        sys.Supply("AC", "Mains", ("online", 0));
        sys.Supply(
            "BAT0", "Battery", ("status", "Discharging"), ("capacity", 64), ("voltage_now", 11_400_000), ("power_now", 14_250_000), ("energy_now", 32_000_000),
            ("energy_full", 50_000_000));
        sys.Supply("hidpp_battery_0", "Battery", ("scope", "Device"), ("capacity", 3), ("status", "Discharging"));
        sys.Counter("intel-rapl:0", "package-0", 1_000_000);
        sys.Counter("intel-rapl:0:0", "core", 400_000);
        sys.Counter("intel-rapl:0:1", "uncore", 100_000);
        sys.Counter("intel-rapl:1", "psys", 9_000_000);
        sys.Counter("intel-rapl-mmio:0", "package-0", 1_000_000);
        for (int cpu = 0; cpu < 4; cpu++) sys.Clock(cpu, 1_800_000 + (cpu * 200_000), 4_700_000);
        return sys;
    }

    /// <summary>A phone with Qualcomm's names, in which not all zones are temperatures.</summary>
    public static FakeSysfs Snapdragon()
    {
        FakeSysfs sys = new();
        string[] types =
        [
            "cpu-0-0-usr", "cpu-1-3-usr", "gpuss-0-usr", "quiet-therm-usr", "battery", "pm8150_tz", "pm8150b-ibat-lvl0", "pm8150b-vbat-lvl0", "soc",
            "modem-0-usr",
        ];
        long[] values = [58_300, 61_700, 52_000, 39_250, 34_000, 37_000, 3_100, 4_200, 81, -273_000];
        for (int i = 0; i < types.Length; i++) sys.Zone(i, types[i], values[i]);
        sys.Supply(
            "battery", "Battery", ("status", "Discharging"), ("capacity", 81), ("voltage_now", 3_900_000), ("current_now", -820_000), ("temp", 341),
            ("charge_now", 2_500_000));
        sys.Supply("usb", "USB_PD", ("online", 0));
        for (int cpu = 0; cpu < 8; cpu++)
        {
            long highest = cpu < 4 ? 1_785_600 : cpu < 7 ? 2_419_200 : 2_841_600;
            sys.Clock(cpu, highest / 2, highest);
        }

        return sys;
    }

    public static FakeSysfs RaspberryPi()
    {
        FakeSysfs sys = new();
        sys.Zone(0, "cpu-thermal", 51_121);
        for (int cpu = 0; cpu < 4; cpu++) sys.Clock(cpu, 1_500_000, 1_500_000, "cpuinfo_cur_freq");
        Directory.CreateDirectory(sys["class/power_supply"]);
        return sys;
    }

    public void Dispose() => _folder.Dispose();
}
