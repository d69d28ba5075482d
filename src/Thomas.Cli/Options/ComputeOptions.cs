using System;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Tuning;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>What computes.</summary>
/// <param name="tuned">What is used where nothing else is asked for, as <c>devices --tune</c> found it.</param>
/// <param name="cache">Where the command keeps things.</param>
internal sealed class ComputeOptions(TuningChoice tuned, CacheOptions cache)
{
    private const string AutoName = "auto";

    private readonly Option<AskedDevice?> _device = Device();
    private readonly Option<string> _openCl = OpenClWords();
    private readonly Option<OpenClStorage?> _storage = Storage();

    private readonly Option<double?> _share = Parse.Number(
        "--device-share", "With --device hybrid: the share of each step's images that the OpenCL device takes (default: by measured speed)", 0.001, 0.999);

    private readonly Option<QuantizedRounding?> _rounding = Rounding();
    private readonly Option<int?> _threads = Parse.Number("--threads", "Threads of the cpu device (default: the performance cores)", 1, 256);

    public void AddTo(Command command)
    {
        AddDeviceTo(command);
        command.Add(_share);
    }

    /// <summary>For commands that run on one device.</summary>
    public void AddDeviceTo(Command command)
    {
        command.Add(_device);
        command.Add(_openCl);
        command.Add(_storage);
        command.Add(_threads);
        command.Add(_rounding);
    }

    /// <summary>What the device was chosen by; null where it was named.</summary>
    public DeviceChoice? Choice { get; private set; }

    /// <summary>The options for a command that does not time devices.</summary>
    /// <exception cref="UsageException">It is told to.</exception>
    public CompileOptions Read(ParseResult parsed) =>
        IsAuto(parsed) ? throw new UsageException("--device auto times the work of a run, and this command has none; name a device.") : ReadWhole(parsed);

    /// <summary>The options for inference, with the fastest device where that is asked for.</summary>
    public CompileOptions ReadFor(ParseResult parsed, Model model, int batch, Terminal terminal)
    {
        CompileOptions options = ReadWhole(parsed);
        return IsAuto(parsed) ? Chosen(DeviceChooser.ForInference(model, batch, options, terminal.Cancellation), terminal) : options;
    }

    /// <summary>The options for <c>train</c>, with the fastest device where that is asked for.</summary>
    public CompileOptions ReadFor(ParseResult parsed, Model model, Dataset learning, TrainerOptions training, Terminal terminal)
    {
        CompileOptions options = ReadNamed(parsed);
        if (!IsAuto(parsed)) return options;
        int images = learning.Only(Subset.Train).Samples.Count;
        return Chosen(DeviceChooser.ForTraining(model, images, training with { Compile = options }, terminal.Cancellation), terminal);
    }

    /// <summary>The options for <c>tune</c>, with the fastest device where that is asked for.</summary>
    public CompileOptions ReadFor(ParseResult parsed, Model model, Dataset data, TuningOptions tuning, Terminal terminal)
    {
        CompileOptions options = tuning.Network is null ? ReadWhole(parsed) : ReadNamed(parsed);
        if (!IsAuto(parsed)) return options;
        return Chosen(
            DeviceChooser.ForTuning(model, data.ClassNames.Count, data.Samples.Count, tuning with { Compile = options }, terminal.Cancellation), terminal);
    }

    /// <summary>The options but for a device that is yet to be chosen.</summary>
    public CompileOptions ReadNamed(ParseResult parsed) => (parsed.GetValue(_device)?.Options ?? new CompileOptions()) with
    {
        DeviceShare = Share(parsed),
        DeviceSettings = Words(parsed),
        DeviceCache = cache.DeviceFolder(parsed),
        Threads = parsed.GetValue(_threads) ?? tuned.Threads,
        QuantizedRounding = parsed.GetValue(_rounding) ?? default,
        BlockRows = tuned.BlockRows,
        BlockPanelBytes = tuned.BlockPanelBytes,
    };

    /// <summary>The device of these options and, where it was chosen, why.</summary>
    public string DescribeChosen(CompileOptions options) => Choice is null ? Describe(options) : $"{Describe(options)}; {Choice.ToLine()}";

    public static string Describe(CompileOptions options)
    {
        if (options.Device == DeviceKind.Serial) return "serial (scalar reference, one thread)";
        int threads = options.Threads > 0 ? options.Threads : Machine.PerformanceProcessors;
        string cpu = Format.Invariant($"cpu, {Machine.Tier}, {threads} {(threads == 1 ? "thread" : "threads")}");
        if (options.Device == DeviceKind.Cpu) return cpu;
        OpenClDevice device = OpenClDevice.Open(options);
        if (options.Device == DeviceKind.Hybrid)
        {
            string share = options.DeviceShare is double part ? Format.Invariant($", {part:P0} of the images of a step") : "";
            return $"{Describe(options.Unsplit)}; together with it{share}: {cpu}";
        }

        string settings = options.DeviceSettings.Length == 0 ? "" : $", {VisibleText.Of(options.DeviceSettings)}";
        return $"{device.Name}, {device.Info.Name}, driver {device.Info.Driver}{settings}; what it has no kernels for: {cpu}";
    }

    /// <summary>The options for work that is not split.</summary>
    private CompileOptions ReadWhole(ParseResult parsed)
    {
        CompileOptions options = ReadNamed(parsed);
        return options.Device == DeviceKind.Hybrid
            ? throw new UsageException("--device hybrid splits the steps of train and of tune with more than the last layer; name one device, or auto.")
            : options;
    }

