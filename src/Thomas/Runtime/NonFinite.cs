using System;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>The first number of a checked run that is not finite.</summary>
/// <param name="Value">The tensor that it is in.</param>
/// <param name="Node">What computed it; null where it was fed in.</param>
/// <param name="Number">NaN or an infinity.</param>
internal sealed record NonFinite(Value Value, Node? Node, float Number)
{
    /// <summary>The first number that is not finite; null if all are.</summary>
    public static float? In(ReadOnlySpan<float> values)
    {
        // x - x is 0 for finite numbers and NaN for all others.
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> v in vectors) sum += v - v;
        bool finite = Vector.EqualsAll(sum, Vector<float>.Zero);
        for (int i = finite ? vectors.Length * Vector<float>.Count : 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i])) return values[i];
        }

        return null;
    }

    /// <summary>The first number of a constant that is not finite; null if all are. Integers are.</summary>
    public static float? In(TensorData data) => data.Type.DType.IsFloat() ? In(data.Widened) : null;

    /// <inheritdoc/>
    public override string ToString() => Node is null
        ? string.Create(CultureInfo.InvariantCulture, $"{Number} in the input '{Value.Name}'")
        : string.Create(CultureInfo.InvariantCulture, $"{Number} in '{Value.Name}' ({Node.Op.Name})");
}
