using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Tuning;
using Thomas.Cli.Output;
using Thomas.Imaging;
using Thomas.Kernels.OpenCl;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas devices</c>: the available compute devices.</summary>
internal sealed class DevicesCommand
{
    public static Command Create(Terminal terminal)
    {
        Command command = new("devices", "List the available compute devices");
        Option<bool> tune = new("--tune")
        {
            Description = "Find the fastest number of threads and block sizes for this machine in a few seconds, and keep them; results do not change",
        };
        Option<string> folder = new("--cache-dir")
        {
            Description = "Folder to save the choice in (default: the user's cache folder; other commands read it from there only)",
            HelpName = "folder",
        };
        Option<bool> selfTest = new("--self-test")
        {
            Description = "Try every program of every OpenCL device on small inputs, which takes a minute or two, and keep what comes out; without it a "
                + "program is tried when it is first needed",
        };
        command.Add(tune);
        command.Add(selfTest);
        command.Add(folder);
        terminal.Bind(
            command, parsed => Run(
                terminal, parsed.GetValue(tune) ? parsed.GetValue(folder) ?? CacheFolder.Default() : null, parsed.GetValue(folder) is null,
                parsed.GetValue(folder) ?? CacheFolder.Default(), parsed.GetValue(selfTest)));
        return command;
    }

    private static int Run(Terminal terminal, string? tuningFolder, bool isDefault, string cache, bool selfTest)
    {
        TuningReport? tuning = tuningFolder is null ? null : Tune(terminal, tuningFolder);
        DevicesReport report = new(
            ThomasCommand.Version,
            Processor.Name(),
            RuntimeInformation.ProcessArchitecture.ToString(),
            Machine.Tier,
            Machine.VectorBits,
            Machine.Processors,
            Machine.PerformanceProcessors,
            Processor.Caches(),
            OpenClReport(OpenClDevices.Find(), cache, selfTest, terminal),
            tuning)
        {
            Images = new ImagesReport(ImageDecoders.Best().Identity, ImageDecoders.SkiaProblem),
        };
        if (terminal.Json)
        {
            terminal.WriteJson(report, ReportJson.Default.DevicesReport);
            return ExitCode.Success;
        }

        terminal.Say(report.Version);
        terminal.Say();
        terminal.Field(
            "cpu",
            $"{report.Processor}\n{Machine.Description}\n{Format.Plural(report.Processors, "processor")}, {report.PerformanceProcessors} used by default");
        if (report.Caches.Count > 0) terminal.Field("", string.Join('\n', report.Caches));
        terminal.Field("serial", "the scalar definition of every operator on one thread: the baseline to compare with");
        terminal.Field("opencl", Describe(report.OpenCl));
        terminal.Field("images", ImageDecoders.Describe());
        if (tuning is not null)
        {
            List<string> lines = [
                .. tuning.Measured.Select(
                    m => Format.Invariant($"{Describe(m.Threads, m.BlockRows, m.BlockPanelBytes)}: {m.Milliseconds:F2} ms for MobileNetV2"))];
            string use = isDefault ? "from now on, unless --threads says otherwise" : $"saved, but other commands read it from {CacheFolder.Default()} only";
            terminal.Field("tuning", $"{string.Join('\n', lines)}\n{Describe(tuning.Threads, tuning.BlockRows, tuning.BlockPanelBytes)} {use}: {tuning.File}");
        }

        return ExitCode.Success;
    }

