using System;
using System.Buffers;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>The head of a report: what the program knows of itself and the machine.</summary>
internal static class ReportHeaders
{
    // What needs no quotes in any shell.
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@%=");

    /// <summary>The head of a report that begins now; its duration and whether it is complete are for the end of the run.</summary>
    /// <param name="command">The command as <see cref="CommandLine"/> writes it.</param>
    /// <param name="seed">The seed of everything random.</param>
    /// <param name="devices">Devices besides the CPU, as <see cref="DeviceOf"/> describes them.</param>
    public static ReportHeader Create(string command, ulong seed, params IReadOnlyList<ReportDevice> devices)
    {
        string version = typeof(ReportHeaders).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        int plus = version.IndexOf('+');
        return new ReportHeader
        {
            Began = DateTimeOffset.Now,
            Seconds = 0,
            IsComplete = false,
            Version = $"thomas {(plus < 0 ? version : version[..plus])}",
            Commit = plus < 0 ? null : version[(plus + 1)..],
            Command = command,
            Seed = seed,
            Processor = Processor.Name(),
            Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
            Tier = Machine.Tier,
            Processors = Machine.Processors,
            PerformanceProcessors = Machine.PerformanceProcessors,
            MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            System = RuntimeInformation.OSDescription,
            Runtime = $"{RuntimeInformation.FrameworkDescription} ({(RuntimeFeature.IsDynamicCodeCompiled ? "JIT" : "NativeAOT")})",
            Devices = devices,
        };
    }

    /// <summary>The device besides the CPU that these options name; null if they name none.</summary>
    public static ReportDevice? DeviceOf(CompileOptions options)
    {
        if (options.Device is not (DeviceKind.OpenCl or DeviceKind.Hybrid)) return null;
        OpenClDevice device = OpenClDevice.Open(options);
        return new ReportDevice(device.Name, device.Info.Name, device.Info.Driver, device.Info.Platform);
    }

    /// <summary>What computes, as identities of cells name it: "serial", "cpu", "opencl:N" or "hybrid:N".</summary>
    public static string NameOf(CompileOptions options) => options.Device switch
    {
        DeviceKind.Serial => "serial",
        DeviceKind.Cpu => "cpu",
        DeviceKind.OpenCl => OpenClDevice.Open(options).Name,
        DeviceKind.Hybrid => OpenClDevice.Open(options).Name.Replace("opencl", "hybrid", StringComparison.Ordinal),
        _ => throw new System.Diagnostics.UnreachableException($"Unknown {options.Device}."),
    };

    /// <summary>A command that can be given again: arguments with characters that a shell would read are quoted as the shells of this system do it.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    public static string CommandLine(params IReadOnlyList<string> args)
    {
        StringBuilder command = new("thomas");
        foreach (string arg in args) command.Append(' ').Append(Quote(arg, OperatingSystem.IsWindows()));
        return command.ToString();
    }

    internal static string Quote(string arg, bool isWindows)
    {
        if (arg.Length > 0 && arg.AsSpan().IndexOfAnyExcept(Plain) < 0) return arg;
        return isWindows ? QuoteForWindows(arg) : $"'{arg.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    /// <summary>Between quotation marks, where backslashes count only in front of a quotation mark.</summary>
    private static string QuoteForWindows(string arg)
    {
        StringBuilder quoted = new("\"");
        int backslashes = 0;
        foreach (char c in arg)
        {
            if (c == '"') quoted.Append('\\', backslashes + 1);
            backslashes = c == '\\' ? backslashes + 1 : 0;
            quoted.Append(c);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
