using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>Turns confusion matrices and epochs into the records of reports.</summary>
internal static class AccuracyFigures
{
    // With a thousand classes the matrix would be a million numbers, nearly all of them zero.
    private const int MaxConfusionClasses = 100;

    /// <summary>What a model got right.</summary>
    public static AccuracyReport Of(ConfusionMatrix matrix, IReadOnlyList<string> labels)
    {
        List<ClassMetricsReport> classes = [];
        foreach (ClassMetrics c in matrix.PerClass())
        {
            if (c.Support > 0 || c.Predicted > 0)
            {
                classes.Add(new ClassMetricsReport(labels[c.Class], c.Support, c.Correct, c.Predicted, c.Recall, Of(c.RecallInterval), c.Precision));
            }
        }

        return new AccuracyReport(
            matrix.Accuracy, Of(matrix.AccuracyInterval)!, matrix.MacroRecall, matrix.Correct, matrix.Total, classes,
            matrix.Classes <= MaxConfusionClasses ? matrix.ToRows() : null);
    }

    /// <summary>The interval of a share; null for none.</summary>
    public static IntervalReport? Of(ShareInterval? interval) => interval is ShareInterval known ? new IntervalReport(known.Low, known.High) : null;

    /// <summary>Learning curves.</summary>
    public static List<EpochEntry> Of(IReadOnlyList<EpochReport> epochs)
    {
        List<EpochEntry> entries = [];
        foreach (EpochReport e in epochs)
            entries.Add(new EpochEntry(e.Epoch, e.LearningRate, e.TrainLoss, e.TrainAccuracy, e.ValidationLoss, e.ValidationAccuracy, e.Duration.TotalSeconds));
        return entries;
    }
}
