using System;

namespace Thomas.Architectures;

/// <summary>Fills a new tensor. PyTorch counts the fans without regard to groups: kH * kW times input or output channels of the filter.</summary>
internal delegate void Initializer(Rng rng, Span<float> values, int fanIn, int fanOut);

/// <summary>Distributions of initial weights.</summary>
internal static class Initializers
{
    /// <summary>All zero.</summary>
    public static void Zeros(Rng rng, Span<float> values, int fanIn, int fanOut) => values.Clear();

    /// <summary>Normal with variance 2 / fanOut (He et al. 2015, backward form).</summary>
    public static void KaimingNormalFanOut(Rng rng, Span<float> values, int fanIn, int fanOut) => Normal(rng, values, MathF.Sqrt(2f / fanOut));

    /// <summary>Normal with variance 2 / fanIn (He et al. 2015, forward form).</summary>
    public static void KaimingNormalFanIn(Rng rng, Span<float> values, int fanIn, int fanOut) => Normal(rng, values, MathF.Sqrt(2f / fanIn));

    /// <summary>Uniform with variance 2 / fanIn (He et al. 2015).</summary>
    public static void KaimingUniform(Rng rng, Span<float> values, int fanIn, int fanOut) => Uniform(rng, values, MathF.Sqrt(6f / fanIn));

    /// <summary>Uniform with variance 1 / fanIn: Caffe's form of Glorot and Bengio 2010.</summary>
    public static void XavierUniform(Rng rng, Span<float> values, int fanIn, int fanOut) => Uniform(rng, values, MathF.Sqrt(3f / fanIn));

    /// <summary>Uniform up to 1 / sqrt(fanIn): what PyTorch's layers start from, weights and biases alike.</summary>
    public static void TorchUniform(Rng rng, Span<float> values, int fanIn, int fanOut) => Uniform(rng, values, 1 / MathF.Sqrt(fanIn));

    /// <summary>Normal with standard deviation 0.01, for heads.</summary>
    public static void SmallNormal(Rng rng, Span<float> values, int fanIn, int fanOut) => Normal(rng, values, 0.01f);

    private static void Normal(Rng rng, Span<float> values, float standardDeviation)
    {
        foreach (ref float value in values) value = rng.Normal(0, standardDeviation);
    }

    private static void Uniform(Rng rng, Span<float> values, float bound)
    {
        foreach (ref float value in values) value = rng.Uniform(-bound, bound);
    }
}
