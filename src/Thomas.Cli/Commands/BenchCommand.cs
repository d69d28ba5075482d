using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Studies;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Study;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas bench</c>: a study of speed and accuracy, which ends in a report.</summary>
internal sealed class BenchCommand
{
    private const string DefaultFolder = "thomas-bench";

    private readonly Terminal _terminal;
    private readonly Argument<string?> _file = new("study")
    {
        Description = "A JSON file that says what to measure, as --print writes one",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _preset = new("--preset")
    {
        Description = "What to measure where no file is given: quick (under two minutes), standard, or paper, which has the figures of the project's 2018 "
            + "report and wants data (default quick)",
        HelpName = "quick|standard|paper",
    };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = $"The folder of the report (default: {DefaultFolder} in the current folder)",
        HelpName = "folder",
    };
    private readonly Option<string[]> _model = Names("--model", "A model that the study has a name for; may be given several times");
    private readonly Option<string[]> _data = Names("--data", "A data set that the study has a name for; may be given several times");
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the unfinished study in the folder; what was measured is kept" };
    private readonly Option<bool> _print = new("--print") { Description = "Write the study as JSON instead of running it, to change it" };
    private readonly GuardOptions _guard = new();
    private readonly CacheOptions _cache = new();

    private BenchCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        Command command = new("bench", "Measure speed and accuracy on this machine, and write a report as a page, as text and as JSON");
        BenchCommand bench = new(terminal);
        bench._preset.CompletionSources.Add([.. StudyPresets.Names]);
        command.Add(bench._file);
        foreach (Option option in new Option[] { bench._preset, bench._output, bench._model, bench._data, bench._resume, bench._print }) command.Add(option);
        bench._guard.AddTo(command);
        bench._cache.AddTo(command);
        command.Add(BenchDiffCommand.Create(terminal));
        command.Add(BenchShowCommand.Create(terminal));
        terminal.Bind(command, bench.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? file = parsed.GetValue(_file);
        if (file is not null && parsed.GetValue(_preset) is not null) throw new UsageException("Give a file or --preset, not both.");
        StudyPlan plan = file is null ? Preset(parsed.GetValue(_preset) ?? StudyPresets.Names[0]) : ReadPlan(file);
        if (parsed.GetValue(_print))
        {
            _terminal.Out.WriteLine(plan.ToJson());
            return ExitCode.Success;
        }

        RunGuard? guard = _guard.Read(parsed);
        string folder = parsed.GetValue(_output) ?? DefaultFolder;
        SortedDictionary<string, string> names = new(StringComparer.Ordinal);
        Read(parsed, _model, names, isFolderAllowed: false);
        Read(parsed, _data, names, isFolderAllowed: true);
        CheckNames(plan, names);
        string? cache = _cache.Read(parsed, _terminal);
        StudyOrigin now = new(plan.ToJson(), ReportHeaders.Create(_terminal.CommandLine, plan.Seed, Devices(plan)), names);
        using StudyJournal journal = Open(folder, now, parsed.GetValue(_resume));
        string start = file is null ? Directory.GetCurrentDirectory() : Path.GetDirectoryName(Path.GetFullPath(file))!;
        using SensorLog sensors = new(new SystemSensors(GuardOptions.Root));
        using StudyContext context = new(plan, new StudySources(plan.Seed, start, names, ImageDecoders.Best()), cache)
        {
            Sensors = sensors,
            Guard = guard,
        };
        StudyRunner runner = new(context, journal);
        Announce(plan, runner, folder);
        StudyReport report = ProgressDisplay.Run(_terminal, [], progress => runner.Run(progress, _terminal.Cancellation));
        CacheFolder.Trim(cache);
        ReportFolder.Write(report, folder);
        if (report.Header.IsComplete) journal.Delete();
        Print(report, folder);
        if (report.Header.IsComplete) return ExitCode.Success;
        string why = runner.StopReason is string reason ? $"stopped: {reason}" : "cancelled";
        _terminal.Complain($"{why}; {runner.Done} of {runner.Total} visits are kept in '{folder}', and the same command with --resume goes on from there");
        return ExitCode.Cancelled;
    }

    private static Option<string[]> Names(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "name=path",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = static _ => [],
    };

