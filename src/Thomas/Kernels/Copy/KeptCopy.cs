using System;

namespace Thomas.Kernels.Copy;

/// <summary>
/// A copy of a result in 16-bit floats. The kernel that makes the result can make the copy as well, piece by piece, while each piece is in the caches.
/// </summary>
/// <param name="source">The result.</param>
/// <param name="target">The copy; null for none.</param>
/// <param name="isBinary16">Whether it is of binary16 numbers, else of bfloat16.</param>
/// <param name="streams">Whether it is so large that it is written past the caches.</param>
internal readonly unsafe struct KeptCopy(float* source, ushort* target, bool isBinary16, bool streams)
{
    private const nuint Alignment = 64;
    private const int PieceFloats = 1 << 14;

    /// <summary>Whether there is one.</summary>
    public bool Exists => target != null;

    /// <summary>The result.</summary>
    public float* Source => source;

    /// <summary>The copy.</summary>
    public ushort* Target => target;

    /// <summary>How many rows of a result to make before they are copied, so that they are near; all where there is no copy.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="columns">Their columns.</param>
    public int PieceRows(int rows, int columns) => target == null ? rows : Math.Clamp(PieceFloats / columns, 1, rows);

    /// <summary>Copies some columns of some rows of the result.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    public void Take(float* first, nint stride, int rows, int columns)
    {
        if (target == null) return;
        if (columns == stride)
        {
            Take(first, rows * stride);
            return;
        }

        for (int row = 0; row < rows; row++) Take(first + (row * stride), columns);
    }

    /// <summary>Copies some numbers.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many.</param>
    public void Take(float* first, nint count)
    {
        ushort* to = target + (first - source);
        bool past = streams && (nuint)to % Alignment == 0;
        if (isBinary16) HalfFloats.NarrowBinary16(first, to, count, past);
        else HalfFloats.NarrowBFloat16(first, to, count, past);
    }
}
