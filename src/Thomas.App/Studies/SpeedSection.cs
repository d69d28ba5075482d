using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Times of steps, inferences and other stages, experiment by experiment: devices side by side, every cell with its interval, charts.</summary>
internal static class SpeedSection
{
    // More bars make a chart that is longer than a page.
    private const int MostBars = 24, MostLines = 8;

    // Longer tables of single cells are shown when they are asked for.
    private const int MostRows = 24;

    public static List<ReportBlock> Of(IReadOnlyList<TimingCell> cells)
    {
        List<ReportBlock> blocks = [];
        if (cells.Count == 0) return blocks;
        blocks.Add(new ReportText(
            "Times are medians with the 95 % interval of the median (bootstrap). A ratio above 1 is faster. \"Machine\" is how much more a plain loop of "
            + "multiply-adds gained from the threads in the same moments: what more threads could gain at most while this was measured."));
        foreach ((string experiment, List<TimingCell> all) in ReportSections.Group(cells, cell => cell.Experiment))
        {
            blocks.Add(new ReportHeading(experiment));
            List<TimingCell> work = [.. all.Where(IsWork)], stages = [.. all.Where(cell => !IsWork(cell))];
            blocks.AddRange(Matrices(work));
            blocks.AddRange(Bars(work));
            blocks.AddRange(Sweeps(work));
            blocks.AddRange(Switches(work));
            blocks.AddRange(Details(work));
            blocks.AddRange(Stages(stages, work));
        }

        return blocks;
    }

    private static bool IsWork(TimingCell cell) => cell.Stage is TimingCell.Step or TimingCell.Inference;

    internal static bool IsDefault(TimingCell cell) => cell is { Type: "float32", Switches: "" };

    private static string DeviceOf(TimingCell cell) => Figures.Device(cell.Device, cell.Threads, cell.Type, cell.Switches);

    /// <summary>What is done: a step of a policy, or an inference.</summary>
    internal static string WorkOf(TimingCell cell) => cell.Stage == TimingCell.Step ? $"step, {cell.Policy}" : cell.Stage;

    /// <summary>A median, with its interval where there is one.</summary>
    internal static ReportCell Time(TimingSummary summary) => summary.Low == summary.High
        ? Figures.Time(summary.Median)
        : new ReportCell($"{Figures.Time(summary.Median)} ({Figures.TimeRange(summary.Median, summary.Low, summary.High)})")
        {
            Short = Figures.Time(summary.Median),
        };

    /// <summary>For each model a row of devices for each kind of work and batch.</summary>
    private static IEnumerable<ReportBlock> Matrices(List<TimingCell> work)
    {
        foreach ((string model, List<TimingCell> cells) in ReportSections.Group(work.Where(IsDefault), cell => cell.Model))
        {
            List<string> devices = [.. cells.Select(DeviceOf).Distinct()];
            if (devices.Count < 2) continue;
            List<ReportCell[]> rows = [];
            foreach (((string Work, int Batch) key, List<TimingCell> row) in ReportSections.Group(cells, cell => (WorkOf(cell), cell.Batch)))
            {
                ReportCell[] line = new ReportCell[2 + devices.Count];
                Array.Fill(line, Figures.None);
                (line[0], line[1]) = (key.Work, Format.Invariant($"{key.Batch}"));
                foreach (TimingCell cell in row) line[2 + devices.IndexOf(DeviceOf(cell))] = Time(cell.Summary);
                rows.Add(line);
            }

            List<ReportColumn> columns = [new("Work", false), new("Batch"), .. devices.Select(device => new ReportColumn(device))];
            yield return new ReportTable($"{model}: devices side by side", columns, rows) { Names = 2 };
            if (cells.Exists(cell => cell.OverSerial is not null)) yield return OverSerial(model, cells, devices);
        }
    }