    /// <summary>The words of <c>--opencl</c> and, behind them, that of <c>--opencl-storage</c>.</summary>
    private string Words(ParseResult parsed)
    {
        string words = parsed.GetValue(_openCl) ?? "";
        if (parsed.GetValue(_storage) is not OpenClStorage storage) return words;
        AskedDevice? device = parsed.GetValue(_device);
        bool mayBeOpenCl = device is { IsAuto: true } or { Options.Device: DeviceKind.OpenCl or DeviceKind.Hybrid };
        return storage == OpenClStorage.Float || mayBeOpenCl
            ? $"{words} storage={NameOf(storage)}".TrimStart()
            : throw new UsageException("--opencl-storage half needs an OpenCL device: --device opencl, hybrid or auto.");
    }

    private double? Share(ParseResult parsed)
    {
        double? share = parsed.GetValue(_share);
        return share is not null && parsed.GetValue(_device)?.Options.Device != DeviceKind.Hybrid
            ? throw new UsageException("--device-share needs --device hybrid.")
            : share;
    }

    private bool IsAuto(ParseResult parsed) => parsed.GetValue(_device) is { IsAuto: true };

    private CompileOptions Chosen(DeviceChoice choice, Terminal terminal)
    {
        Choice = choice;
        foreach (string line in choice.ToText().Split('\n')) terminal.Note(line);
        return choice.Compile;
    }

    /// <summary>Settings of OpenCL devices, which are checked whatever the device.</summary>
    private static Option<string> OpenClWords()
    {
        Option<string> option = new("--opencl")
        {
            Description = "How an OpenCL device is used, as words: local=SIZE, group=ITEMS, units=COUNT, buffer=SIZE, tiles=registers|local|items, "
                + "tune=off|fast|full, storage=float|half, launch=MILLISECONDS, slow=TIMES, upload=ahead|inline, transfer=copy|map, groups=1d|2d, "
                + "moments=fused|apart, blocks=fused|apart, separate, scalar, fast-math, blocking, profiling, no-binaries, one-by-one, no-self-test",
            HelpName = "words",
        };
        option.Validators.Add(static result =>
        {
            if (result.Tokens.Count != 1) return;
            try
            {
                _ = OpenClSettings.Parse(result.Tokens[0].Value);
            }
            catch (ThomasException e)
            {
                result.AddError($"--opencl: {e.Message}");
            }
        });
        return option;
    }

    /// <summary>How values of the forward pass lie in the memory of an OpenCL device: short for a word of its settings.</summary>
    private static Option<QuantizedRounding?> Rounding()
    {
        Option<QuantizedRounding?> option = new("--rounding")
        {
            Description = "How the sums of 8-bit layers are rounded: float, as in applications of TensorFlow Lite (XNNPACK) and in ONNX Runtime, or fixed, as "
                + "in TensorFlow Lite's built-in kernels (default float)",
            HelpName = "float|fixed",
        };
        option.CompletionSources.Add("float", "fixed");
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text is "float" or "fixed") return text == "float" ? QuantizedRounding.Float : QuantizedRounding.FixedPoint;
            result.AddError($"--rounding is '{text}'; it must be float or fixed.");
            return null;
        };
        return option;
    }

    private static Option<OpenClStorage?> Storage()
    {
        Option<OpenClStorage?> option = new("--opencl-storage")
        {
            Description = "How an OpenCL device stores activations: float, or half for 16-bit floats, which takes about half the memory and is faster where "
                + "memory is the limit; arithmetic, gradients and weights are float32 either way (default float)",
            HelpName = "float|half",
        };
        option.CompletionSources.Add(NameOf(OpenClStorage.Float), NameOf(OpenClStorage.Half));
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            foreach (OpenClStorage storage in Enum.GetValues<OpenClStorage>())
            {
                if (text == NameOf(storage)) return storage;
            }

            result.AddError($"--opencl-storage is '{text}'; it must be float or half.");
            return null;
        };
        return option;
    }

    private static string NameOf(OpenClStorage storage) => storage == OpenClStorage.Half ? "half" : "float";

    /// <summary>The device, by name and, where there are several, number.</summary>
    private static Option<AskedDevice?> Device()
    {
        Option<AskedDevice?> option = new("--device")
        {
            Description = "Compute device: SIMD kernels on all fast cores, the scalar baseline on one core, a device of OpenCL as 'thomas devices' numbers "
                + "them, hybrid for such a device and the CPU together, or auto for the fastest at this work, which is timed (default cpu; without N: "
                + "the first GPU, else the first device)",
            HelpName = "auto|cpu|serial|opencl[:N]|hybrid[:N]",
        };
        option.CompletionSources.Add(AutoName, DeviceName.Cpu, DeviceName.Serial, DeviceName.OpenCl, DeviceName.Hybrid);
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text == AutoName) return new AskedDevice(new CompileOptions(), IsAuto: true);
            if (DeviceName.TryParse(text, out DeviceKind kind, out int? number))
            {
                return new AskedDevice(new CompileOptions { Device = kind, DeviceNumber = number });
            }

            result.AddError($"--device is '{text}'; it must be one of auto, cpu, serial, opencl, opencl:N, hybrid, hybrid:N.");
            return null;
        };
        return option;
    }

    /// <summary>A device that was named, or that the fastest is wanted.</summary>
    private sealed record AskedDevice(CompileOptions Options, bool IsAuto = false);
}
