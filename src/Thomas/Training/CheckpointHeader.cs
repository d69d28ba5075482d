using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Thomas.Training;

/// <summary>The part of a checkpoint that is text. Readers skip members and sections that they do not know.</summary>
internal sealed record CheckpointHeader
{
    /// <summary>What decides the run, by name: resuming needs the same.</summary>
    public required SortedDictionary<string, string> Options { get; init; }

    /// <summary>Hash of the model that training started from.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the pictures and their classes.</summary>
    public required string Data { get; init; }

    /// <summary>Vector instructions that computed it; others give other rounding.</summary>
    public required string Tier { get; init; }

    /// <summary>Number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps of it that are done.</summary>
    public required int Step { get; init; }

    /// <summary>Sum over its pictures of their step's loss.</summary>
    public required double Loss { get; init; }

    /// <summary>Pictures of it that were classified rightly.</summary>
    public required int Correct { get; init; }

    /// <summary>How often training went back, each time with a lower rate.</summary>
    public required int Restarts { get; init; }

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

    /// <summary>The tensors.</summary>
    public required IReadOnlyList<CheckpointTensor> Tensors { get; init; }
}

/// <summary>A tensor of a checkpoint: float32, row-major, little-endian.</summary>
/// <param name="Section">What it belongs to: the state of training, or the best weights.</param>
/// <param name="Name">Name of the variable.</param>
/// <param name="Kind">What the variable is for.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Offset">Bytes from the start of the tensors.</param>
internal sealed record CheckpointTensor(string Section, string Name, string Kind, int[] Shape, long Offset);

/// <summary>Serializes the header without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckpointHeader))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
