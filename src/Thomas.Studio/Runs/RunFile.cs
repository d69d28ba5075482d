using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using Thomas.Training;

namespace Thomas.Studio.Runs;

/// <summary>An image of a run: its number and its class, a place in <see cref="RunFile.Labels"/>.</summary>
internal sealed record RunImage(long Item, int Class);

/// <summary>A checked image that a run's network took for another class.</summary>
internal sealed record RunMistake(long Item, int Actual, int Predicted, double Probability);

/// <summary>A training run as its <c>run.json</c> describes it: what was asked for, and what came of it.</summary>
internal sealed record RunFile
{
    /// <summary>The form of the file.</summary>
    public const int CurrentVersion = 1;

    private const string FileName = "run.json";
    private const int MostBytes = 64 << 20;

    /// <summary>See <see cref="CurrentVersion"/>.</summary>
    public required int Version { get; init; }

    /// <summary>What is trained.</summary>
    public required string Policy { get; init; }

    /// <summary>Passes over the images.</summary>
    public required int Epochs { get; init; }

    /// <summary>Images of a step.</summary>
    public required int Batch { get; init; }

    /// <summary>What computes.</summary>
    public required string Device { get; init; }

    /// <summary>Bound of what the run adds to the program; null for none.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>In which form numbers are kept: a word of <see cref="CompressionNames"/>; null for float32.</summary>
    public string? Compress { get; init; }

    /// <summary>Peak learning rate; null for the usual one.</summary>
    public float? LearningRate { get; init; }

    /// <summary>Names of the classes when it began.</summary>
    public required string[] Labels { get; init; }

    /// <summary>The images when it began.</summary>
    public required RunImage[] Images { get; init; }

    /// <summary>One of <see cref="RunStatus"/>: that of a run that has ended, or <see cref="RunStatus.Training"/> for one that may go on.</summary>
    public required string Status { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; init; }

    /// <summary>Epochs that are done.</summary>
    public CurveReply[] Curves { get; init; } = [];

    /// <summary>Steps and their losses.</summary>
    public double[][] Losses { get; init; } = [];

    /// <summary>Seconds of work in all parts of the run.</summary>
    public double Seconds { get; init; }

    /// <summary>Energy of all parts; null where one of them could not be measured.</summary>
    public double? Joules { get; init; }

    /// <summary>Confusion matrix before the network was trained: with a new last layer alone.</summary>
    public int[][]? Before { get; init; }

    /// <summary>Confusion matrix of the result.</summary>
    public int[][]? After { get; init; }

    /// <summary>What these were measured on.</summary>
    public string Checked { get; init; } = "";

    /// <summary>Checked images that were taken for others; null where that is not known.</summary>
    public RunMistake[]? Mistakes { get; init; }

    /// <summary>What a person should know.</summary>
    public string[] Notices { get; init; } = [];

    /// <summary>Whether it was begun with these images in these classes, and so knows all there is to know.</summary>
    public bool IsOf(IReadOnlyList<TuningSessionItem> items)
    {
        if (items.Count != Images.Length) return false;
        for (int i = 0; i < Images.Length; i++)
        {
            if (Images[i].Item != items[i].Id || Labels[Images[i].Class] != items[i].Label) return false;
        }

        return true;
    }

    /// <summary>Reads the file of a folder; null if it cannot be read.</summary>
    public static RunFile? TryRead(string folder, out string? problem)
    {
        problem = null;
        try
        {
            RunFile? file = JsonSerializer.Deserialize(InputFile.ReadAll(Path.Combine(folder, FileName), MostBytes), StoreJson.Default.RunFile);
            if (file is { Version: CurrentVersion } && file.IsSound()) return file;
            problem = "its run.json is of another version, or its contents do not fit together";
        }
        catch (Exception e) when (InputFile.IsReadError(e) || e is JsonException)
        {
            problem = e.Message;
        }

        return null;
    }

    /// <summary>Writes the file into a folder.</summary>
    /// <exception cref="OutputException">It cannot be written; the former one is still there.</exception>
    public void Write(string folder) => AtomicFile.Write(
        Path.Combine(folder, FileName), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, StoreJson.Default.RunFile)));

    private bool IsSound()
    {
        foreach (RunImage? image in Images)
        {
            if (image is null || (uint)image.Class >= (uint)Labels.Length) return false;
        }

        foreach (RunMistake? mistake in Mistakes ?? [])
        {
            if (mistake is null || (uint)mistake.Actual >= (uint)Labels.Length || (uint)mistake.Predicted >= (uint)Labels.Length) return false;
        }

        foreach (double[]? loss in Losses)
        {
            if (loss is not [_, _]) return false;
        }

        return Array.TrueForAll(Labels, label => label is not null) && IsSquare(Before) && IsSquare(After);
    }

    private bool IsSquare(int[][]? rows) => rows is null
        || (rows.Length == Labels.Length && Array.TrueForAll(rows, row => row?.Length == rows.Length && Array.TrueForAll(row, count => count >= 0)));
}

/// <summary>What a run is doing.</summary>
internal static class RunStatus
{
    public const string Preparing = "preparing", Training = "training", Paused = "paused", Finishing = "finishing", Done = "done", Stopped = "stopped",
        Failed = "failed";

    /// <summary>Whether nothing more will come.</summary>
    public static bool IsFinal(string status) => status is Done or Stopped or Failed;
}
