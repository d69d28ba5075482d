using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Data.Handwriting;

/// <summary>
/// Handwritten characters that the program draws itself: 28x28 grey levels, white on black, centered by mass like MNIST's digits. They let a network be trained
/// and tuned where no data is at hand. The same characters, seed and index give the same bytes in every version of Thomas and on every machine.
/// </summary>
/// <remarks>
/// A character is drawn as strokes of a pen: one of several styles in which people write it, splines through shaky points, a smooth elastic distortion (Simard,
/// Steinkraus and Platt 2003), shear, rotation, size, place, and a pen of random width and softness.
/// </remarks>
public sealed class HandwrittenSet
{
    /// <summary>Pixels along each side of an image.</summary>
    public const int Side = GlyphWriter.Side;

    /// <summary>The digits 0 to 9.</summary>
    public const string Digits = "0123456789";

    /// <summary>The letters A to J, the classes of notMNIST.</summary>
    public const string Letters = "ABCDEFGHIJ";

    private readonly byte[] _pixels;
    private readonly ulong _seed;

    private HandwrittenSet(string characters, ulong seed, byte[] pixels)
    {
        Characters = characters;
        _seed = seed;
        _pixels = pixels;
    }

    /// <summary>The classes: image i shows character i modulo their number.</summary>
    public string Characters { get; }

    /// <summary>Number of images.</summary>
    public int Count => _pixels.Length / (Side * Side);

    /// <summary>Draws images. A larger set begins with the images of a smaller one.</summary>
    /// <param name="characters">Different characters out of <see cref="Digits"/> and <see cref="Letters"/>; their order is that of the classes.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="seed">Sets with different seeds have no image in common.</param>
    /// <returns>The images.</returns>
    /// <exception cref="ArgumentException">There is no character, one that cannot be drawn, or one twice; or <paramref name="count"/> is negative.</exception>
    public static HandwrittenSet Create(string characters, int count, ulong seed)
    {
        ArgumentException.ThrowIfNullOrEmpty(characters);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        for (int i = 0; i < characters.Length; i++)
        {
            if (!GlyphShapes.Characters.Contains(characters[i], StringComparison.Ordinal))
            {
                throw new ArgumentException($"'{characters[i]}' cannot be drawn; supported characters: {GlyphShapes.Characters}.", nameof(characters));
            }

            if (characters.IndexOf(characters[i], StringComparison.Ordinal) != i)
            {
                throw new ArgumentException($"'{characters[i]}' occurs twice; every class needs its own character.", nameof(characters));
            }
        }

        byte[] pixels = new byte[checked(count * Side * Side)];
        GlyphWriter writer = new();
        Rng rng = new(seed);
        for (int i = 0; i < count; i++)
            writer.Write(characters[i % characters.Length], rng.Fork((ulong)i), pixels.AsSpan(i * Side * Side, Side * Side));
        return new HandwrittenSet(characters, seed, pixels);
    }

    /// <summary>Pixels of an image.</summary>
    /// <param name="index">The image, below <see cref="Count"/>.</param>
    /// <returns>[28, 28] grey levels, rows from the top; 0 is no ink.</returns>
    public ReadOnlySpan<byte> Pixels(int index) => _pixels.AsSpan(Checked(index) * Side * Side, Side * Side);

    /// <summary>Class of an image.</summary>
    /// <param name="index">The image, below <see cref="Count"/>.</param>
    /// <returns>Index into <see cref="Characters"/>.</returns>
    public int Label(int index) => Checked(index) % Characters.Length;

    /// <summary>The images for everything that takes a data set; the pixels are shared, not copied.</summary>
    /// <param name="subset">Part of the data set that all of them belong to.</param>
    /// <returns>The data set; its classes are named by their characters.</returns>
    public Dataset ToDataset(Subset subset = Subset.Unassigned)
    {
        string[] classNames = new string[Characters.Length];
        for (int i = 0; i < classNames.Length; i++) classNames[i] = Characters[i].ToString();
        List<Sample> samples = new(Count);
        for (int i = 0; i < Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"drawn {classNames[Label(i)]} number {i} of seed {_seed}");
            RawImage image = new(name, _pixels.AsMemory(i * Side * Side, Side * Side), Side, Side);
            samples.Add(new Sample(image, Label(i), subset));
        }

        return new Dataset("drawn handwriting", classNames, samples);
    }

    private int Checked(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return index;
    }
}