    /// <summary>The same as ratios to the serial device.</summary>
    private static ReportTable OverSerial(string model, List<TimingCell> cells, List<string> devices)
    {
        List<string> faster = [.. devices.Where(device => cells.Exists(cell => DeviceOf(cell) == device && cell.OverSerial is not null))];
        List<ReportCell[]> rows = [];
        foreach (((string Work, int Batch) key, List<TimingCell> row) in ReportSections.Group(cells, cell => (WorkOf(cell), cell.Batch)))
        {
            ReportCell[] line = new ReportCell[2 + faster.Count];
            Array.Fill(line, Figures.None);
            (line[0], line[1]) = (key.Work, Format.Invariant($"{key.Batch}"));
            foreach (TimingCell cell in row)
            {
                if (cell.OverSerial is SpeedUp speed) line[2 + faster.IndexOf(DeviceOf(cell))] = Ratio(speed);
            }

            rows.Add(line);
        }

        List<ReportColumn> columns = [new("Work", false), new("Batch"), .. faster.Select(device => new ReportColumn(device))];
        return new ReportTable($"{model}: how many times faster than serial", columns, rows) { Names = 2 };
    }

    private static IEnumerable<ReportBlock> Details(List<TimingCell> work)
    {
        foreach ((string model, List<TimingCell> cells) in ReportSections.Group(work, cell => cell.Model))
        {
            bool hasEnergy = cells.Exists(cell => cell.Joules is not null);
            bool hasSerial = cells.Exists(cell => cell.OverSerial is not null), hasThreads = cells.Exists(cell => cell.OverOneThread is not null);
            List<ReportColumn> columns = [new("Work", false), new("Batch"), new("Device", false), new("Median"), new("95 % interval"), new("Images/s")];
            if (hasSerial) columns.Add(new("Over serial"));
            if (hasThreads) columns.AddRange([new("Over one thread"), new("Machine")]);
            if (hasEnergy) columns.Add(new("Energy"));
            columns.Add(new("Samples") { IsMinor = true });
            List<ReportCell[]> rows = [];
            foreach (TimingCell cell in cells)
            {
                TimingSummary s = cell.Summary;
                List<ReportCell> row = [
                    WorkOf(cell), Format.Invariant($"{cell.Batch}"), DeviceOf(cell), Figures.Time(s.Median), Interval(s),
                    Figures.Number(Figures.ImagesPerSecond(cell, s.Median))];
                if (hasSerial) row.Add(Ratio(cell.OverSerial));
                if (hasThreads) row.AddRange([Ratio(cell.OverOneThread), cell.OverOneThread is SpeedUp speed ? Figures.Ratio(speed.Machine) : Figures.None]);
                if (hasEnergy) row.Add(Figures.Energy(cell.Joules));
                row.Add(Samples(cell));
                rows.Add([.. row]);
            }

            yield return new ReportTable($"{model}: every combination", columns, rows) { Names = 3, IsFolded = rows.Count > MostRows };
        }
    }

    /// <summary>What happens once for each image, and what happens once for each program, beside what happens at every step.</summary>
    private static IEnumerable<ReportBlock> Stages(List<TimingCell> stages, List<TimingCell> work)
    {
        List<ReportCell[]> images = [
            .. stages.Where(cell => cell.Stage is TimingCell.Decode or TimingCell.Prepare).Select(cell => (ReportCell[])[
                cell.Stage, cell.Model, DeviceOf(cell), Figures.Time(cell.Summary.Median), Interval(cell.Summary), Figures.Number(1 / cell.Summary.Median),
                Samples(cell)])];
        if (images.Count > 0)
        {
            yield return new ReportTable(
                "One image: decoding and preparing",
                [
                    new("Stage", false), new("Data", false), new("Device", false), new("Median"), new("95 % interval"), new("Images/s"),
                    new("Samples") { IsMinor = true },
                ],
                images)
            { Names = 3 };
        }

        List<ReportCell[]> programs = [];
        foreach (((string Model, string Policy, int Batch, string Device) key, List<TimingCell> cells) in ReportSections.Group(
            stages.Where(cell => cell.Stage is not (TimingCell.Decode or TimingCell.Prepare)), KeyOf))
        {
            programs.Add([
                key.Model, key.Policy, Format.Invariant($"{key.Batch}"), key.Device, Of(cells, TimingCell.Compile), Of(cells, TimingCell.FirstStep),
                work.Find(cell => KeyOf(cell) == key) is TimingCell later ? Time(later.Summary) : Figures.None]);
        }

        if (programs.Count == 0) yield break;
        yield return new ReportTable(
            "Compiling, and the first step or inference beside later ones",
            [new("Model", false), new("Work", false), new("Batch"), new("Device", false), new("Compile"), new("First"), new("Later")], programs)
        { Names = 4, IsFolded = programs.Count > MostRows };

        static (string Model, string Policy, int Batch, string Device) KeyOf(TimingCell cell) => (cell.Model, cell.Policy, cell.Batch, DeviceOf(cell));
        static ReportCell Of(List<TimingCell> cells, string stage) =>
            cells.Find(cell => cell.Stage == stage) is TimingCell found ? Time(found.Summary) : Figures.None;
    }

