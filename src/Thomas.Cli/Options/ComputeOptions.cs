using System.CommandLine;
using Thomas.App;
using Thomas.App.Tuning;
using Thomas.Runtime;

namespace Thomas.Cli.Options;

/// <summary>What computes.</summary>
/// <param name="tuned">What is used where nothing else is asked for, as <c>devices --tune</c> found it.</param>
internal sealed class ComputeOptions(TuningChoice tuned)
{
    private readonly Option<string> _device = Parse.Word(
        "--device", "Compute device: SIMD kernels on all fast cores, or the scalar baseline on one core (default cpu)", "cpu", "serial");
    private readonly Option<int?> _threads = Parse.Number("--threads", "Threads of the cpu device (default: the performance cores)", 1, 256);

    public void AddTo(Command command)
    {
        command.Add(_device);
        AddThreadsTo(command);
    }

    /// <summary>For commands that leave no choice of the device.</summary>
    public void AddThreadsTo(Command command) => command.Add(_threads);

    public CompileOptions Read(ParseResult parsed) => new()
    {
        Device = parsed.GetValue(_device) == "serial" ? DeviceKind.Serial : DeviceKind.Cpu,
        Threads = parsed.GetValue(_threads) ?? tuned.Threads,
        BlockRows = tuned.BlockRows,
        BlockPanelBytes = tuned.BlockPanelBytes,
    };

    public static string Describe(CompileOptions options)
    {
        if (options.Device == DeviceKind.Serial) return "serial (scalar reference, one thread)";
        int threads = options.Threads > 0 ? options.Threads : Machine.PerformanceProcessors;
        return Format.Invariant($"cpu, {Machine.Tier}, {threads} {(threads == 1 ? "thread" : "threads")}");
    }
}
