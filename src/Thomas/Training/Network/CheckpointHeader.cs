using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Thomas.Training;

/// <summary>The part of a checkpoint that is text. Readers skip members and sections that they do not know.</summary>
internal sealed record CheckpointHeader
{
    // No run makes as many; sums of them do not overflow.
    private const long MostSteps = 1L << 52;

    /// <summary>What decides the run, by name: resuming needs the same but for the number of epochs.</summary>
    public required SortedDictionary<string, string> Options { get; init; }

    /// <summary>Hash of the model that training started from.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the images and their classes.</summary>
    public required string Data { get; init; }

    /// <summary>Hash of the validation images and their classes alone; null without any and in older files.</summary>
    public string? Validation { get; init; }

    /// <summary>Hash of what is not trained: the model's structure and its other constants; null in older files.</summary>
    public string? Frozen { get; init; }

    /// <summary>Names of the model's classes, in the order of its outputs; null in older files.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>Vector instructions that computed it; others give other rounding.</summary>
    public required string Tier { get; init; }

    /// <summary>Number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps of it that are done.</summary>
    public required int Step { get; init; }

    /// <summary>Sum over its images of their step's loss.</summary>
    public required double Loss { get; init; }

    /// <summary>Images of it that were classified rightly.</summary>
    public required int Correct { get; init; }

    /// <summary>How often training went back, each time with a lower rate.</summary>
    public required int Restarts { get; init; }

    /// <summary>Steps that the optimizer has made; null in older files, where all epochs had as many steps.</summary>
    public long? OptimizerSteps { get; init; }

    /// <summary>Epochs that were done when the run was last given other epochs or images; 0 if never.</summary>
    public int ContinuedAfter { get; init; }

    /// <summary>Whether training ended early.</summary>
    public required bool StoppedEarly { get; init; }

    /// <summary>The epoch of the best weights; -1 if there are none.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Its validation score: accuracy or mean recall.</summary>
    public required double BestScore { get; init; }

    /// <summary>Its validation loss.</summary>
    public required double BestLoss { get; init; }

    /// <summary>Validation with the best weights, rows by true class; null without.</summary>
    public int[][]? After { get; init; }

    /// <summary>Validation before training; null without.</summary>
    public int[][]? Before { get; init; }

    /// <summary>The epochs so far.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>Decisions and warnings so far.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>What the user must know of how the run was continued; null in older files.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>The tensors.</summary>
    public required IReadOnlyList<CheckpointTensor> Tensors { get; init; }

    /// <summary>
    /// What no checkpoint that was written by a run holds, although the text has its form and its checksum; null if there is nothing of the kind.
    /// </summary>
    public string? Problem()
    {
        foreach (string? value in Options.Values)
        {
            if (value is null) return "an option has no value";
        }

        foreach (string? note in Notes)
        {
            if (note is null) return "a note is missing";
        }

        foreach (string? text in (IEnumerable<string?>)[.. Warnings ?? [], .. Classes ?? []])
        {
            if (text is null) return "a warning or the name of a class is missing";
        }

        if (OptimizerSteps is < 0 or > MostSteps || ContinuedAfter < 0 || ContinuedAfter > Epoch) return "a number of steps or epochs is impossible";
        foreach (CheckpointTensor? tensor in Tensors)
        {
            if (tensor is not { Section: not null, Name: not null, Kind: not null, Shape: not null }) return "a tensor has no name, section, kind or shape";
        }

        if (!double.IsFinite(Loss) || !double.IsFinite(BestScore) || !double.IsFinite(BestLoss)) return "a figure is not finite";
        foreach (EpochReport? epoch in Epochs)
        {
            if (epoch is null) return "an epoch is missing";
            if (!float.IsFinite(epoch.LearningRate) || !IsFinite(epoch.TrainLoss) || !IsFinite(epoch.TrainAccuracy) || !IsFinite(epoch.ValidationLoss)
                || !IsFinite(epoch.ValidationAccuracy) || !IsFinite(epoch.ValidationMacroRecall)) return "a figure of an epoch is not finite";
        }

        return Problem(Before) ?? Problem(After);
    }

    private static bool IsFinite(double? value) => value is not double number || double.IsFinite(number);

    /// <summary>What is wrong with counts by true and predicted class; null if nothing is.</summary>
    internal static string? Problem(int[][]? rows)
    {
        if (rows is null) return null;
        long total = 0;
        foreach (int[]? row in rows)
        {
            if (row is null || row.Length != rows.Length) return "a table of classes is not square";
            foreach (int count in row)
            {
                if (count < 0) return "a table of classes holds a negative count";
                total += count;
            }
        }

        return rows.Length is 0 or > ConfusionMatrix.MostClasses || total > int.MaxValue ? "a table of classes is empty or too large" : null;
    }
}

/// <summary>A tensor of a checkpoint: row-major, little-endian.</summary>
/// <param name="Section">What it belongs to: the state of training, or the best weights.</param>
/// <param name="Name">Name of the variable.</param>
/// <param name="Kind">What the variable is for.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Offset">Bytes from the start of the tensors.</param>
/// <param name="Type">Element type; null in older files, whose tensors are all F32.</param>
internal sealed record CheckpointTensor(string Section, string Name, string Kind, int[] Shape, long Offset, string? Type = null);

/// <summary>Serializes the header without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckpointHeader))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
