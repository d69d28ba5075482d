using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Kernels.Activations;

namespace Thomas.Architectures;

/// <summary>The words of <see cref="ArchitectureOptions.Variant"/>, and what they mean to layers.</summary>
internal readonly struct VariantWords
{
    public const string Relu = "relu", Relu6 = "relu6", Tanh = "tanh", Sigmoid = "sigmoid", Average = "average", Same = "same", SmallImages = "cifar";

    private const string EpsilonWord = "epsilon";

    /// <summary>The epsilon of batch normalization.</summary>
    public static readonly ArchitectureVariant EpsilonVariant = new(
        EpsilonWord + "=X", "epsilon of batch normalization, for example 0.001 as in TensorFlow");

    /// <summary>TensorFlow's padding.</summary>
    public static readonly ArchitectureVariant SameVariant = new(
        Same, "TensorFlow's padding: the odd row and column go below and to the right (tf_ models of timm)");

    private readonly string[] _words;

    /// <summary>Reads the words, which <see cref="Check"/> has accepted.</summary>
    public VariantWords(string variant) => _words = Split(variant);

    /// <summary>Whether a word is given.</summary>
    public bool Has(string word) => Array.IndexOf(_words ?? [], word) >= 0;

    /// <summary>The epsilon of batch normalization.</summary>
    public float Epsilon(float usual)
    {
        foreach (string word in _words ?? [])
        {
            if (TryEpsilon(word, out float epsilon)) return epsilon;
        }

        return usual;
    }

    /// <summary>The activation that the words ask for.</summary>
    public Activation Activation(Activation usual) =>
        Has(Relu) ? Kernels.Activations.Activation.Relu
        : Has(Relu6) ? Kernels.Activations.Activation.Relu6
        : Has(Tanh) ? new Activation(ActivationKind.Tanh)
        : Has(Sigmoid) ? new Activation(ActivationKind.Sigmoid)
        : usual;

    /// <summary>Two lists of words as one; what both say about the epsilon is said once, by the second.</summary>
    public static string Join(string first, string second)
    {
        List<string> words = [.. Split(second)];
        foreach (string word in Split(first))
        {
            if (!words.Contains(word) && !(TryEpsilon(word, out _) && words.Exists(static other => TryEpsilon(other, out _)))) words.Insert(0, word);
        }

        return string.Join(',', words);
    }

    /// <exception cref="ThomasException">A word is not one of the architecture's.</exception>
    public static void Check(Architecture architecture, string variant)
    {
        foreach (string word in Split(variant))
        {
            if (IsKnown(architecture, word)) continue;
            List<string> words = [];
            foreach (ArchitectureVariant choice in architecture.Variants) words.Add(choice.Word);
            throw new ThomasException(
                $"{architecture.Name} has no variant '{word}'; {(words.Count == 0 ? "it has none" : $"it has {string.Join(", ", words)}")}.");
        }
    }

    /// <summary>Those of some words that the architecture has.</summary>
    public static string Known(Architecture architecture, string variant) =>
        string.Join(',', Array.FindAll(Split(variant), word => IsKnown(architecture, word)));

    /// <summary>Whether the architecture has all of the words.</summary>
    public static bool AreKnown(Architecture architecture, string variant) => Array.TrueForAll(Split(variant), word => IsKnown(architecture, word));

    private static bool IsKnown(Architecture architecture, string word)
    {
        foreach (ArchitectureVariant choice in architecture.Variants)
        {
            if (choice.Word == word || (choice == EpsilonVariant && TryEpsilon(word, out float epsilon) && epsilon is > 0 and < 1)) return true;
        }

        return false;
    }

    private static string[] Split(string variant) => variant.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool TryEpsilon(string word, out float epsilon)
    {
        epsilon = 0;
        return word.StartsWith(EpsilonWord + "=", StringComparison.Ordinal)
            && float.TryParse(word.AsSpan(EpsilonWord.Length + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out epsilon);
    }
}
