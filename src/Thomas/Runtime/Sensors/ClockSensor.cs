using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Runtime;

/// <summary>The clock of the processors of one kind: those of the same highest frequency, such as the large cores of a phone.</summary>
/// <param name="name">Which processors.</param>
/// <param name="paths">The files with the clocks in kHz.</param>
internal sealed class ClockSensor(string name, IReadOnlyList<string> paths) : SensorHealth(name)
{
    // Reading a clock may interrupt that processor, so not all of a large machine are asked.
    private const int MostRead = 8;

    private const long MostKilohertz = 20_000_000;

    /// <summary>Mean in MHz over processors of the kind; null where it cannot be read.</summary>
    public double? Read()
    {
        double sum = 0;
        int count = 0, step = (paths.Count + MostRead - 1) / MostRead;
        for (int i = 0; i < paths.Count; i += step)
        {
            if (SysFile.Number(paths[i]) is not (long kilohertz and > 0 and < MostKilohertz)) continue;
            sum += kilohertz * 1e-3;
            count++;
        }

        Note(count > 0);
        return count > 0 ? sum / count : null;
    }

    /// <summary>The kinds of processors below a folder like <c>devices/system/cpu</c>.</summary>
    public static List<ClockSensor> Find(string folder, out bool isDenied)
    {
        SortedDictionary<long, (List<int> Numbers, List<string> Paths)> kinds = [];
        isDenied = false;
        foreach (string processor in SysFile.Entries(folder, "cpu"))
        {
            if (!int.TryParse(Path.GetFileName(processor).AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int number)) continue;
            string clocks = Path.Combine(processor, "cpufreq"), path = Path.Combine(clocks, "scaling_cur_freq");
            SysFileState state = SysFile.ReadNumber(path, out _);
            if (state != SysFileState.Good)
            {
                isDenied |= state == SysFileState.Denied;
                path = Path.Combine(clocks, "cpuinfo_cur_freq");
                state = SysFile.ReadNumber(path, out _);
            }

            if (state != SysFileState.Good) continue;
            long highest = SysFile.Number(Path.Combine(clocks, "cpuinfo_max_freq")) ?? 0;
            if (!kinds.TryGetValue(highest, out (List<int> Numbers, List<string> Paths) kind)) kinds.Add(highest, kind = ([], []));
            kind.Numbers.Add(number);
            kind.Paths.Add(path);
        }

        List<ClockSensor> sensors = [];
        foreach ((List<int> numbers, List<string> paths) in kinds.Values) sensors.Add(new ClockSensor("cpu " + Ranges(numbers), paths));
        return sensors;
    }

    /// <summary>Rising numbers in short: 0-3,6.</summary>
    private static string Ranges(List<int> numbers)
    {
        List<string> ranges = [];
        for (int i = 0, end; i < numbers.Count; i = end + 1)
        {
            for (end = i; end + 1 < numbers.Count && numbers[end + 1] == numbers[end] + 1; end++)
            {
            }

            string first = numbers[i].ToString(CultureInfo.InvariantCulture);
            ranges.Add(end == i ? first : string.Create(CultureInfo.InvariantCulture, $"{first}-{numbers[end]}"));
        }

        return string.Join(',', ranges);
    }
}
