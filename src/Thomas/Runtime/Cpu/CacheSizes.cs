using System;
using System.Globalization;
using System.IO;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>The machine's caches as Linux and Android list them.</summary>
internal static class CacheSizes
{
    /// <summary>Processors that are asked: on phones all; where there are more, they are of a kind.</summary>
    private const int MostProcessors = 16;

    /// <summary>The block sizes for this machine's caches.</summary>
    public static BlockSizes Blocks { get; } = BlockSizes.For(SecondLevelBytes("/sys/devices/system/cpu"));

    /// <summary>Bytes of the largest second-level cache of a processor (of the fast ones, where there are two kinds); 0 where they are not listed.</summary>
    internal static long SecondLevelBytes(string cpuFolder)
    {
        long largest = 0;
        try
        {
            for (int cpu = 0; cpu < MostProcessors && Directory.Exists(Path.Combine(cpuFolder, $"cpu{cpu}")); cpu++)
            {
                string folder = Path.Combine(cpuFolder, $"cpu{cpu}", "cache");
                for (int i = 0; Directory.Exists(Path.Combine(folder, $"index{i}")); i++)
                {
                    if (Text(folder, i, "level") == "2") largest = Math.Max(largest, Bytes(Text(folder, i, "size")));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }

        return largest;
    }

    private static string Text(string folder, int index, string name)
    {
        string path = Path.Combine(folder, $"index{index}", name);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }

    private static long Bytes(string size)
    {
        if (size.Length < 2) return 0;
        int shift = size[^1] switch { 'K' => 10, 'M' => 20, _ => -1 };
        return shift > 0 && uint.TryParse(size.AsSpan(0, size.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint count)
            ? (long)count << shift
            : 0;
    }
}
