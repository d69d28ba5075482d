using System;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>What passes that rewrite weights share.</summary>
internal static class ConstantMath
{
    /// <summary>Filter [outer, channels, inner] times factors[channel], in double, rounded once.</summary>
    public static unsafe TensorData Scale(TensorData filter, int channelAxis, ReadOnlySpan<double> factors)
    {
        Shape shape = filter.Type.Shape;
        int inner = shape.Product(channelAxis + 1, shape.Rank), channels = shape[channelAxis];
        using PinnedFloats source = new(filter);
        float[] scaled = new float[shape.ElementCount];
        for (int i = 0; i < scaled.Length; i++) scaled[i] = (float)(source.Pointer[i] * factors[i / inner % channels]);
        return TensorData.FromFloats(shape, scaled);
    }

    /// <summary>bias * factors + shift; a missing bias counts as zero.</summary>
    public static TensorData Affine(TensorData? bias, ReadOnlySpan<double> factors, ReadOnlySpan<double> shift)
    {
        float[] result = new float[factors.Length];
        ReadOnlySpan<float> source = bias is null ? default : bias.Widened;
        for (int i = 0; i < result.Length; i++) result[i] = (float)(((bias is null ? 0 : source[i]) * factors[i]) + shift[i]);
        return TensorData.FromFloats(new Shape(result.Length), result);
    }
}
