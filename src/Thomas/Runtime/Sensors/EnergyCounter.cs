using System;
using System.IO;

namespace Thomas.Runtime;

/// <summary>An energy counter of Intel's or AMD's processors (RAPL) below <c>class/powercap</c>. It runs up to a bound and begins again at zero.</summary>
/// <param name="path">The file with the count in microjoules.</param>
/// <param name="name">package-0, core, dram ...; parts with the package that they are in.</param>
/// <param name="range">The highest count in microjoules.</param>
internal sealed class EnergyCounter(string path, string name, long range) : SensorHealth(name)
{
    /// <summary>Whether this is a whole package: the cores and the graphics are parts of one.</summary>
    public bool IsPackage { get; } = name.StartsWith("package", StringComparison.Ordinal);

    /// <summary>The count in microjoules; null where it cannot be read.</summary>
    public long? Read()
    {
        long? count = SysFile.Number(path) is long read and >= 0 ? read : null;
        Note(count is not null);
        return count;
    }

    /// <summary>Joules from one count to a later one, between which it began again once at most.</summary>
    public double Joules(long before, long now) => (now >= before ? now - before : range - before + now) * 1e-6;

    /// <summary>The counter of a folder; null if it is none or cannot be read.</summary>
    public static EnergyCounter? Of(string folder, out bool isDenied)
    {
        isDenied = false;
        string name = SysFile.Text(Path.Combine(folder, "name")), path = Path.Combine(folder, "energy_uj");
        if (name.Length == 0) return null;
        SysFileState state = SysFile.ReadNumber(path, out long count);
        isDenied = state == SysFileState.Denied;
        long range = SysFile.Number(Path.Combine(folder, "max_energy_range_uj")) ?? 0;
        if (state != SysFileState.Good || count < 0 || range < count) return null;

        // intel-rapl:1:0 is a part of intel-rapl:1, and every package has parts of the same names.
        string[] numbers = Path.GetFileName(folder).Split(':');
        return new EnergyCounter(path, numbers.Length > 2 ? $"{name}-{numbers[1]}" : name, range);
    }
}
