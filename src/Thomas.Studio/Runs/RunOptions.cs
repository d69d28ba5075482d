using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Studio.Models;
using Thomas.Training;

namespace Thomas.Studio.Runs;

/// <summary>What a person may ask of a run, checked, and what it means to the library.</summary>
internal static class RunOptions
{
    /// <summary>Epochs and batch where none are asked for.</summary>
    public const int UsualEpochs = 10, UsualBatch = 32;

    private const int MostEpochs = 1_000, MostBatch = 1_024, MostLayers = 1_000;
    private const int MostPolicyCharacters = 40;
    private const long LeastMemory = 1 << 20;

    /// <summary>Checks a request.</summary>
    /// <exception cref="StudioException">It cannot be done.</exception>
    public static RunFile Check(
        RunRequest asked, StudioDevices devices, Model model, IReadOnlyList<TuningSessionClass> classes, IReadOnlyList<TuningSessionItem> items)
    {
        if (asked.Policy is not { Length: <= MostPolicyCharacters } text || !UpdatePolicy.TryParse(text, out UpdatePolicy policy)
            || policy.Kind == UpdateKind.Scratch || policy.Layers > MostLayers)
        {
            throw StudioException.Bad("'policy' must be last, last:N, bias, norm, all or sparse:SIZE.");
        }

        string[] labels = new string[classes.Count];
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        for (int c = 0; c < labels.Length; c++)
        {
            labels[c] = classes[c].Label;
            places.Add(labels[c], c);
            if (classes[c].Images >= 2) continue;
            throw TooFew(ErrorCode.TooFewOfClass, $"'{labels[c]}' has one image; each class needs at least two, one of them to check with.");
        }

        if (labels.Length < 2) throw TooFew(ErrorCode.TooFew, "A run needs images of at least two classes.");
        List<RunImage> images = new(items.Count);
        foreach (TuningSessionItem item in items)
        {
            if (places.TryGetValue(item.Label, out int place)) images.Add(new RunImage(item.Id, place));
        }

        float? rate = asked.LearningRate;
        if (rate is not null and not (> 0 and <= 10)) throw StudioException.Bad("'learningRate' must be above 0 and at most 10.");
        string device = devices.Check(asked.Device);
        return new RunFile
        {
            Version = RunFile.CurrentVersion,
            Policy = text,
            Epochs = Epochs(asked.Epochs),
            Batch = Batch(asked.Batch),
            Device = device,
            MemoryBytes = Memory(asked.MemoryBytes),
            Compress = Compress(asked.Compress, model, device),
            LearningRate = rate,
            Labels = labels,
            Images = [.. images],
            Status = RunStatus.Training,
        };
    }

    /// <summary>The options of a run, as <c>thomas tune</c> has them by default, except for images that must not be mirrored.</summary>
    public static TuningOptions Of(RunFile asked, UpdatePolicy policy, CompileOptions compile, StoredModel model)
    {
        TrainerOptions? network = policy.Kind == UpdateKind.Last
            ? null
            : new TrainerOptions
            {
                Policy = policy,
                Epochs = asked.Epochs,
                BatchSize = asked.Batch,
                LearningRate = asked.LearningRate,
                Compression = CompressionNames.TryParse(asked.Compress, out Compression compression) ? compression : Compression.None,
                Augmentation = model.IsPhoto ? TuningDefaults.Augmentation : new Augmentation(),
            };
        return new TuningOptions
        {
            Head = network is not null ? TrainerOptions.LastLayer : TrainerOptions.LastLayer with
            {
                Epochs = asked.Epochs,
                BatchSize = asked.Batch,
                LearningRate = asked.LearningRate,
            },
            Network = network,
            MemoryBytes = asked.MemoryBytes,
            Compile = compile,
        };
    }

    public static int Epochs(int? asked) => asked switch
    {
        null => UsualEpochs,
        >= 1 and <= MostEpochs => asked.Value,
        _ => throw StudioException.Bad(FormattableString.Invariant($"'epochs' must be 1 to {MostEpochs}.")),
    };

    public static int Batch(int? asked) => asked switch
    {
        null => UsualBatch,
        >= 1 and <= MostBatch => asked.Value,
        _ => throw StudioException.Bad(FormattableString.Invariant($"'batch' must be 1 to {MostBatch}.")),
    };

    public static long? Memory(long? asked) => asked is null or >= LeastMemory
        ? asked
        : throw StudioException.Bad(FormattableString.Invariant($"'memoryBytes' must be at least {LeastMemory}."));

    /// <summary>The forms in which numbers can be kept: 16 bits always, 8 bits where the network has them and the CPU computes.</summary>
    public static IReadOnlyList<string> Compressions(Model model, string device) =>
        Quantizer.IsQuantized(model) && DeviceName.Apply(device, new CompileOptions()).Device is DeviceKind.Cpu or DeviceKind.Serial
            ? [Compression.None.ToWord(), Compression.Half.ToWord(), Compression.Int8.ToWord()]
            : [Compression.None.ToWord(), Compression.Half.ToWord()];

    /// <summary>One of them; null for none.</summary>
    public static string? Compress(string? asked, Model model, string device)
    {
        if (asked is null || asked == Compression.None.ToWord()) return null;
        IReadOnlyList<string> possible = Compressions(model, device);
        return possible.Contains(asked) ? asked : throw StudioException.Bad($"'compress' must be one of {string.Join(", ", possible)} here.");
    }

    private static StudioException TooFew(ErrorCode code, string message) => StudioException.Cannot(code, message);
}
