using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>What the models get right: before and after, by policy and seed, and for each run its curves, its classes and its mistakes.</summary>
internal static class AccuracySection
{
    // A page shows the classes of a few runs at once.
    private const int FewRuns = 3, FewClasses = 20, MostClasses = 100, MostPairs = 20, MostBars = 24;

    public static List<ReportBlock> Of(IReadOnlyList<AccuracyRun> runs)
    {
        List<ReportBlock> blocks = [];
        if (runs.Count == 0) return blocks;
        blocks.Add(new ReportText(
            "Intervals are 95 % Wilson intervals: what so few images leave open about other images of the same kind. Two accuracies whose intervals overlap "
            + "widely do not differ for certain."));
        blocks.AddRange(Bars(runs));
        blocks.Add(Summary(runs));
        if (Seeds(runs) is ReportTable seeds) blocks.Add(seeds);
        foreach (AccuracyRun run in runs) blocks.AddRange(Details(run, isFolded: runs.Count > FewRuns));
        return blocks;
    }

    private static ReportTable Summary(IReadOnlyList<AccuracyRun> runs)
    {
        bool hasTest = runs.Any(run => run.Test is not null), hasLast = runs.Any(run => run.AfterLastLayer is not null);
        bool hasEnergy = runs.Any(run => run.Joules is not null), hasBefore = runs.Any(run => run.Before is not null);
        List<ReportColumn> columns = [new("Model", false), new("Data", false), new("Trained", false), new("Device", false), new("Seed")];
        if (hasBefore) columns.Add(new("Before"));
        if (hasLast) columns.Add(new("New last layer"));
        columns.AddRange([new("After"), new("95 % interval")]);
        if (hasTest) columns.Add(new("Test images"));
        columns.Add(new("Time"));
        if (hasEnergy) columns.Add(new("Energy"));
        columns.Add(new("Checked on", false) { IsMinor = true });
        List<ReportCell[]> rows = [];
        foreach (AccuracyRun run in runs)
        {
            List<ReportCell> row = [run.Model, run.Data, run.Policy, run.Device, run.Seed.ToString(CultureInfo.InvariantCulture)];
            if (hasBefore) row.Add(Before(run));
            if (hasLast) row.Add(Figures.Percent(run.AfterLastLayer?.Accuracy));
            row.AddRange([Figures.Percent(run.After?.Accuracy), Figures.Range(run.After?.Interval)]);
            if (hasTest) row.Add(run.Test is null ? Figures.None : $"{Figures.Percent(run.Test.Accuracy)} ({Figures.Range(run.Test.Interval)})");
            row.Add(Figures.Time(run.Seconds));
            if (hasEnergy) row.Add(Figures.Energy(run.Joules));
            row.Add(run.Checked);
            rows.Add([.. row]);
        }

        return new ReportTable("Accuracy before and after training", columns, rows) { Names = 5 };
    }

    private static ReportCell Before(AccuracyRun run) => run.Before is null
        ? Figures.None
        : new ReportCell($"{Figures.Percent(run.Before.Accuracy)}{Method(run)}") { Short = Figures.Percent(run.Before.Accuracy) };

    private static string Method(AccuracyRun run) => run.BeforeMethod is string method ? $" ({method})" : "";

    /// <summary>Runs that differ only by their seed.</summary>
    private static List<(string Name, List<AccuracyRun> Runs)> Alike(IReadOnlyList<AccuracyRun> runs) => ReportSections.Group(
        runs.Where(run => run.After is not null), run => $"{run.Model}, {run.Policy}, {run.Device}");

    private static ReportTable? Seeds(IReadOnlyList<AccuracyRun> runs)
    {
        List<ReportCell[]> rows = [];
        foreach ((string data, List<AccuracyRun> ofData) in ReportSections.Group(runs, run => run.Data))
        {
            foreach ((string _, List<AccuracyRun> group) in Alike(ofData))
            {
                if (group.Count < 2) continue;
                double[] values = [.. group.Select(run => run.After!.Accuracy)];
                rows.Add([
                    group[0].Model, data, group[0].Policy, group[0].Device, Format.Invariant($"{group.Count}"), Figures.Percent(values.Average()),
                    Figures.Percent(values.Min()), Figures.Percent(values.Max())]);
            }
        }

        return rows.Count == 0 ? null : new ReportTable(
            "Spread over seeds",
            [
                new("Model", false), new("Data", false), new("Trained", false), new("Device", false), new("Seeds"), new("Mean"), new("Least"), new("Most"),
            ],
            rows)
        { Names = 4 };
    }

