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
/// <param name="Low">Its lower end.</param>
/// <param name="High">Its upper end.</param>
internal sealed record IntervalReport(double Low, double High);

/// <summary>One class among the images asked.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Images">How many of the images are of this class.</param>
/// <param name="Correct">How many of those were recognized.</param>
/// <param name="Predicted">How many images of any class were taken for it.</param>
/// <param name="Recall">Correct / Images; null without images.</param>
/// <param name="RecallInterval">Its 95 % interval; null without images.</param>
/// <param name="Precision">Correct / Predicted; null where nothing was taken for it.</param>
internal sealed record ClassMetricsReport(
    string Label, int Images, int Correct, int Predicted, double? Recall = null, IntervalReport? RecallInterval = null, double? Precision = null);

/// <summary>What a model got right.</summary>
/// <param name="Accuracy">Correct / Images.</param>
/// <param name="Interval">Its 95 % interval.</param>
/// <param name="MeanRecall">The mean of the recalls of all classes with images.</param>
/// <param name="Correct">Images that were recognized.</param>
/// <param name="Images">Images that were asked.</param>
/// <param name="Classes">The classes that have images or were predicted.</param>
/// <param name="Confusion">Images by true class (row) and predicted class (column); null for more than a hundred classes.</param>
internal sealed record AccuracyReport(
    double Accuracy, IntervalReport Interval, double MeanRecall, int Correct, int Images, IReadOnlyList<ClassMetricsReport> Classes,
    int[][]? Confusion = null);

/// <summary>One epoch.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="LearningRate">The learning rate of its last step.</param>
/// <param name="TrainLoss">The mean training loss, smoothed and weighted, each batch measured just before its step.</param>
/// <param name="TrainAccuracy">The share of training images that were classified correctly, measured likewise.</param>
/// <param name="ValidationLoss">The mean loss on validation images after the epoch; null without such images.</param>
/// <param name="ValidationAccuracy">The accuracy on them; null without such images.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record EpochEntry(
    int Epoch, float LearningRate, double TrainLoss, double TrainAccuracy, double? ValidationLoss = null, double? ValidationAccuracy = null,
    double Seconds = 0);