    private static OpenClReport OpenClReport(OpenClDevices found, string cache, bool selfTest, Terminal terminal)
    {
        OpenClSettings settings = OpenClSettings.Of(new CompileOptions());
        List<OpenClDeviceReport> devices = [];
        foreach (OpenClDeviceInfo d in found.Devices)
        {
            int number = devices.Count;
            OpenClDeviceReport report = new(
                number, d.Name, d.Vendor, d.Kind, d.Platform, d.Version, d.Language?.ToString(), d.Driver, d.ComputeUnits, d.Megahertz, d.MemoryBytes,
                d.LargestBuffer, d.LocalBytes, d.WorkGroup, d.Alignment, d.IsUnified, d.Extensions, d.Problem);
            if (d.Problem is null)
            {
                OpenClLimits limits = OpenClDevice.LimitsOf(d, settings);
                if (selfTest) terminal.Note($"self-test of {d.Name} ...");
                IReadOnlyList<OpenClVerdict> verdicts = selfTest
                    ? OpenClCheck.Run(number, cache, null, terminal.Cancellation)
                    : OpenClCheck.Recorded(d, cache);
                report = report with
                {
                    Use = new OpenClUseReport(
                        limits.WorkGroup, limits.LocalBytes, settings.LargestBuffer ?? d.LargestBuffer, limits.Family.ToString().ToLowerInvariant()),
                    SelfTest = new OpenClSelfTestReport(
                        verdicts.Count(v => v.Outcome == OpenClOutcome.Passed), verdicts.Count(v => v.Outcome == OpenClOutcome.Untested),
                        [.. verdicts.Where(v => v.Outcome == OpenClOutcome.Failed).Select(v => $"{v.Program}: {v.Detail}")]),
                };
            }

            devices.Add(report);
        }

        return new OpenClReport(found.Library, found.Problem, devices);
    }

    private static string Describe(OpenClReport report)
    {
        if (report.Problem is not null) return $"no devices: {report.Problem}";
        List<string> lines = [$"found by {report.Library}; --device opencl:N computes on device N"];
        foreach (OpenClDeviceReport device in report.Devices)
        {
            string memory = device.IsUnified ? "memory shared with the host" : "memory of its own";
            lines.Add($"{device.Number}  {device.Name} ({device.Kind}, {device.Platform}), driver {device.Driver}, OpenCL C {device.Language ?? "?"}");
            lines.Add(
                $"   {Format.Plural(device.ComputeUnits, "compute unit")}, {Format.Bytes(device.MemoryBytes)} of {memory}, buffers up to "
                + $"{Format.Bytes(device.LargestBuffer)}");
            lines.Add($"   {Format.Bytes(device.LocalBytes)} of local memory, work-groups of up to {device.WorkGroup} items");
            if (device.Problem is not null) lines.Add($"   of no use: {device.Problem}");
            if (device.Use is OpenClUseReport use)
            {
                lines.Add(
                    $"   used: work-groups of up to {use.WorkGroup} items, {Format.Bytes(use.LocalBytes)} of local memory, buffers up to "
                    + $"{Format.Bytes(use.LargestBuffer)}, tiles={use.Tiles}");
            }

            if (device.SelfTest is OpenClSelfTestReport test) lines.AddRange(Describe(test));
        }

        return string.Join('\n', lines);
    }

    private static IEnumerable<string> Describe(OpenClSelfTestReport test)
    {
        if (test.Passed + test.Untested + test.Failed.Count == 0)
        {
            yield return "   self-test: nothing tried yet; each program is tried when it is first needed (--self-test tries all)";
            yield break;
        }

        string untested = test.Untested == 0 ? "" : $", {test.Untested} not tried";
        yield return $"   self-test: {Format.Plural(test.Passed, "function")} right{untested}, {test.Failed.Count} wrong";
        foreach (string failed in test.Failed) yield return $"   not used, since its results are wrong: {failed}";
    }

    private static TuningReport Tune(Terminal terminal, string folder)
    {
        List<(TuningChoice Choice, double Milliseconds)> measured = [];
        TuningChoice best = MachineTuning.Find(Machine.Processors, Machine.PerformanceProcessors, measured, terminal.Cancellation);
        string file = new TuningRecord(Processor.Name(), Machine.Tier, Machine.Processors, best).Save(folder);
        TuningTimeReport[] times = [
            .. measured.Select(m => new TuningTimeReport(m.Choice.Threads, m.Choice.BlockRows, m.Choice.BlockPanelBytes, m.Milliseconds))];
        return new TuningReport(best.Threads, best.BlockRows, best.BlockPanelBytes, times, file);
    }

    private static string Describe(int threads, int rows, int panelBytes) =>
        Format.Plural(threads, "thread") + (rows == 0 ? "" : Format.Invariant($", blocks of {rows} rows"))
        + (panelBytes == 0 ? "" : Format.Invariant($", small weights up to {ByteSize.Format(panelBytes)}"));
}