    private static IEnumerable<ReportBlock> Bars(IReadOnlyList<AccuracyRun> runs)
    {
        foreach (((string Data, string Model) key, List<AccuracyRun> same) in ReportSections.Group(runs, run => (run.Data, run.Model)))
        {
            List<Bar> bars = [];
            foreach ((string _, List<AccuracyRun> group) in Alike(same))
            {
                double[] values = [.. group.Select(run => 100 * run.After!.Accuracy)];
                double mean = values.Average();
                IntervalReport interval = group[0].After!.Interval;
                (double low, double high) = group.Count > 1 ? (values.Min(), values.Max()) : (100 * interval.Low, 100 * interval.High);
                if (group[0].Before is AccuracyReport before)
                {
                    bars.Add(new Bar(
                        $"before{Method(group[0])}: {Figures.Percent(before.Accuracy)}", 100 * before.Accuracy, 100 * before.Interval.Low,
                        100 * before.Interval.High)
                    { Kind = 1 });
                }

                string seeds = group.Count > 1 ? $", {group.Count} seeds" : "";
                bars.Add(new Bar($"{group[0].Policy}, {group[0].Device}{seeds}: {Figures.Percent(mean / 100)}", mean, low, high));
            }

            // The start is the same for every policy and seed.
            List<Bar> distinct = [.. bars.DistinctBy(bar => bar.Label)];
            foreach (Bar[] chunk in distinct.Chunk(MostBars))
            {
                yield return new BarChart(
                    $"{key.Model} on {key.Data}: accuracy, %",
                    $"Bars of the accuracy of {key.Model} on {key.Data} with intervals, or with the least and the most of several seeds; as in the tables.",
                    chunk)
                { Most = 100 };
            }
        }
    }

    private static IEnumerable<ReportBlock> Details(AccuracyRun run, bool isFolded)
    {
        string name = $"{run.Model}, {run.Policy}, {run.Device}, seed {run.Seed}";
        List<ReportBlock> blocks = [.. Curves(run)];
        if ((run.Test ?? run.After) is AccuracyReport result)
        {
            if (result.Classes.Count > 0) blocks.Add(Classes(result, isFolded));
            if (Confusion(run, result, isFolded) is ReportTable confusion) blocks.Add(confusion);
        }

        if (blocks.Count == 0) return [];
        string kept = run.Epochs.Count == 0 ? "" : run.BestEpoch == 0
            ? "No epoch was better than the weights given, which were kept."
            : $"The weights of epoch {run.BestEpoch} of {run.Epochs.Count} were kept.";
        string images = run.TrainingImages > 0 ? $" {Format.Plural(run.TrainingImages, "training image")}." : "";
        string text = (kept + images).Trim();
        return text.Length == 0 ? [new ReportHeading(name), .. blocks] : [new ReportHeading(name), new ReportText(text), .. blocks];
    }

    private static IEnumerable<ReportBlock> Curves(AccuracyRun run)
    {
        if (run.Epochs.Count < 2) yield break;
        double[] epochs = [.. run.Epochs.Select(epoch => (double)epoch.Epoch)];
        bool isValidated = run.Epochs.Any(epoch => epoch.ValidationAccuracy is not null);
        yield return Chart("accuracy", epoch => 100 * epoch.TrainAccuracy, epoch => 100 * (epoch.ValidationAccuracy ?? double.NaN)) with { AreShares = true };
        yield return Chart("loss", epoch => epoch.TrainLoss, epoch => epoch.ValidationLoss ?? double.NaN) with { FromZero = true };

        LineChart Chart(string what, System.Func<EpochEntry, double> training, System.Func<EpochEntry, double> validation)
        {
            List<Line> lines = [new Line("training", epochs, [.. run.Epochs.Select(training)])];
            if (isValidated) lines.Add(new Line("validation", epochs, [.. run.Epochs.Select(validation)]));
            return new LineChart(
                what == "accuracy" ? "Accuracy by epoch, %" : "Loss by epoch", $"Lines of the {what} after each epoch; metrics.csv has the figures.", "epoch",
                lines)
            {
                HasMarks = run.Epochs.Count <= 30,
            };
        }
    }