    private static ReportCell Interval(TimingSummary s) => s.Low == s.High ? Figures.None : new ReportCell(Figures.TimeRange(s.Median, s.Low, s.High))
    {
        Short = Figures.TimeRange(s.Median, s.Low, s.High, withUnit: false),
    };

    private static ReportCell Ratio(SpeedUp? speed) => new(Figures.Ratio(speed)) { Short = speed is null ? null : Figures.Ratio(speed.Ratio) };

    private static string Samples(TimingCell cell) => cell.Summary.Outliers == 0
        ? Format.Invariant($"{cell.Samples.Count}")
        : Format.Invariant($"{cell.Samples.Count}, {Format.Plural(cell.Summary.Outliers, "outlier")}");

    private static IEnumerable<ReportBlock> Bars(List<TimingCell> work)
    {
        foreach (((string Model, int Batch, string Stage) key, List<TimingCell> cells) in ReportSections.Group(
            work.Where(IsDefault), cell => (cell.Model, cell.Batch, cell.Stage)))
        {
            List<string> devices = [.. cells.Select(DeviceOf).Distinct()];
            if (cells.Count < 2 || IsSweep(work, key.Model, key.Stage)) continue;
            bool isStep = key.Stage == TimingCell.Step;
            string what = isStep ? "time of a training step" : "time of an inference", images = Format.Plural(key.Batch, "image");
            foreach (List<TimingCell> part in Parts(cells))
            {
                List<Bar> bars = [
                    .. part.Select(cell => new Bar(
                        $"{(isStep ? $"{cell.Policy}, " : "")}{DeviceOf(cell)}: {Figures.Time(cell.Summary.Median)}",
                        cell.Summary.Median * 1e3, cell.Summary.Low * 1e3, cell.Summary.High * 1e3) { Kind = devices.IndexOf(DeviceOf(cell)) })];
                yield return new BarChart(
                    $"{key.Model}: {what}, {images}, milliseconds", $"Bars of the {what} of {key.Model} with {images} on each device, as in the tables.", bars)
                {
                    MayBeLogarithmic = true,
                };
            }
        }
    }

    /// <summary>Whether there are so many batches that lines say more than bars.</summary>
    private static bool IsSweep(List<TimingCell> work, string model, string stage) =>
        work.Where(cell => cell.Model == model && cell.Stage == stage).Select(cell => cell.Batch).Distinct().Skip(2).Any();

    /// <summary>Cells in charts that fit on a page, policy by policy where there are many.</summary>
    private static IEnumerable<List<TimingCell>> Parts(List<TimingCell> cells)
    {
        if (cells.Count <= MostBars) return [cells];
        return ReportSections.Group(cells, cell => cell.Policy).SelectMany(group => group.Items.Chunk(MostBars)).Select(chunk => chunk.ToList());
    }

