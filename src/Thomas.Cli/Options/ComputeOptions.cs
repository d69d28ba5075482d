using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using Thomas.App;
using Thomas.App.Tuning;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;

namespace Thomas.Cli.Options;

/// <summary>What computes.</summary>
/// <param name="tuned">What is used where nothing else is asked for, as <c>devices --tune</c> found it.</param>
internal sealed class ComputeOptions(TuningChoice tuned)
{
    private const string OpenClName = "opencl";

    private readonly Option<CompileOptions?> _device = Device();
    private readonly Option<string> _openCl = new("--opencl")
    {
        Description = "How an OpenCL device is used, as words: local=SIZE, buffer=SIZE, group=ITEMS, tiles=registers|local|items, tune=off|fast|full, "
            + "fast-math, blocking, profiling",
        HelpName = "words",
    };

    private readonly Option<int?> _threads = Parse.Number("--threads", "Threads of the cpu device (default: the performance cores)", 1, 256);

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_openCl);
        AddThreadsTo(command);
    }

    /// <summary>For commands that leave no choice of the device.</summary>
    public void AddThreadsTo(Command command) => command.Add(_threads);

    public CompileOptions Read(ParseResult parsed) => (parsed.GetValue(_device) ?? new CompileOptions()) with
    {
        DeviceSettings = parsed.GetValue(_openCl) ?? "",
        DeviceCache = Path.Combine(CacheFolder.Default(), OpenClName),
        Threads = parsed.GetValue(_threads) ?? tuned.Threads,
        BlockRows = tuned.BlockRows,
        BlockPanelBytes = tuned.BlockPanelBytes,
    };

    public static string Describe(CompileOptions options)
    {
        if (options.Device == DeviceKind.Serial) return "serial (scalar reference, one thread)";
        int threads = options.Threads > 0 ? options.Threads : Machine.PerformanceProcessors;
        string cpu = Format.Invariant($"cpu, {Machine.Tier}, {threads} {(threads == 1 ? "thread" : "threads")}");
        if (options.Device == DeviceKind.Cpu) return cpu;
        OpenClDevice device = OpenClDevice.Open(options);
        string settings = options.DeviceSettings.Length == 0 ? "" : $", {VisibleText.Of(options.DeviceSettings)}";
        return $"{device.Name}, {device.Info.Name}, driver {device.Info.Driver}{settings}; what it has no kernels for: {cpu}";
    }

    /// <summary>The device, by name and, where there are several, number.</summary>
    private static Option<CompileOptions?> Device()
    {
        Option<CompileOptions?> option = new("--device")
        {
            Description = "Compute device: SIMD kernels on all fast cores, the scalar baseline on one core, or a device of OpenCL as 'thomas devices' numbers "
                + "them (default cpu; opencl is opencl:0)",
            HelpName = "cpu|serial|opencl[:N]",
        };
        option.CompletionSources.Add("cpu", "serial", OpenClName);
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            switch (text)
            {
                case "cpu": return new CompileOptions();
                case "serial": return new CompileOptions { Device = DeviceKind.Serial };
                case OpenClName: return new CompileOptions { Device = DeviceKind.OpenCl };
            }

            if (text.StartsWith($"{OpenClName}:", StringComparison.Ordinal)
                && int.TryParse(text.AsSpan(OpenClName.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return new CompileOptions { Device = DeviceKind.OpenCl, DeviceNumber = number };
            }

            result.AddError($"--device is '{text}'; it must be one of cpu, serial, opencl, opencl:N.");
            return null;
        };
        return option;
    }
}
