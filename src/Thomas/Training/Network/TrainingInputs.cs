using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Thomas.Autodiff;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What a training run starts from, checked.</summary>
/// <param name="Classes">The model with the data set's classes.</param>
/// <param name="Preprocessor">Makes the model's images.</param>
/// <param name="Train">The training images.</param>
/// <param name="Validation">The validation images; null if there are none.</param>
/// <param name="Labels">The model's output for each training image.</param>
internal sealed record TrainingInputs(ClassMatch Classes, Preprocessor Preprocessor, PreparedSet Train, PreparedSet? Validation, int[] Labels)
{
    /// <summary>Checks that model, images and options fit together.</summary>
    /// <exception cref="ThomasException">They do not.</exception>
    public static TrainingInputs Check(Model model, PreparedSet train, PreparedSet? validation, TrainerOptions options, List<string> notes)
    {
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        if (options.Policy.Kind != UpdateKind.Scratch) ModelChecks.RequireFinite(model);
        notes.Add($"preprocessing {input.Source}");
        Preprocessing wanted = input.Preprocessing;
        if (train.Count == 0) throw new DataException($"{train.Dataset.Name}: there is no image to learn from.");
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
        if (names.Count < 2) throw new DataException($"{train.Dataset.Name} has {names.Count} class(es); a classifier needs at least two.");
        for (int i = 0; validation is not null && i < Math.Max(names.Count, validation.Dataset.ClassNames.Count); i++)
        {
            if (names.Count != validation.Dataset.ClassNames.Count || names[i] != validation.Dataset.ClassNames[i])
            {
                throw new DataException("The training and the validation images have different classes.");
            }
        }

        ClassMatch classes = ClassMatch.Of(model, names, options.KeepClasses, wanted, notes);
        int[] labels = new int[train.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = classes.Map[train.Label(i)];
        return new TrainingInputs(classes, new Preprocessor(wanted), train, validation, labels);
    }

    /// <summary>Hash of the images, their classes and their preprocessing.</summary>
    public string DataKey()
    {
        XxHash128 hash = new();
        Append(hash, Train);
        if (Validation is not null) Append(hash, Validation);
        foreach (KeyValuePair<string, string> pair in PreprocessingText.Format(Preprocessor.Preprocessing)) hash.Append(Encoding.UTF8.GetBytes($"{pair.Key} {pair.Value}\n"));
        return hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
    }

    private void Append(XxHash128 hash, PreparedSet set)
    {
        UInt128[] key = [set.Key];
        hash.Append(MemoryMarshal.AsBytes<UInt128>(key));
        int[] labels = new int[set.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = Classes.Map[set.Label(i)];
        hash.Append(MemoryMarshal.AsBytes<int>(labels));
    }

    private static string SizeOf(PreparedSet set) => $"{set.Preprocessing.Width}x{set.Preprocessing.Height}";
}