    private static StudyPlan Preset(string name)
    {
        try
        {
            return StudyPresets.Get(name);
        }
        catch (ThomasException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static StudyPlan ReadPlan(string file)
    {
        try
        {
            return StudyPlan.Parse(InputFile.ReadText(file, InputFile.SettingsBytes), file);
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            throw new DataException($"The study '{file}' cannot be read: {e.Message}", e);
        }
    }

    private static List<ReportDevice> Devices(StudyPlan plan)
    {
        List<ReportDevice> devices = [];
        foreach (StudyExperiment one in plan.Experiments)
        {
            foreach (string name in one.Devices)
            {
                if (name is "serial" or "cpu" || OpenClDevices.Find().Devices.Count == 0) continue;
                try
                {
                    if (StudyDevice.Of(name, 0, StudyExperiment.Float, "").Describe() is ReportDevice device && !devices.Contains(device)) devices.Add(device);
                }
                catch (ThomasException)
                {
                    // The study itself says of each of its cells why it is absent.
                }
            }
        }

        return devices;
    }

    private static void Read(ParseResult parsed, Option<string[]> option, SortedDictionary<string, string> names, bool isFolderAllowed)
    {
        foreach (string pair in parsed.GetValue(option) ?? [])
        {
            int equals = pair.IndexOf('=');
            if (equals <= 0 || equals == pair.Length - 1) throw new UsageException($"{option.Name} is '{pair}'; it must be NAME=PATH.");
            string path = Path.GetFullPath(pair[(equals + 1)..]);
            if (!File.Exists(path) && !(isFolderAllowed && Directory.Exists(path))) throw new UsageException($"{option.Name} {pair}: there is no '{path}'.");
            if (!names.TryAdd(pair[..equals], path)) throw new UsageException($"The name '{pair[..equals]}' is given twice.");
        }
    }

    /// <summary>A name that the study does not have is a mistake, most likely of spelling.</summary>
    private static void CheckNames(StudyPlan plan, SortedDictionary<string, string> names)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        foreach (StudyExperiment one in plan.Experiments)
        {
            known.UnionWith(one.Models);
            known.UnionWith(one.Data);
            known.UnionWith(one.Compare);
        }

        foreach (string name in names.Keys)
        {
            if (!known.Contains(name)) throw new UsageException($"The study has no '{name}'; it has {string.Join(", ", known)}.");
        }
    }

    private static StudyJournal Open(string folder, StudyOrigin now, bool resume)
    {
        bool isUnfinished = File.Exists(Path.Combine(folder, StudyJournal.FileName));
        if (!resume)
        {
            ReportFolder.Check(folder);
            Directory.CreateDirectory(folder);
            return StudyJournal.Create(folder, now);
        }

        if (!isUnfinished) throw new OutputException($"'{folder}' holds no unfinished study, so there is nothing to --resume.");
        StudyJournal journal = StudyJournal.Open(folder);
        if (journal.Origin.Differs(now) is not string difference) return journal;
        journal.Dispose();
        throw new UsageException($"The study in '{folder}' cannot go on: {difference}.");
    }

    private void Announce(StudyPlan plan, StudyRunner runner, string folder)
    {
        if (_terminal.Quiet) return;
        string kept = runner.Done > 0 ? $", {runner.Done} of them done before" : "";
        _terminal.Field("study", $"{Format.Name(plan.Title)}: {Format.Plural(plan.Experiments.Count, "experiment")}, up to {runner.Total} visits{kept}");
        _terminal.Field("machine", $"{Processor.Name()}, {Machine.Tier}, {Format.Plural(Machine.Processors, "processor")}");
        _terminal.Field("report", Format.Name(folder));
        _terminal.Say();
    }

    private void Print(StudyReport report, string folder)
    {
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                new BenchReport(
                    folder, ReportFolder.Files(folder), report.Header.IsComplete, report.Timings.Count, report.Kernels.Count, report.Accuracies.Count,
                    report.Absent, report.Header.Seconds),
                ReportJson.Default.BenchReport);
            return;
        }

        StudyText.Print(report, line => _terminal.Say(line));
        _terminal.Say();
        _terminal.Field("report", string.Join('\n', ReportFolder.Files(folder)));
    }
}
