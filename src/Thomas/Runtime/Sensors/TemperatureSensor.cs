using System;
using System.IO;

namespace Thomas.Runtime;

/// <summary>What a temperature is measured at.</summary>
internal enum TemperaturePlace
{
    /// <summary>The processor's cores or the chip that they are on.</summary>
    Processor,

    /// <summary>The graphics processor.</summary>
    Graphics,

    /// <summary>The case, or where the system estimates it.</summary>
    Skin,

    /// <summary>The battery.</summary>
    Battery,

    /// <summary>Something else, or something whose name says nothing.</summary>
    Other,
}

/// <summary>A temperature that the system offers.</summary>
/// <param name="path">The file with the number.</param>
/// <param name="name">As the system calls it.</param>
/// <param name="place">What is measured.</param>
/// <param name="unitsPerDegree">1000 for thousandths of a degree, 10 for tenths.</param>
internal sealed class TemperatureSensor(string path, string name, TemperaturePlace place, double unitsPerDegree) : SensorHealth(name)
{
    // Sensors that are switched off report 0 K or a fixed number far away.
    private const double Lowest = -40, Highest = 150;

    /// <summary>What is measured.</summary>
    public TemperaturePlace Place => place;

    /// <summary>Degrees Celsius; null where they cannot be read now.</summary>
    public double? Read()
    {
        double? celsius = SysFile.ReadNumber(path, out long units) == SysFileState.Good ? Plausible(units / unitsPerDegree) : null;
        Note(celsius is not null);
        return celsius;
    }

    /// <summary>A thermal zone; null if it is no temperature or cannot be read.</summary>
    public static TemperatureSensor? OfZone(string folder, out bool isDenied)
    {
        isDenied = false;
        SysFileState state = SysFile.ReadText(Path.Combine(folder, "type"), out string type);
        if (state != SysFileState.Good) type = Path.GetFileName(folder);
        if (!IsTemperature(type)) return null;
        string path = Path.Combine(folder, "temp");
        state = SysFile.ReadNumber(path, out long units);
        isDenied = state == SysFileState.Denied;
        if (state != SysFileState.Good) return null;
        double unitsPerDegree = UnitsPerDegree(type, units);
        return Plausible(units / unitsPerDegree) is null ? null : new TemperatureSensor(path, type, PlaceOf(type), unitsPerDegree);
    }

    /// <summary>
    /// The first temperature of a chip of <c>class/hwmon</c> whose kind often has no thermal zone, such as AMD's processors; null for all other chips.
    /// </summary>
    public static TemperatureSensor? OfChip(string folder)
    {
        string name = SysFile.Text(Path.Combine(folder, "name"));
        TemperaturePlace? place = name switch
        {
            "k10temp" or "zenpower" or "coretemp" or "cpu_thermal" => TemperaturePlace.Processor,
            "amdgpu" or "radeon" or "nouveau" or "xe" or "i915" => TemperaturePlace.Graphics,
            _ => null,
        };
        string path = Path.Combine(folder, "temp1_input");
        if (place is null || SysFile.Number(path) is not long units || Plausible(units / 1000.0) is null) return null;
        return new TemperatureSensor(path, name, place.Value, 1000);
    }

    /// <summary>What a zone is about, by the names that x86, Qualcomm, Exynos, Tensor, MediaTek and the Raspberry Pi use.</summary>
    internal static TemperaturePlace PlaceOf(string type)
    {
        string name = type.ToLowerInvariant();
        if (Has("gpu") || Has("g3d")) return TemperaturePlace.Graphics;
        if (Has("skin") || Has("quiet") || Has("shell") || Has("case-therm") || name is "mtktsap" or "back_temp" or "tskn") return TemperaturePlace.Skin;
        if (Has("batt") || name.StartsWith("bat", StringComparison.Ordinal)) return TemperaturePlace.Battery;
        return Has("cpu") || Has("pkg") || Has("core") || Has("cluster") || name.StartsWith("soc", StringComparison.Ordinal)
            || name.StartsWith("tsens", StringComparison.Ordinal) || name is "big" or "mid" or "little" or "b0d4" or "ap" or "apss" or "k10temp"
            ? TemperaturePlace.Processor
            : TemperaturePlace.Other;

        bool Has(string part) => name.Contains(part, StringComparison.Ordinal);
    }

    /// <summary>Whether a zone is a temperature: Qualcomm's kernels also list voltages, currents and the battery's charge as zones.</summary>
    internal static bool IsTemperature(string type)
    {
        string name = type.ToLowerInvariant();
        return name is not ("soc" or "socd") && !Has("ibat") && !Has("vbat") && !Has("vph") && !Has("bcl") && !Has("-lvl") && !Has("_lvl");

        bool Has(string part) => name.Contains(part, StringComparison.Ordinal);
    }

    /// <summary>
    /// Thousandths of a degree, as the kernel's documentation says; but the sensors of Qualcomm's old kernels (tsens_tz_sensor0 ...) gave degrees or tenths.
    /// </summary>
    private static double UnitsPerDegree(string type, long units)
    {
        if (!type.StartsWith("tsens_tz", StringComparison.Ordinal) || units is < 0 or >= 2000) return 1000;
        return units < 150 ? 1 : 10;
    }

    /// <summary>A temperature that a device in use can have; null for the marks of sensors that are switched off or broken.</summary>
    internal static double? Plausible(double celsius) => celsius is > Lowest and < Highest ? celsius : null;
}
