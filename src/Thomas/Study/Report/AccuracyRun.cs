using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>One training run, or one evaluation of a finished model, and what its model gets right.</summary>
internal sealed record AccuracyRun
{
    /// <summary>Model, data, policy, device and seed between slashes.</summary>
    public required string Id { get; init; }

    /// <summary>The experiment of the study that it belongs to.</summary>
    public required string Experiment { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>The data.</summary>
    public required string Data { get; init; }

    /// <summary>The update policy, or "compared" for a model that was trained elsewhere.</summary>
    public required string Policy { get; init; }

    /// <summary>What computed.</summary>
    public required string Device { get; init; }

    /// <summary>The seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Which images were asked, such as "75 validation images".</summary>
    public required string Checked { get; init; }

    /// <summary>How the accuracy before training was found, such as "nearest centroid"; null where there is none.</summary>
    public string? BeforeMethod { get; init; }

    /// <summary>Before training.</summary>
    public AccuracyReport? Before { get; init; }

    /// <summary>After it; null where nothing could be measured.</summary>
    public AccuracyReport? After { get; init; }

    /// <summary>After the new last layer alone, where more was trained after it; else null.</summary>
    public AccuracyReport? AfterLastLayer { get; init; }

    /// <summary>On test images, which no choice was made with; null where there are none.</summary>
    public AccuracyReport? Test { get; init; }

    /// <summary>Names of the classes, as the rows of the confusion matrix.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Learning curves.</summary>
    public IReadOnlyList<EpochEntry> Epochs { get; init; } = [];

    /// <summary>The epoch whose weights were kept; 0 for those given.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Of the whole run.</summary>
    public required double Seconds { get; init; }

    /// <summary>Energy of the run by the machine's counters; null where it has none.</summary>
    public double? Joules { get; init; }

    /// <summary>Images that were trained with.</summary>
    public int TrainingImages { get; init; }
}

/// <summary>The 95 % interval of a share.</summary>
internal sealed record IntervalReport(double Low, double High);

/// <summary>One class among the images asked.</summary>
internal sealed record ClassMetricsReport(
    string Label, int Images, int Correct, int Predicted, double? Recall, IntervalReport? RecallInterval, double? Precision);

/// <summary>What a model got right.</summary>
internal sealed record AccuracyReport(
    double Accuracy, IntervalReport Interval, double MeanRecall, int Correct, int Images, IReadOnlyList<ClassMetricsReport> Classes, int[][]? Confusion);

/// <summary>One epoch.</summary>
internal sealed record EpochEntry(
    int Epoch, float LearningRate, double TrainLoss, double TrainAccuracy, double? ValidationLoss, double? ValidationAccuracy, double Seconds);
