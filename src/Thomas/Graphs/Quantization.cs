using System;

namespace Thomas.Graphs;

/// <summary>
/// Affine quantization: real = scale * (q - zeroPoint), one pair for the whole tensor or one per index of <see cref="Axis"/>.
/// </summary>
public sealed class Quantization
{
    private readonly float[] _scales;
    private readonly int[] _zeroPoints;

    /// <summary>Creates a quantization; one scale and zero point per channel, or one of each.</summary>
    /// <exception cref="GraphException">No scale, a scale that is not positive and finite, or counts that differ.</exception>
    public Quantization(ReadOnlySpan<float> scales, ReadOnlySpan<int> zeroPoints, int axis = 0)
    {
        if (scales.Length == 0 || scales.Length != zeroPoints.Length)
        {
            throw new GraphException($"A quantization needs as many zero points as scales, at least one; got {scales.Length} and {zeroPoints.Length}.");
        }

        foreach (float scale in scales)
        {
            if (!(scale > 0) || float.IsInfinity(scale)) throw new GraphException($"A quantization scale must be positive and finite; got {scale}.");
        }

        _scales = scales.ToArray();
        _zeroPoints = zeroPoints.ToArray();
        Axis = axis;
    }

    /// <summary>The axis that the scales run along; meaningless with one scale.</summary>
    public int Axis { get; }

    /// <summary>Positive step sizes.</summary>
    public ReadOnlySpan<float> Scales => _scales;

    /// <summary>The quantized values that stand for zero.</summary>
    public ReadOnlySpan<int> ZeroPoints => _zeroPoints;

    /// <summary>Whether one scale serves the whole tensor.</summary>
    public bool IsPerTensor => _scales.Length == 1;

    /// <summary>Whether there is one scale, or one for each index of an axis of the shape.</summary>
    internal bool Fits(Shape shape) => IsPerTensor || ((uint)Axis < (uint)shape.Rank && shape[Axis] == _scales.Length);

    /// <summary>The same map for the tensor with its axes in another order: axis i of the result is axis permutation[i] of this one.</summary>
    internal Quantization Permuted(IntList permutation) =>
        IsPerTensor ? this : new Quantization(_scales, _zeroPoints, permutation.Items.IndexOf(Axis));

    /// <summary>The same map for the same elements under another shape; null where no axis of it is the one that the scales run along.</summary>
    internal Quantization? Reshaped(Shape from, Shape to)
    {
        if (IsPerTensor) return this;
        int before = from.Product(0, Axis);
        for (int axis = 0, product = 1; axis < to.Rank && product <= before; product *= to[axis++])
        {
            if (product == before && to[axis] == _scales.Length) return new Quantization(_scales, _zeroPoints, axis);
        }

        return null;
    }
}
