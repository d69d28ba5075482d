using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Runtime;

/// <summary>
/// The temperatures, batteries, clocks and energy counters that Linux and Android list below <c>/sys</c> and that this process may read. They are found once;
/// reading one never throws. Whatever kind there is nothing of is named in <see cref="Absent"/>.
/// </summary>
/// <remarks>
/// A virtual machine usually has none of them. Since Linux 5.10 only root may read RAPL. An app on Android may read the clocks; SELinux denies it the thermal
/// zones and the batteries on most devices (from Android 8 on), so an app takes these from BatteryManager and PowerManager instead, see
/// <see cref="RunGuard.Read"/>; the shell of adb may read more. Not safe for several threads at once.
/// </remarks>
internal sealed class SystemSensors
{
    /// <summary>Where Linux lists its devices.</summary>
    public const string SystemRoot = "/sys";

    private readonly List<string> _supplies = [];
    private readonly List<SensorHealth> _all = [];

    /// <param name="root">What stands for <c>/sys</c>; null for that of the system.</param>
    public SystemSensors(string? root = null)
    {
        root ??= SystemRoot;
        List<string> absent = [];
        bool exists = Directory.Exists(root);
        if (!exists) absent.Add($"Sensors are read on Linux and Android only: there is no folder {root}.");
        Temperatures = FindTemperatures(root, exists, absent);
        Batteries = FindBatteries(Path.Combine(root, "class", "power_supply"), exists, absent);
        Counters = FindCounters(Path.Combine(root, "class", "powercap"), exists, absent);
        string processors = Path.Combine(root, "devices", "system", "cpu");
        Clocks = ClockSensor.Find(processors, out bool isDenied);
        if (exists && Clocks.Count == 0)
        {
            absent.Add(isDenied ? $"No clock: this process may not read cpufreq below {processors}." : "No clock: the system offers no cpufreq.");
        }

        Absent = absent;
        _all.AddRange(Temperatures);
        _all.AddRange(Batteries);
        _all.AddRange(Counters);
        _all.AddRange(Clocks);
    }

    /// <summary>Temperatures, those first that tell most about a run.</summary>
    public IReadOnlyList<TemperatureSensor> Temperatures { get; }

    /// <summary>Batteries that the device runs on.</summary>
    public IReadOnlyList<BatterySensor> Batteries { get; }

    /// <summary>Clocks, the slowest kind of processor first.</summary>
    public IReadOnlyList<ClockSensor> Clocks { get; }

    /// <summary>Energy counters.</summary>
    public IReadOnlyList<EnergyCounter> Counters { get; }

    /// <summary>The kinds of sensors that there are none of, each a sentence that says why.</summary>
    public IReadOnlyList<string> Absent { get; }

    /// <summary>
    /// The highest temperature of processor, graphics, case and battery; of all others only if there is none of these, since their zones may report a constant.
    /// Null if none can be read.
    /// </summary>
    public (double Celsius, string Name)? Hottest()
    {
        (double Celsius, string Name)? known = null, other = null;
        foreach (TemperatureSensor sensor in Temperatures)
        {
            if (sensor.Read() is not double celsius) continue;
            ref (double Celsius, string Name)? most = ref sensor.Place == TemperaturePlace.Other ? ref other : ref known;
            if (most is null || celsius > most.Value.Celsius) most = (celsius, sensor.Name);
        }

        foreach (BatterySensor battery in Batteries)
        {
            if (battery.Read().Celsius is double celsius && (known is null || celsius > known.Value.Celsius)) known = (celsius, battery.Name);
        }

        return known ?? other;
    }

    /// <summary>The charge of all batteries as a share, and whether the device has other power than theirs; null where that is not known.</summary>
    public (double? Share, bool? IsCharging) Power()
    {
        double sum = 0;
        int count = 0;
        bool discharging = false, charging = false, resting = false;
        foreach (BatterySensor battery in Batteries)
        {
            BatteryState state = battery.Read();
            if (state.Share is double share) (sum, count) = (sum + share, count + 1);
            discharging |= state.Flow == BatteryFlow.Discharging;
            charging |= state.Flow == BatteryFlow.Charging;
            resting |= state.Flow == BatteryFlow.Resting;
        }

        // Of two batteries one may rest while the other is used. What rests alone, or does not say what it does, is asked from the supplies.
        bool? isCharging = charging ? true : discharging ? false : HasSupply() ?? (resting ? true : null);
        return (count > 0 ? sum / count : null, isCharging);
    }

