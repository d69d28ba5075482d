using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Data;

/// <summary>Part of a data set that a sample belongs to.</summary>
public enum Subset
{
    /// <summary>The data set does not say; <see cref="Split.Stratified"/> decides.</summary>
    Unassigned,

    /// <summary>Learnt from.</summary>
    Train,

    /// <summary>Used to choose: early stopping, best weights.</summary>
    Validation,

    /// <summary>Looked at once, at the end.</summary>
    Test,
}

/// <summary>One labeled image.</summary>
/// <param name="Image">The image.</param>
/// <param name="ClassIndex">Index into <see cref="Dataset.ClassNames"/>.</param>
/// <param name="Subset">Part of the data set.</param>
public sealed record Sample(ImageSource Image, int ClassIndex, Subset Subset);

/// <summary>Labeled images and the names of their classes. Immutable; nothing is decoded yet.</summary>
public sealed class Dataset
{
    private readonly HashSet<Subset> _subsets = [];

    /// <summary>Creates a data set.</summary>
    /// <param name="name">What to call it in messages: its folder or manifest.</param>
    /// <param name="classNames">Names of the classes, each once.</param>
    /// <param name="samples">The images.</param>
    /// <exception cref="DataException">A class name is empty or occurs twice.</exception>
    /// <exception cref="ArgumentException">A sample or its image is null, or its class index is out of range.</exception>
    public Dataset(string name, IReadOnlyList<string> classNames, IReadOnlyList<Sample> samples)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(samples);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string className in classNames)
        {
            if (string.IsNullOrWhiteSpace(className) || !seen.Add(className))
            {
                throw new DataException($"{name}: the class name '{className}' is empty or occurs twice; every class needs a unique name.");
            }
        }

        foreach (Sample sample in samples)
        {
            if (sample?.Image is null) throw new ArgumentException($"{name}: a sample or its image is null.", nameof(samples));
            if ((uint)sample.ClassIndex >= (uint)classNames.Count)
            {
                throw new ArgumentException(
                    $"'{sample.Image.Name}' has class index {sample.ClassIndex}; there are {classNames.Count} classes.", nameof(samples));
            }

            _subsets.Add(sample.Subset);
        }

        Name = name;
        ClassNames = [.. classNames];
        Samples = [.. samples];
    }

    /// <summary>What to call the data set in messages.</summary>
    public string Name { get; }

    /// <summary>Names of the classes, by class index.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The images, in a fixed order.</summary>
    public IReadOnlyList<Sample> Samples { get; }

    /// <summary>
    /// Bytes of memory that the set takes: images that are held, as those of MNIST and CIFAR-10 are, and for each the objects and the name that it is known by.
    /// An estimate from above; parts of the set (<see cref="Only"/>) share both.
    /// </summary>
    public long HeldBytes
    {
        get
        {
            // A sample, its image, places in a few lists, the key and state that preparing it needs.
            const long ObjectBytes = 200;
            long sum = 0;
            foreach (Sample sample in Samples) sum += sample.Image.HeldBytes + (2L * sample.Image.Name.Length) + ObjectBytes;
            return sum;
        }
    }

    /// <summary>What a person should know about how the data was read, such as the endings of files that were passed over.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether a sample belongs to a subset.</summary>
    /// <param name="subset">The subset.</param>
    /// <returns>True if there is at least one.</returns>
    public bool Has(Subset subset) => _subsets.Contains(subset);

    /// <summary>The samples of one subset, with the same classes.</summary>
    /// <param name="subset">The subset.</param>
    /// <returns>A smaller data set, possibly empty.</returns>
    public Dataset Only(Subset subset)
    {
        List<Sample> chosen = [];
        foreach (Sample sample in Samples)
        {
            if (sample.Subset == subset)
            {
                chosen.Add(sample);
            }
        }

        return new Dataset(Name, ClassNames, chosen);
    }

    /// <summary>Number of images of each class.</summary>
    /// <param name="subset">Count this subset only; null counts all.</param>
    /// <returns>The counts, by class index.</returns>
    public int[] CountByClass(Subset? subset = null)
    {
        int[] counts = new int[ClassNames.Count];
        foreach (Sample sample in Samples)
        {
            if (subset is null || sample.Subset == subset)
            {
                counts[sample.ClassIndex]++;
            }
        }

        return counts;
    }

    /// <summary>Checks that a classifier can learn from this: two classes or more, and images to learn from in each.</summary>
    /// <exception cref="DataException">It cannot; the message says what to do.</exception>
    public void CheckTrainable() => CheckTrainable(mayBeOneClass: false);

    /// <summary>As <see cref="CheckTrainable()"/>.</summary>
    /// <param name="mayBeOneClass">Whether one class is enough, since it is added to others.</param>
    /// <exception cref="DataException">A class is missing or has no training images; the message says what to do.</exception>
    internal void CheckTrainable(bool mayBeOneClass)
    {
        if (ClassNames.Count < (mayBeOneClass ? 1 : 2))
        {
            string found = ClassNames.Count == 0 ? "has no classes" : $"has only the class '{ClassNames[0]}'";
            throw new DataException(
                $"{Name} {found}; a classifier needs at least two. Add a second class with images of something else, or add this class to those of a model "
                + "(tune --keep-classes).");
        }

        int[] unassigned = CountByClass(Subset.Unassigned);
        int[] train = CountByClass(Subset.Train);
        List<string> empty = [];
        for (int i = 0; i < train.Length; i++)
        {
            if (train[i] + unassigned[i] == 0)
            {
                empty.Add(ClassNames[i]);
            }
        }

        if (empty.Count > 0)
        {
            throw new DataException($"{Name}: no training images for {Quote(empty)}. Add images, or remove the class.");
        }
    }

    /// <summary>'a', 'b' and 3 more.</summary>
    internal static string Quote(IReadOnlyList<string> names)
    {
        const int Shown = 10;
        List<string> quoted = [];
        for (int i = 0; i < names.Count && i < Shown; i++)
        {
            quoted.Add($"'{names[i]}'");
        }

        string text = string.Join(", ", quoted);
        return names.Count <= Shown ? text : string.Create(CultureInfo.InvariantCulture, $"{text} and {names.Count - Shown} more");
    }
}
