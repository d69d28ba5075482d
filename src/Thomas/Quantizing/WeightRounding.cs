using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>Puts constants on 8-bit grids, and biases on the grid of the sums that they are added to.</summary>
internal static class WeightRounding
{
    /// <summary>
    /// Steps that a bias may have. Beyond 2^24 float32 cannot count them, and sums that begin there leave too little of 32 bits: where a channel's weights are
    /// so small that its bias would be larger, its weights get a coarser scale.
    /// </summary>
    private const double MaximumBiasSteps = 1 << 22;

    private const int Steps = sbyte.MaxValue;

    /// <summary>Weights on symmetric grids, q = round(w / s) from -127 to 127 with s = max |w| / 127: of each output channel, or of all of them.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="axis">The axis of the output channels.</param>
    /// <param name="perChannel">Whether each channel has its own scale.</param>
    /// <param name="bias">The bias, null for none.</param>
    /// <param name="inputScale">The step of the layer's input.</param>
    public static TensorData Symmetric(TensorData weights, int axis, bool perChannel, ReadOnlySpan<double> bias, float inputScale)
    {
        float[] values = weights.ToFloats();
        Shape shape = weights.Type.Shape;
        int channels = shape[axis], inner = shape.Product(axis + 1, shape.Rank);
        double[] largest = new double[channels];
        for (int i = 0; i < values.Length; i++)
        {
            ref double most = ref largest[i / inner % channels];
            most = Math.Max(most, Math.Abs(values[i]));
        }

        if (!perChannel) Array.Fill(largest, Largest(largest));
        float[] scales = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double needed = bias.IsEmpty ? 0 : Math.Abs(bias[c]) / (MaximumBiasSteps * inputScale);
            scales[c] = (float)Math.Max(Math.Max(largest[c] / Steps, needed), 1e-30);
        }

        if (!perChannel) Array.Fill(scales, MaxOf(scales));
        for (int i = 0; i < values.Length; i++)
        {
            float scale = scales[i / inner % channels];
            values[i] = (float)((double)scale * Math.Clamp(Math.Round(values[i] / (double)scale), -Steps, Steps));
        }

        Quantization grid = perChannel ? new Quantization(scales, new int[channels], axis) : new Quantization([scales[0]], [0]);
        return TensorData.FromFloats(shape, values, grid);
    }

    /// <summary>A bias in steps of input scale times weight scale.</summary>
    public static TensorData Bias(ReadOnlySpan<double> bias, float inputScale, Quantization weights)
    {
        float[] scales = new float[weights.Scales.Length], values = new float[bias.Length];
        for (int i = 0; i < scales.Length; i++) scales[i] = Math.Max(inputScale * weights.Scales[i], float.Epsilon);
        for (int c = 0; c < values.Length; c++)
        {
            double scale = scales[scales.Length == 1 ? 0 : c];
            values[c] = (float)(scale * Math.Clamp(Math.Round(bias[c] / scale), -2 * MaximumBiasSteps, 2 * MaximumBiasSteps));
        }

        return TensorData.FromFloats(new Shape(values.Length), values, new Quantization(scales, new int[scales.Length]));
    }

    /// <summary>The operand of a sum or product on an int8 grid of its own.</summary>
    public static TensorData Operand(TensorData data)
    {
        float[] values = data.ToFloats();
        float low = 0, high = 0;
        foreach (float value in values)
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        FakeQuantizeAttributes grid = RangeSearch.Grid(low, high);
        double scale = grid.Quantization.Scales[0];
        int zero = grid.Quantization.ZeroPoints[0];
        for (int i = 0; i < values.Length; i++)
        {
            double q = Math.Clamp(Math.Round(values[i] / scale) + zero, grid.Minimum, grid.Maximum);
            values[i] = (float)(scale * (q - zero));
        }

        return TensorData.FromFloats(data.Type.Shape, values, grid.Quantization);
    }

    private static double Largest(double[] values)
    {
        double most = 0;
        foreach (double value in values) most = Math.Max(most, value);
        return most;
    }

    private static float MaxOf(float[] values)
    {
        float most = 0;
        foreach (float value in values) most = Math.Max(most, value);
        return most;
    }
}