    private static ReportTable Classes(AccuracyReport result, bool isFolded)
    {
        IEnumerable<ClassMetricsReport> classes = result.Classes;
        string caption = "Classes";
        if (result.Classes.Count > MostClasses)
        {
            classes = classes.Where(c => c.Images > 0).OrderBy(c => c.Recall).ThenByDescending(c => c.Images).Take(MostClasses);
            caption += $", the {MostClasses} with the lowest recall of {result.Classes.Count}";
        }

        List<ReportCell[]> rows = [
            .. classes.Select(c => (ReportCell[])[
                c.Label, Format.Invariant($"{c.Images}"), Format.Invariant($"{c.Correct}"), Figures.Percent(c.Recall), Figures.Range(c.RecallInterval),
                Figures.Percent(c.Precision)])];
        return new ReportTable(
            caption, [new("Class", false), new("Images"), new("Correct"), new("Recall"), new("95 % interval"), new("Precision")], rows)
        {
            IsFolded = isFolded || rows.Count > FewClasses,
        };
    }

    /// <summary>The whole matrix of a few classes; of many only what is confused most.</summary>
    private static ReportTable? Confusion(AccuracyRun run, AccuracyReport result, bool isFolded)
    {
        if (result.Confusion is not int[][] matrix) return null;
        if (run.Labels.Count > FewClasses) return Pairs(run, matrix, isFolded);
        List<ReportColumn> columns = [new("Class", false), .. run.Labels.Select(label => new ReportColumn(label))];
        List<ReportCell[]> rows = [];
        for (int actual = 0; actual < matrix.Length; actual++)
        {
            int images = matrix[actual].Sum();
            ReportCell[] row = new ReportCell[1 + matrix.Length];
            row[0] = run.Labels[actual];
            for (int predicted = 0; predicted < matrix.Length; predicted++)
            {
                int count = matrix[actual][predicted];
                row[1 + predicted] = new ReportCell(Format.Invariant($"{count}"))
                {
                    Heat = images == 0 ? 0 : (double)count / images,
                    IsWrong = actual != predicted,
                };
            }

            rows.Add(row);
        }

        return new ReportTable("Confusion matrix: a row is the true class, a column the class that was predicted", columns, rows)
        {
            IsFolded = isFolded,
        };
    }

    private static ReportTable? Pairs(AccuracyRun run, int[][] matrix, bool isFolded)
    {
        List<(int Actual, int Predicted, int Count, int Images)> pairs = [];
        for (int actual = 0; actual < matrix.Length; actual++)
        {
            int images = matrix[actual].Sum();
            for (int predicted = 0; predicted < matrix.Length; predicted++)
            {
                if (actual != predicted && matrix[actual][predicted] > 0) pairs.Add((actual, predicted, matrix[actual][predicted], images));
            }
        }

        List<ReportCell[]> rows = [
            .. pairs.OrderByDescending(pair => pair.Count).ThenBy(pair => pair.Images).Take(MostPairs).Select(pair => (ReportCell[])[
                run.Labels[pair.Actual], run.Labels[pair.Predicted], Format.Invariant($"{pair.Count}"), Format.Invariant($"{pair.Images}"),
                Figures.Percent((double)pair.Count / pair.Images)])];
        return rows.Count == 0 ? null : new ReportTable(
            "Classes that were confused most",
            [new("Class", false), new("Taken for", false), new("Images"), new("Of"), new("Share")], rows)
        { Names = 2, IsFolded = isFolded };
    }
}
