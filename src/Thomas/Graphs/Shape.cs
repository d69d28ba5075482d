using System;
using System.Globalization;

namespace Thomas.Graphs;

/// <summary>
/// The sizes of a tensor's axes, outermost first; immutable. The empty shape is a scalar. Activations of rank 4 are NHWC.
/// The product of the sizes fits an <see cref="int"/>.
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The largest rank that kernels handle.</summary>
    public const int MaxRank = 8;

    private readonly int[]? _dims;

    /// <summary>Creates a shape.</summary>
    /// <exception cref="GraphException">The rank exceeds <see cref="MaxRank"/>, a size is negative, or there are 2^31 elements or more.</exception>
    public Shape(params ReadOnlySpan<int> dims)
    {
        if (dims.Length > MaxRank) throw new GraphException($"A tensor of rank {dims.Length} is not supported; the largest rank is {MaxRank}.");
        long count = 1;
        foreach (int dim in dims)
        {
            if (dim < 0) throw new GraphException($"A tensor size is negative: {Format(dims)}.");
            count *= dim;
            if (count > int.MaxValue) throw new GraphException($"A tensor of shape {Format(dims)} has more than 2^31 elements.");
        }

        _dims = dims.ToArray();
    }

    /// <summary>The sizes, outermost first.</summary>
    public ReadOnlySpan<int> Dims => _dims;

    /// <summary>Number of axes.</summary>
    public int Rank => _dims?.Length ?? 0;

    /// <summary>Number of elements: the product of the sizes, 1 for a scalar.</summary>
    public int ElementCount
    {
        get
        {
            int count = 1;
            foreach (int dim in Dims) count *= dim;
            return count;
        }
    }

    /// <summary>The size of one axis; negative axes count from the end.</summary>
    public int this[int axis] => _dims![axis < 0 ? axis + _dims.Length : axis];

    /// <summary>The same shape with one size replaced.</summary>
    public Shape With(int axis, int size)
    {
        int[] dims = Dims.ToArray();
        dims[axis < 0 ? axis + dims.Length : axis] = size;
        return new Shape(dims);
    }

    /// <summary>The product of the sizes of the axes from <paramref name="begin"/> up to, not including, <paramref name="end"/>.</summary>
    public int Product(int begin, int end)
    {
        int product = 1;
        for (int i = begin; i < end; i++) product *= _dims![i];
        return product;
    }

    /// <summary>Row-major strides in elements.</summary>
    public int[] Strides()
    {
        int[] strides = new int[Rank];
        int stride = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= _dims![i];
        }

        return strides;
    }

    /// <summary>
    /// The shape that two operands broadcast to by NumPy's rule (align the last axes; a size of 1 stretches), or false where they do not fit.
    /// </summary>
    public static bool TryBroadcast(Shape a, Shape b, out Shape result)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        int[] dims = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            int da = i < rank - a.Rank ? 1 : a[i - (rank - a.Rank)];
            int db = i < rank - b.Rank ? 1 : b[i - (rank - b.Rank)];
            if (da != db && da != 1 && db != 1)
            {
                result = default;
                return false;
            }

            dims[i] = da == 1 ? db : da;
        }

        result = new Shape(dims);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Dims.SequenceEqual(other.Dims);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int dim in Dims) hash.Add(dim);
        return hash.ToHashCode();
    }

    /// <summary>Element-wise equality.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Element-wise inequality.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>For example <c>[1,224,224,3]</c>.</summary>
    public override string ToString() => Format(Dims);

    private static string Format(ReadOnlySpan<int> dims)
    {
        string text = "[";
        for (int i = 0; i < dims.Length; i++) text += (i == 0 ? "" : ",") + dims[i].ToString(CultureInfo.InvariantCulture);
        return text + "]";
    }
}
