using System;
using System.Globalization;
using System.IO;

namespace Thomas;

/// <summary>What the operating system counts as this process's memory: the pages that lie in RAM, of whatever origin.</summary>
internal static class ProcessMemory
{
    private const string Status = "/proc/self/status";

    /// <summary>Bytes at the moment.</summary>
    public static long ResidentBytes => Read("VmRSS:") ?? Environment.WorkingSet;

    /// <summary>The most that it has been since the process started; null where the system does not say.</summary>
    public static long? PeakBytes => Read("VmHWM:");

    /// <summary>Collects all garbage and gives what is free back to the system: worth it before a stage whose memory was planned.</summary>
    public static void Trim() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    private static long? Read(string field)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsAndroid()) return null;
        try
        {
            foreach (string line in File.ReadLines(Status))
            {
                if (!line.StartsWith(field, StringComparison.Ordinal)) continue;
                ReadOnlySpan<char> number = line.AsSpan(field.Length).Trim();
                int unit = number.IndexOf(' ');
                return long.TryParse(unit < 0 ? number : number[..unit], NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes)
                    ? kibibytes << 10
                    : null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not to be had in this container.
        }

        return null;
    }
}
