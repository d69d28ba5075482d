using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Training;

/// <summary>In which form training keeps numbers that it does not need all digits of.</summary>
public enum Compression
{
    /// <summary>Everything is float32.</summary>
    None,

    /// <summary>
    /// What the backward pass reads of the forward pass is kept as 16-bit floats of 8 significant binary digits (bfloat16), which have the range of float32:
    /// about half the memory of activations. Arithmetic, weights, gradients and statistics stay float32.
    /// </summary>
    Half,

    /// <summary>
    /// The same with 16-bit floats of 11 digits (IEEE binary16), from 6e-8 to 65,504: closer to float32 where activations are of the order of 1, as batch
    /// normalization makes them. What is smaller becomes 0; what is larger becomes infinite, which is treated as any number that is not finite.
    /// </summary>
    HalfBinary16,

    /// <summary>
    /// <see cref="Half"/> where a memory bound cannot be kept without recomputation or micro-batches otherwise, and it is then the faster way;
    /// <see cref="None"/> else.
    /// </summary>
    Auto,

    /// <summary>
    /// A network of 8 bits stays one: its forward pass computes in integers, as inference does, and the backward pass reads the 8-bit numbers that it leaves.
    /// Weights are trained in float32 and rounded to their grids in each pass, gradients are float32.
    /// </summary>
    Int8,
}

/// <summary>What can be said of a <see cref="Compression"/>: its word in options and reports, the type that it keeps.</summary>
public static class CompressionNames
{
    private static readonly (Compression Compression, string Word)[] Pairs =
    [
        (Compression.None, "none"), (Compression.Half, "half"), (Compression.HalfBinary16, "half:fp16"), (Compression.Auto, "auto"),
        (Compression.Int8, "int8"),
    ];

    /// <summary>The words that <see cref="TryParse"/> understands.</summary>
    public static IReadOnlyList<string> Words { get; } = Array.ConvertAll(Pairs, static pair => pair.Word);

    /// <summary>Its word.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of the defined ones.</exception>
    public static string ToWord(this Compression compression)
    {
        foreach ((Compression known, string word) in Pairs)
        {
            if (known == compression) return word;
        }

        throw new ArgumentOutOfRangeException(nameof(compression), compression, $"There is no compression {compression}.");
    }

    /// <summary>Reads a word.</summary>
    /// <param name="word">The word.</param>
    /// <param name="compression">What it stands for; <see cref="Compression.None"/> if it is unknown.</param>
    /// <returns>Whether it is known.</returns>
    public static bool TryParse(string? word, out Compression compression)
    {
        foreach ((Compression known, string text) in Pairs)
        {
            if (text != word) continue;
            compression = known;
            return true;
        }

        compression = Compression.None;
        return false;
    }

    /// <summary>The type that float32 activations are kept in; null for their own. What is left to the planner keeps them as they are.</summary>
    internal static DType? KeptType(this Compression compression) => compression switch
    {
        Compression.None or Compression.Auto or Compression.Int8 => null,
        Compression.Half => DType.BF16,
        Compression.HalfBinary16 => DType.F16,
        _ => throw new UnreachableException($"Unknown {compression}."),
    };
}
