using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.App.Reports;

/// <summary>Turns the library's results into what --json writes.</summary>
internal static class ReportParts
{
    public static PreprocessingReport Of(ImageInput input)
    {
        Preprocessing p = input.Preprocessing;
        return new PreprocessingReport(
            p.Width,
            p.Height,
            Values(p.Mean, p.Channels),
            Values(p.Std, p.Channels),
            p.ColorOrder switch
            {
                ColorOrder.Gray =>
                "gray",
                ColorOrder.Bgr =>
                "bgr",
                ColorOrder.Rgb =>
                "rgb",
                _ =>
                throw new UnreachableException($"Unknown {p.ColorOrder}.")
            },
            p.Resize == ResizeMode.Stretch ? "stretch" : "center-crop",
            p.CropMargin,
            input.Source,
            input.IsGuess)
        {
            Background = p.Background.ToString(),
        };
    }

    public static RehearsalReport? Of(Rehearsal? rehearsal) =>
        rehearsal is null ? null : new RehearsalReport(rehearsal.Vectors, rehearsal.Features, rehearsal.StoredBytes) { Threshold = rehearsal.Threshold };

    public static AccuracyReport Of(ConfusionMatrix matrix, IReadOnlyList<string> labels) => AccuracyFigures.Of(matrix, labels);

    public static ClassOutputReport Of(ClassOutput output) => new(
        output.Index,
        output.Name,
        output.Numbers,
        output.Classes,
        output.Kind switch
        {
            ScoreKind.Probability => "probability",
            ScoreKind.LogProbability => "log-probability",
            ScoreKind.Bounded => "bounded",
            ScoreKind.Logit => "logit",
            _ => throw new UnreachableException($"Unknown {output.Kind}."),
        },
        output.IsIndependent,
        output.Threshold,
        output.Description);

    public static List<EpochEntry> Of(IReadOnlyList<EpochReport> epochs) => AccuracyFigures.Of(epochs);

    public static PausesReport? Of(PauseReport? pauses) =>
        pauses is null ? null : new PausesReport(pauses.Duration.TotalSeconds, pauses.Count, pauses.Reasons, pauses.StopReason);

    public static List<StageReport> Of(StageTimes times)
    {
        List<StageReport> stages = [];
        foreach (StageTime stage in times.Stages) stages.Add(new StageReport(stage.Name, stage.Duration.TotalSeconds));
        return stages;
    }

    public static List<BrokenReport> Of(IReadOnlyList<BrokenImage> broken)
    {
        List<BrokenReport> reports = [];
        foreach (BrokenImage image in broken) reports.Add(new BrokenReport(image.Sample.Image.Name, image.Reason));
        return reports;
    }

    private static float[] Values(ChannelValues values, int channels)
    {
        float[] array = new float[channels];
        for (int c = 0; c < channels; c++) array[c] = values[c];
        return array;
    }

    public static NetworkEntry Of(TrainerResult network) => new(
        network.TrainedParameters,
        network.SecondsPerStep,
        network.WaitedShare,
        network.Restarts,
        network.LearningRate,
        network.Memory.Variables,
        network.Memory.Step,
        network.Memory.Rollback,
        network.Memory.Best,
        network.Memory.Batches,
        network.Memory.Validation)
    {
        DeviceBytes = network.Memory.Device > 0 ? network.Memory.Device : null,
        Compression = network.Compression.ToWord(),
    };
}