    /// <summary>Sensors that were lost since the last call; each is named once.</summary>
    public List<string> TakeLost()
    {
        List<string> lost = [];
        foreach (SensorHealth sensor in _all)
        {
            if (sensor.TakeLoss()) lost.Add(sensor.Name);
        }

        return lost;
    }

    /// <summary>Whether a mains adapter, USB port or charging pad gives power; null where the system lists none.</summary>
    private bool? HasSupply()
    {
        bool? has = null;
        foreach (string supply in _supplies)
        {
            if (SysFile.Number(Path.Combine(supply, "online")) is long online) has = has == true || online > 0;
        }

        return has;
    }

    private static List<TemperatureSensor> FindTemperatures(string root, bool exists, List<string> absent)
    {
        List<TemperatureSensor> sensors = [];
        string folder = Path.Combine(root, "class", "thermal");
        List<string> zones = SysFile.Entries(folder, "thermal_zone");
        int denied = 0;
        foreach (string zone in zones)
        {
            if (TemperatureSensor.OfZone(zone, out bool isDenied) is TemperatureSensor sensor) sensors.Add(sensor);
            denied += isDenied ? 1 : 0;
        }

        // Chips only for what no zone covers: AMD's processors and graphics cards.
        HashSet<TemperaturePlace> covered = [];
        foreach (TemperatureSensor sensor in sensors) covered.Add(sensor.Place);
        foreach (string chip in SysFile.Entries(Path.Combine(root, "class", "hwmon"), "hwmon"))
        {
            if (TemperatureSensor.OfChip(chip) is TemperatureSensor sensor && !covered.Contains(sensor.Place)) sensors.Add(sensor);
        }

        if (exists && sensors.Count == 0)
        {
            absent.Add(
                denied > 0 ? $"No temperature: this process may not read the thermal zones of {folder} (apps on Android usually may not)."
                : zones.Count > 0 ? $"No temperature: none of the thermal zones of {folder} gives one."
                : "No temperature: the system lists no thermal zone (virtual machines usually have none).");
        }

        // A stable order: by what is measured, then as the system lists them.
        List<TemperatureSensor> ordered = [];
        foreach (TemperaturePlace place in Enum.GetValues<TemperaturePlace>()) ordered.AddRange(sensors.FindAll(sensor => sensor.Place == place));
        return ordered;
    }

    private List<BatterySensor> FindBatteries(string folder, bool exists, List<string> absent)
    {
        List<BatterySensor> batteries = [];
        bool denied = false;
        foreach (string supply in SysFile.Entries(folder))
        {
            if (BatterySensor.IsOne(supply, out bool isDenied)) batteries.Add(new BatterySensor(supply));
            else if (SysFile.Text(Path.Combine(supply, "type")) is not ("Battery" or "")) _supplies.Add(supply);
            denied |= isDenied;
        }

        if (exists && batteries.Count == 0)
        {
            absent.Add(
                denied ? $"No battery: this process may not read {folder} (apps on Android usually may not)." : "No battery: the system lists none.");
        }

        return batteries;
    }

    private static List<EnergyCounter> FindCounters(string folder, bool exists, List<string> absent)
    {
        List<EnergyCounter> counters = [];
        string? denied = null;

        // intel-rapl-mmio counts the same energy a second time.
        foreach (string zone in SysFile.Entries(folder, "intel-rapl:"))
        {
            if (EnergyCounter.Of(zone, out bool isDenied) is EnergyCounter counter) counters.Add(counter);
            if (isDenied) denied ??= Path.Combine(zone, "energy_uj");
        }

        if (exists && counters.Count == 0)
        {
            absent.Add(
                denied is not null
                ? $"No energy counter: only root may read those of the processor (RAPL), such as {denied}."
                : "No energy counter: the system offers no RAPL (only Intel's and AMD's processors have it, virtual machines usually do not).");
        }

        return counters;
    }
}
