using System;

namespace Thomas;

/// <summary>Where in an image the evidence for a class lies, as <see cref="ImageExplainer"/> finds it.</summary>
public sealed class ClassActivation
{
    private readonly float[] _cells;

    internal ClassActivation(ClassScore score, int width, int height, float[] cells)
    {
        Class = score;
        Width = width;
        Height = height;
        _cells = cells;
        Maximum = float.NegativeInfinity;
        foreach (float cell in cells) Maximum = Math.Max(Maximum, cell);
    }

    /// <summary>The class that is explained, with its probability.</summary>
    public ClassScore Class { get; }

    /// <summary>Columns of the map.</summary>
    public int Width { get; }

    /// <summary>Rows of the map.</summary>
    public int Height { get; }

    /// <summary>
    /// [height, width] numbers, rows from the top: what each cell contributes to the class's score (its logit, where the model ends in a softmax or
    /// sigmoid), in units of that score. Above 0 speaks for the class, below 0 against it. Where only pooling and one linear layer follow the activation,
    /// the cells and that layer's bias add up to the score; otherwise this is a first-order share.
    /// </summary>
    public ReadOnlySpan<float> Cells => _cells;

    /// <summary>The largest cell; 0 or less where nothing speaks for the class.</summary>
    public float Maximum { get; }

    /// <summary>One cell.</summary>
    /// <param name="row">Its row, below <see cref="Height"/>.</param>
    /// <param name="column">Its column, below <see cref="Width"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such cell.</exception>
    public float this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Height);
            ArgumentOutOfRangeException.ThrowIfNegative(column);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(column, Width);
            return _cells[(row * Width) + column];
        }
    }

    /// <summary>
    /// The map as heat for an image of the model's input size or any other: bilinear between the centers of the cells, from 0 (nothing, or evidence against the
    /// class) to 1 (<see cref="Maximum"/>); all 0 where <see cref="Maximum"/> is 0 or less.
    /// </summary>
    /// <param name="width">Columns wanted, at least 1.</param>
    /// <param name="height">Rows wanted, at least 1.</param>
    /// <returns>[height, width] numbers.</returns>
    public float[] ToHeat(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        float[] heat = new float[checked(width * height)];
        if (!(Maximum > 0)) return heat;
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom, float down) = Between(y, height, Height);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, float across) = Between(x, width, Width);
                float above = float.Lerp(_cells[(top * Width) + left], _cells[(top * Width) + right], across);
                float below = float.Lerp(_cells[(bottom * Width) + left], _cells[(bottom * Width) + right], across);
                heat[(y * width) + x] = Math.Clamp(float.Lerp(above, below, down) / Maximum, 0, 1);
            }
        }

        return heat;
    }

    /// <summary>The two cells whose centers are around a pixel's center, and how far it is from the first to the second.</summary>
    private static (int First, int Second, float Share) Between(int pixel, int pixels, int cells)
    {
        float at = Math.Clamp(((pixel + 0.5f) * cells / pixels) - 0.5f, 0, cells - 1);
        int first = (int)at;
        return (first, Math.Min(first + 1, cells - 1), at - first);
    }
}
