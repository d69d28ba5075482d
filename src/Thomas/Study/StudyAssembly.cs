using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Study;

/// <summary>Makes the report of a study from what its visits found.</summary>
internal static class StudyAssembly
{
    /// <summary>The report.</summary>
    /// <param name="plan">The study.</param>
    /// <param name="header">Where and when; the time is summed up here.</param>
    /// <param name="entries">What the visits found, in order.</param>
    /// <param name="absent">What could not be measured for a reason that was known before.</param>
    /// <param name="sensors">What the sensors said; null where nothing was recorded.</param>
    public static StudyReport Build(
        StudyPlan plan, ReportHeader header, IReadOnlyList<StudyEntry> entries, IReadOnlyList<AbsentCell> absent, SensorRecord? sensors)
    {
        List<AbsentCell> missing = [.. absent];
        List<KernelProfile> kernels = [];
        List<AccuracyRun> accuracies = [];
        double seconds = 0;
        foreach (StudyEntry entry in entries)
        {
            foreach (AbsentCell cell in entry.Absent)
            {
                if (!missing.Contains(cell)) missing.Add(cell);
            }

            kernels.AddRange(entry.Kernels);
            accuracies.AddRange(entry.Accuracies);
            seconds += entry.Seconds;
        }

        List<TimingCell> timings = Compare(Merge(entries));
        return new StudyReport
        {
            Schema = StudyReport.CurrentSchema,
            Kind = "bench",
            Title = plan.Title,
            Header = header with { Seconds = seconds },
            Timings = timings,
            Kernels = kernels,
            Accuracies = accuracies,
            Sensors = sensors,
            Absent = missing,
            Published = plan.Published ? PublishedFigures.All : [],
            Notes = Notes(plan, timings),
        };
    }

    /// <summary>One cell for each identity, with the samples of all visits.</summary>
    private static List<TimingCell> Merge(IReadOnlyList<StudyEntry> entries)
    {
        List<string> order = [];
        Dictionary<string, TimingCell> cells = new(StringComparer.Ordinal);
        foreach (StudyEntry entry in entries)
        {
            foreach (TimingCell cell in entry.Timings)
            {
                if (cells.TryGetValue(cell.Id, out TimingCell? known)) cells[cell.Id] = Join(known, cell);
                else
                {
                    cells.Add(cell.Id, cell);
                    order.Add(cell.Id);
                }
            }
        }

        List<TimingCell> merged = [];
        foreach (string id in order) merged.Add(cells[id] with { Summary = SampleStatistics.Summarize(cells[id].Samples) });
        return merged;
    }

    private static TimingCell Join(TimingCell first, TimingCell second) => first with
    {
        Samples = [.. first.Samples, .. second.Samples],
        Joules = ((first.Joules * first.Samples.Count) + (second.Joules * second.Samples.Count)) / (first.Samples.Count + second.Samples.Count),
    };

    /// <summary>Adds the ratios to the serial device and to one thread at the same work.</summary>
    public static List<TimingCell> Compare(IReadOnlyList<TimingCell> cells)
    {
        Dictionary<(string, string, string, string, int), List<TimingCell>> work = [];
        foreach (TimingCell cell in cells)
        {
            if (!work.TryGetValue(WorkOf(cell), out List<TimingCell>? same)) work.Add(WorkOf(cell), same = []);
            same.Add(cell);
        }

        List<TimingCell> compared = [];
        foreach (TimingCell cell in cells)
        {
            List<TimingCell> same = work[WorkOf(cell)];
            TimingCell? serial = same.Find(other => other.Device == "serial");
            TimingCell? one = cell.Device == "cpu" && cell.Threads > 1
                ? same.Find(other => other.Device == "cpu" && other.Threads == 1 && other.Type == cell.Type && other.Switches == cell.Switches)
                : null;
            compared.Add(cell with
            {
                OverSerial = serial is null || ReferenceEquals(serial, cell) ? null : Over(serial, cell),
                OverOneThread = one is null ? null : Over(one, cell),
            });
        }

        return compared;
    }

    private static (string, string, string, string, int) WorkOf(TimingCell cell) =>
        (cell.Experiment, cell.Stage, cell.Model, $"{cell.Policy}/{cell.Data}", cell.Batch);

    private static SpeedUp Over(TimingCell slow, TimingCell fast)
    {
        (double ratio, double low, double high) = SampleStatistics.Ratio(
            SampleStatistics.Seconds(slow.Samples), SampleStatistics.Seconds(fast.Samples));
        return new SpeedUp(slow.Id, ratio, low, high, fast.Summary.Gigaflops / slow.Summary.Gigaflops);
    }

    private static List<string> Notes(StudyPlan plan, List<TimingCell> timings)
    {
        List<string> notes =
        [
            "Times of steps and inferences are for the whole batch, from images in the host's memory to results there. The devices of a table took turns.",
            $"Each cell was visited up to {plan.Visits} times with new memory. The loop beside a sample multiplies and adds in registers on as many threads: "
            + $"where it changes between two cells, the machine did.",
        ];
        bool hasLast = false, hasFew = false, hasSerial = false;
        foreach (TimingCell cell in timings)
        {
            hasLast |= cell.Policy == "last";
            hasSerial |= cell.Device == "serial";
            hasFew |= cell is { Stage: TimingCell.Step or TimingCell.Inference, Samples.Count: < 3 };
        }

        if (hasSerial)
        {
            notes.Add("The serial device runs the definitions of the operators: scalar loops with sums in float64, a baseline and no tuned program.");
        }

        if (hasLast)
        {
            notes.Add(
                "A step of 'last' runs all layers forward and trains the last. 'thomas tune' computes the features of each image once, so that its later "
                + "epochs cost less.");
        }

        if (hasFew)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"Cells that took longer than the study gives to one have fewer samples; fewer than three have no interval. "
                + $"A first step of more than {TimingUnit.SlowFirstStep * plan.SecondsEach:0.#} s is the only sample of its cell."));
        }

        return notes;
    }
}
