using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Thomas.Imaging;
using Thomas.Study;

namespace Thomas.Benchmarks;

/// <summary>
/// How far the comparison of two reports can be trusted: pairs of runs of the same program, each a process of its own, and pairs whose second run is slowed
/// down by waiting after each sample.
/// </summary>
internal static class DiffTrial
{
    public static int Run(ReadOnlySpan<string> args)
    {
        int pairs = 20;
        double slowdown = 1.1;
        string? child = null;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--pairs") pairs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--slowdown") slowdown = double.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--child") child = args[++i];
        }

        if (child is not null)
        {
            Measure(child, slowdown);
            return 0;
        }

        int found = 0, alarms = 0, cells = 0, wrongCells = 0, foundCells = 0;
        List<double> equal = [], slowed = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            StudyReport first = InProcess(1), second = InProcess(1), slow = InProcess(slowdown);
            StudyDiff same = StudyDiff.Of(first, second), slower = StudyDiff.Of(first, slow);
            int wrong = same.Count(CellChange.Slower) + same.Count(CellChange.Faster);
            alarms += wrong > 0 ? 1 : 0;
            wrongCells += wrong;
            foundCells += slower.Count(CellChange.Slower);
            cells += same.Cells.Count(cell => cell.Change != CellChange.Shown);
            found += slower.Count(CellChange.Slower) > 0 ? 1 : 0;
            equal.AddRange(same.Cells.Where(cell => cell.Change != CellChange.Shown).Select(cell => cell.Ratio));
            slowed.AddRange(slower.Cells.Where(cell => cell.Change != CellChange.Shown).Select(cell => cell.Ratio));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"pair {pair + 1}: equal {string.Join(' ', Ratios(same))} ({wrong} wrong), slowed {string.Join(' ', Ratios(slower))} "
                + $"({slower.Count(CellChange.Slower)} found)"));
        }

        equal.Sort();
        slowed.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{found} of {pairs} slowdowns by {slowdown} found ({foundCells} of {cells} cells), {alarms} of {pairs} false alarms ({wrongCells} of {cells} "
            + $"cells); ratios of equal pairs {equal[0]:F3} to {equal[^1]:F3}, of slowed ones {slowed[0]:F3} to {slowed[^1]:F3}"));
        return 0;
    }

    private static IEnumerable<string> Ratios(StudyDiff diff) =>
        diff.Cells.Where(cell => cell.Change != CellChange.Shown).Select(cell => cell.Ratio.ToString("F3", CultureInfo.InvariantCulture));

    private static StudyReport InProcess(double slowdown)
    {
        string path = Path.GetTempFileName();
        using Process process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!,
            [
                .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(DiffTrial).Assembly.Location] : Array.Empty<string>(),
                "difftrial", "--child", path, "--slowdown", slowdown.ToString(CultureInfo.InvariantCulture),
            ]))!;
        process.WaitForExit();
        StudyReport report = JsonSerializer.Deserialize(File.ReadAllBytes(path), StudyJson.Default.StudyReport)!;
        File.Delete(path);
        return report;
    }

    /// <summary>The times of the quick study on one thread.</summary>
    private static void Measure(string path, double slowdown)
    {
        StudyPlan quick = StudyPresets.Get("quick");
        StudyPlan plan = quick with
        {
            Experiments = [.. quick.Experiments.Where(one => one.Measure.Contains(StudyExperiment.TimesMeasure)).Select(
                one => one with { Devices = ["cpu"], Threads = [1] })],
        };
        ReportHeader header = new()
        {
            Began = DateTimeOffset.Now,
            Seconds = 0,
            IsComplete = true,
            Version = "",
            Command = "",
            Seed = 1,
            Processor = "",
            Architecture = "",
            Tier = "",
            Processors = 1,
            PerformanceProcessors = 1,
            MemoryBytes = 1,
            System = "",
            Runtime = "",
        };
        string folder = Directory.CreateTempSubdirectory("thomas-trial").FullName;
        StudySources sources = new(1, folder, new Dictionary<string, string>(), new SkiaImageDecoder());
        using (StudyJournal journal = StudyJournal.Create(folder, new StudyOrigin(plan.ToJson(), header, new Dictionary<string, string>())))
        using (StudyContext context = new(plan, sources, null) { Slowdown = slowdown })
        {
            StudyReport report = new StudyRunner(context, journal).Run(null, CancellationToken.None);
            File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(report, StudyJson.Default.StudyReport));
        }

        Directory.Delete(folder, recursive: true);
    }
}
