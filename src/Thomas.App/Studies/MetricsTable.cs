using System.Globalization;
using Thomas.App.Results;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>The learning curves of a report as a table for spreadsheets and programs: one line for each epoch of each run.</summary>
internal static class MetricsTable
{
    public static CsvTable Of(StudyReport report)
    {
        CsvTable table = new(
            "run", "model", "data", "policy", "device", "seed", "epoch", "learning_rate", "train_loss", "train_accuracy", "validation_loss",
            "validation_accuracy", "seconds", "is_kept");
        foreach (AccuracyRun run in report.Accuracies)
        {
            string seed = run.Seed.ToString(CultureInfo.InvariantCulture);
            foreach (EpochEntry epoch in run.Epochs)
            {
                table.AddRow(
                    CsvTable.Name(run.Id), CsvTable.Name(run.Model), CsvTable.Name(run.Data), CsvTable.Name(run.Policy), CsvTable.Name(run.Device), seed,
                    epoch.Epoch.ToString(CultureInfo.InvariantCulture), CsvTable.Number(epoch.LearningRate), CsvTable.Number(epoch.TrainLoss),
                    CsvTable.Number(epoch.TrainAccuracy), Optional(epoch.ValidationLoss), Optional(epoch.ValidationAccuracy), CsvTable.Number(epoch.Seconds),
                    epoch.Epoch == run.BestEpoch ? "1" : "0");
            }
        }

        return table;
    }

    private static string Optional(double? value) => value is double known ? CsvTable.Number(known) : "";
}
