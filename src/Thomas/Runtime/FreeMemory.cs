using System;
using System.Globalization;
using System.IO;

namespace Thomas.Runtime;

/// <summary>
/// Refuses what the machine cannot hold. Linux grants almost any request and ends the process when the memory is written, or swaps without end, so large pieces
/// are compared with what is free before they are allocated.
/// </summary>
internal static class FreeMemory
{
    // Smaller pieces are not worth a look.
    private const long LeastChecked = 64L << 20;

    /// <summary>Bytes that the system says it can give, swap included, but no more than what the process may have.</summary>
    public static long Bytes =>
        Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes is > 0 and long most ? most : long.MaxValue, Available("/proc/meminfo"));

    /// <summary>Throws if a piece is larger than what is free.</summary>
    /// <exception cref="NotEnoughMemoryException">It is.</exception>
    public static void Require(long bytes)
    {
        if (bytes < LeastChecked) return;
        long free = Bytes;
        if (bytes > free) throw Missing(bytes, free);
    }

    /// <summary>The error for a piece that was refused.</summary>
    public static NotEnoughMemoryException Missing(long bytes, long free, Exception? cause = null) => new(
        $"Not enough memory: a block of {ByteSize.Format(bytes)} is needed, and {ByteSize.Format(free)} are free. Close other programs, or use a smaller "
        + $"batch, smaller images or a smaller model.", bytes, cause);

    /// <summary>The sum of what a file like /proc/meminfo lists as available and as free swap; the largest number where there is none.</summary>
    internal static long Available(string file)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsAndroid()) return long.MaxValue;
        try
        {
            long available = -1, swap = 0;
            foreach (string line in File.ReadLines(file))
            {
                if (line.StartsWith("MemAvailable:", StringComparison.Ordinal)) available = KibiBytes(line);
                else if (line.StartsWith("SwapFree:", StringComparison.Ordinal)) swap = KibiBytes(line);
            }

            return available < 0 ? long.MaxValue : available + swap;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return long.MaxValue;
        }
    }

    private static long KibiBytes(string line)
    {
        ReadOnlySpan<char> number = line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1).Trim();
        int unit = number.IndexOf(' ');
        return checked(long.Parse(unit < 0 ? number : number[..unit], NumberStyles.None, CultureInfo.InvariantCulture) * 1024);
    }
}