    /// <summary>Images a second over the batch, where several batches were measured.</summary>
    private static IEnumerable<ReportBlock> Sweeps(List<TimingCell> work)
    {
        foreach (((string Model, string Stage) key, List<TimingCell> cells) in ReportSections.Group(work, cell => (cell.Model, cell.Stage)))
        {
            List<Line> lines = [];
            foreach (((string Policy, string Device) name, List<TimingCell> points) in ReportSections.Group(cells, cell => (cell.Policy, DeviceOf(cell))))
            {
                List<TimingCell> sorted = [.. points.OrderBy(cell => cell.Batch)];
                if (sorted.Select(cell => cell.Batch).Distinct().Count() < 2) continue;
                lines.Add(new Line(
                    key.Stage == TimingCell.Step ? $"{name.Policy}, {name.Device}" : name.Device,
                    [.. sorted.Select(cell => (double)cell.Batch)],
                    [.. sorted.Select(cell => Figures.ImagesPerSecond(cell, cell.Summary.Median))]));
            }

            string what = key.Stage == TimingCell.Step ? "trained" : "classified";
            foreach (Line[] chunk in lines.Chunk(MostLines))
            {
                yield return new LineChart(
                    $"{key.Model}: images {what} a second over the batch size",
                    $"Lines of the images of {key.Model} that are {what} in a second, for each batch size; the figures stand in the table.", "batch size",
                    chunk)
                {
                    Doubles = true,
                    HasMarks = true,
                    FromZero = true,
                };
            }
        }
    }

    private static string At(TimingCell cell) =>
        $"{WorkOf(cell)}, {Format.Plural(cell.Batch, "image")}, {Figures.Device(cell.Device, cell.Threads)}";

    /// <summary>What each switch and each type changes, as a ratio to the same work without it.</summary>
    private static IEnumerable<ReportBlock> Switches(List<TimingCell> work)
    {
        List<ReportCell[]> rows = [];
        List<(TimingCell Cell, string Change, Bar Bar)> bars = [];
        foreach (TimingCell cell in work.Where(cell => !IsDefault(cell)))
        {
            TimingCell? usual = work.Find(other => IsDefault(other) && (other.Model, other.Stage, other.Policy, other.Device, other.Threads, other.Batch)
                == (cell.Model, cell.Stage, cell.Policy, cell.Device, cell.Threads, cell.Batch));
            if (usual is null) continue;
            if (usual.Samples.Count == 0 || cell.Samples.Count == 0) continue;
            (double ratio, double low, double high) = SampleStatistics.Ratio(SampleStatistics.Seconds(usual.Samples), SampleStatistics.Seconds(cell.Samples));
            string change = Change(cell);
            rows.Add([
                change, cell.Model, WorkOf(cell), Format.Invariant($"{cell.Batch}"), cell.Device, Figures.Time(usual.Summary.Median),
                Figures.Time(cell.Summary.Median), Figures.Ratio(ratio), low == high ? Figures.None : $"{Figures.Number(low)} to {Figures.Number(high)}"]);
            bars.Add((cell, change, new Bar(Figures.Ratio(ratio), ratio, low, high)));
        }

        // Several settings are compared at one work; a single one is looked at over all works of a model.
        bool isOne = bars.Select(bar => bar.Change).Distinct().Count() == 1;
        foreach ((string of, List<(TimingCell Cell, string Change, Bar Bar)> group) in ReportSections.Group(
            bars, bar => isOne ? bar.Cell.Model : $"{bar.Cell.Model}, {At(bar.Cell)}"))
        {
            string setting = isOne ? $"'{group[0].Change}'" : "a setting";
            yield return new BarChart(
                $"{of}: how many times faster with {setting}", $"Bars of the ratio of the time without {setting} to the time with it for {of}; 1 is no change.",
                [.. group.Select(bar => bar.Bar with { Label = $"{(isOne ? At(bar.Cell) : bar.Change)}: {bar.Bar.Label}" })])
            { Reference = 1 };
        }

        if (rows.Count == 0) yield break;
        yield return new ReportTable(
            "Settings against those by default",
            [
                new("Setting", false), new("Model", false), new("Work", false), new("Batch"), new("Device", false), new("Without"), new("With"), new("Ratio"),
                new("95 % interval"),
            ],
            rows)
        { Names = 5 };
    }

    private static string Change(TimingCell cell) =>
        cell.Type == "float32" ? cell.Switches : cell.Switches.Length == 0 ? cell.Type : $"{cell.Type}, {cell.Switches}";
}
