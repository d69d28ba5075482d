using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Cli.Output;
using Thomas.Cli.Reports;
using Thomas.Runtime;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas devices</c>: what there is to compute with.</summary>
internal sealed class DevicesCommand
{
    private const string OpenCl = "not in this version";

    public static Command Create(Terminal terminal)
    {
        Command command = new("devices", "List what there is to compute with");
        terminal.Bind(command, _ => Run(terminal));
        return command;
    }

    private static int Run(Terminal terminal)
    {
        DevicesReport report = new(
            ThomasCommand.Version,
            ProcessorName(),
            RuntimeInformation.ProcessArchitecture.ToString(),
            Machine.Tier,
            Machine.VectorBits,
            Machine.Processors,
            Machine.PerformanceProcessors,
            Caches("/sys/devices/system/cpu/cpu0/cache"),
            OpenCl);
        if (terminal.Json)
        {
            terminal.WriteJson(report, ReportJson.Default.DevicesReport);
            return ExitCode.Success;
        }

        terminal.Say(report.Version);
        terminal.Say();
        terminal.Field("cpu", $"{report.Processor}\n{Machine.Description}\n{Format.Plural(report.Processors, "processor")}, {report.PerformanceProcessors} used by default");
        if (report.Caches.Count > 0) terminal.Field("", string.Join('\n', report.Caches));
        terminal.Field("serial", "the scalar definition of every operator on one thread: the baseline to compare with");
        terminal.Field("opencl", report.OpenCl);
        return ExitCode.Success;
    }

    private static string ProcessorName()
    {
        if (OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") is { Length: > 0 } identifier) return identifier;
        foreach (string line in Lines("/proc/cpuinfo"))
        {
            if (line.StartsWith("model name", StringComparison.Ordinal) || line.StartsWith("Hardware", StringComparison.Ordinal)) return line[(line.IndexOf(':') + 1)..].Trim();
        }

        return RuntimeInformation.ProcessArchitecture.ToString();
    }

    // Linux and Android tell; elsewhere the list is empty.
    private static List<string> Caches(string folder)
    {
        List<string> caches = [];
        for (int i = 0; Directory.Exists(Path.Combine(folder, $"index{i}")); i++)
        {
            string level = First(folder, i, "level"), type = First(folder, i, "type"), size = First(folder, i, "size"), shared = First(folder, i, "shared_cpu_list");
            if (size.Length > 0) caches.Add($"L{level} {type.ToLowerInvariant()} cache {size.Replace("K", " KiB", StringComparison.Ordinal)} (shared by processors {shared})");
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
