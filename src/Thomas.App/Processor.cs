using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace Thomas.App;

/// <summary>What the system says of its processor.</summary>
internal static class Processor
{
    /// <summary>The processor as the system calls it.</summary>
    public static string Name()
    {
        if (OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") is { Length: > 0 } identifier) return identifier;
        foreach (string line in Lines("/proc/cpuinfo"))
        {
            if (line.StartsWith("model name", StringComparison.Ordinal) || line.StartsWith("Hardware", StringComparison.Ordinal))
            {
                return line[(line.IndexOf(':') + 1)..].Trim();
            }
        }

        return RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>The caches of the first processor as the system lists them; Linux and Android do, elsewhere the list is empty.</summary>
    public static List<string> Caches()
    {
        const string folder = "/sys/devices/system/cpu/cpu0/cache";
        List<string> caches = [];
        for (int i = 0; Directory.Exists(Path.Combine(folder, $"index{i}")); i++)
        {
            string level = First(folder, i, "level"), type = First(folder, i, "type"), size = First(folder, i, "size"),
                shared = First(folder, i, "shared_cpu_list");
            if (size.Length > 0)
            {
                caches.Add($"L{level} {type.ToLowerInvariant()} cache {size.Replace("K", " KiB", StringComparison.Ordinal)} (shared by processors {shared})");
            }
        }

        return caches;
    }

    private static string First(string folder, int index, string name)
    {
        foreach (string line in Lines(Path.Combine(folder, $"index{index}", name))) return line.Trim();
        return "";
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
