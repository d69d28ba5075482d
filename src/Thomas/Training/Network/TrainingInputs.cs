using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Thomas.Autodiff;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What a training run starts from, checked.</summary>
/// <param name="Model">The model, which has an output for each of the samples' classes.</param>
/// <param name="IsKnown">Whether the model was given with these classes, so that its weights are worth comparing with.</param>
/// <param name="Train">The training samples.</param>
/// <param name="Validation">The validation samples; null if there are none.</param>
internal sealed record TrainingInputs(Model Model, bool IsKnown, SampleSource Train, SampleSource? Validation)
{
    /// <summary>The model's output for each training sample.</summary>
    public int[] Labels { get; } = LabelsOf(Train);

    /// <summary>Whether the model as given is validated too.</summary>
    public bool HasBaseline { get; init; } = true;

    /// <summary>
    /// Whether training that diverges starts again from the best weights, with a new optimizer, and not from the last good state: that needs no memory of its
    /// own.
    /// </summary>
    public bool RestartsFromBest { get; init; }

    /// <summary>How images become inputs; null where the samples are no images.</summary>
    public Preprocessing? Preprocessing { get; private init; }

    /// <summary>What the user must know about the samples.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Checks that model, images and options fit together.</summary>
    /// <exception cref="ThomasException">They do not.</exception>
    public static TrainingInputs Check(Model model, PreparedSet train, PreparedSet? validation, TrainerOptions options, List<string> notes)
    {
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        if (options.Policy.Kind != UpdateKind.Scratch) ModelChecks.RequireFinite(model);
        notes.Add($"preprocessing {input.Source}");
        Preprocessing wanted = input.Preprocessing;
        if (train.Count == 0) throw new DataException($"{train.Dataset.Name}: there are no training images.");
        if (train.Preprocessing.Width < wanted.Width || train.Preprocessing.Height < wanted.Height)
        {
            throw new ThomasException($"The training images were prepared at {SizeOf(train)}, smaller than the model's {wanted.Width}x{wanted.Height}.");
        }

        if (validation is { Count: 0 }) validation = null;
        if (validation is not null && (validation.Preprocessing.Width != wanted.Width || validation.Preprocessing.Height != wanted.Height))
        {
            throw new ThomasException($"The validation images were prepared at {SizeOf(validation)}, the model takes {wanted.Width}x{wanted.Height}.");
        }

        IReadOnlyList<string> names = train.Dataset.ClassNames;
        if (names.Count < (options.KeepClasses ? 1 : 2))
            throw new DataException($"{train.Dataset.Name} has {names.Count} class(es); a classifier needs at least two.");
        for (int i = 0; validation is not null && i < Math.Max(names.Count, validation.Dataset.ClassNames.Count); i++)
        {
            if (names.Count != validation.Dataset.ClassNames.Count || names[i] != validation.Dataset.ClassNames[i])
            {
                throw new DataException("The training and the validation images have different classes.");
            }
        }

        ClassMatch classes = ClassMatch.Of(model, names, options.KeepClasses, wanted, notes);
        Preprocessor preprocessor = new(wanted);
        ImageSamples? check = validation is null ? null : new ImageSamples(validation, preprocessor, new Augmentation(), classes.Map);
        return new TrainingInputs(classes.Model, classes.IsKnown, new ImageSamples(train, preprocessor, options.Augmentation, classes.Map), check)
        {
            Preprocessing = wanted,
            Warnings = [.. ClassNames.Alike(names), .. DatasetWarnings.Of(train.Dataset.Samples, validation?.Dataset.Samples ?? [], names)],
        };
    }

    /// <summary>Hash of the samples, their classes and their preprocessing.</summary>
    public string DataKey()
    {
        XxHash128 hash = new();
        Train.AppendTo(hash);
        Validation?.AppendTo(hash);
        if (Preprocessing is not null)
        {
            foreach (KeyValuePair<string, string> pair in PreprocessingText.Format(Preprocessing))
                hash.Append(Encoding.UTF8.GetBytes($"{pair.Key} {pair.Value}\n"));
        }

        return TextOf(hash);
    }

    /// <summary>Hash of the validation samples and their classes; null if there are none.</summary>
    public string? ValidationKey()
    {
        if (Validation is null) return null;
        XxHash128 hash = new();
        Validation.AppendTo(hash);
        return TextOf(hash);
    }

    private static string TextOf(XxHash128 hash) => hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);

    private static int[] LabelsOf(SampleSource samples)
    {
        int[] labels = new int[samples.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = samples.Label(i);
        return labels;
    }

    private static string SizeOf(PreparedSet set) => $"{set.Preprocessing.Width}x{set.Preprocessing.Height}";
}
