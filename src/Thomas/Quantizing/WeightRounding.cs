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

    private const int MaximumSteps = sbyte.MaxValue, ScaleCandidates = 31;

    private const double CandidateDistance = 0.01, SmallestScale = 1e-30;

    /// <summary>
    /// Weights on symmetric grids, q = round(w / s) from -127 to 127: of each output channel, or of all of them. Of the scales from max |w| / 127 down to 0.7
    /// times that, the one with the least sum of squared errors.
    /// </summary>
    /// <param name="weights">The weights.</param>
    /// <param name="axis">The axis of the output channels.</param>
    /// <param name="perChannel">Whether each channel has its own scale.</param>
    /// <param name="bias">The bias, one number for each channel.</param>
    /// <param name="inputScale">The step of the layer's input.</param>
    public static TensorData Symmetric(TensorData weights, int axis, bool perChannel, ReadOnlySpan<double> bias, float inputScale)
    {
        Shape shape = weights.Type.Shape;
        WeightLayout layout = new(shape, axis, shape[axis]);
        float[] values = weights.ToFloats();
        double[][] rows = new double[layout.Channels][];
        for (int c = 0; c < rows.Length; c++)
        {
            rows[c] = new double[layout.Length];
            for (int i = 0; i < layout.Length; i++) rows[c][i] = values[layout.At(c, i)];
        }

        float[] scales = Scales(rows, perChannel, bias, inputScale);
        byte[] steps = new byte[values.Length];
        for (int c = 0; c < rows.Length; c++)
        {
            float scale = scales[perChannel ? c : 0];
            for (int i = 0; i < layout.Length; i++) steps[layout.At(c, i)] = (byte)(sbyte)Steps(rows[c][i], scale);
        }

        return OnGrid(shape, steps, new Quantization(scales, new int[scales.Length], perChannel ? axis : 0));
    }

    /// <summary>The scales of <see cref="Symmetric"/> for the weights of each channel.</summary>
    public static float[] Scales(double[][] rows, bool perChannel, ReadOnlySpan<double> bias, float inputScale)
    {
        float[] scales = new float[perChannel ? rows.Length : 1];
        for (int c = 0; c < scales.Length; c++)
        {
            double needed = 0;
            foreach (double number in perChannel ? bias.Slice(c, 1) : bias) needed = Math.Max(needed, Math.Abs(number) / (MaximumBiasSteps * inputScale));
            scales[c] = (float)Math.Max(Math.Max(BestScale(perChannel ? rows.AsSpan(c, 1) : rows), needed), SmallestScale);
        }

        return scales;
    }

    /// <summary>The steps of a weight.</summary>
    public static double Steps(double weight, double scale) => Math.Clamp(Math.Round(weight / scale), -MaximumSteps, MaximumSteps);

    private static double BestScale(ReadOnlySpan<double[]> rows)
    {
        double largest = 0, least = double.PositiveInfinity, best = 0;
        foreach (double[] row in rows)
        {
            foreach (double weight in row) largest = Math.Max(largest, Math.Abs(weight));
        }

        if (largest == 0) return 0;
        for (int i = 0; i < ScaleCandidates; i++)
        {
            double scale = largest / MaximumSteps * (1 - (i * CandidateDistance)), error = 0;
            foreach (double[] row in rows)
            {
                foreach (double weight in row)
                {
                    double difference = (scale * Steps(weight, scale)) - weight;
                    error += difference * difference;
                }
            }

            if (error < least) (least, best) = (error, scale);
        }

        return best;
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
        byte[] steps = new byte[values.Length];
        for (int i = 0; i < steps.Length; i++) steps[i] = (byte)(sbyte)Math.Clamp(Math.Round(values[i] / scale) + zero, grid.Minimum, grid.Maximum);
        return OnGrid(data.Type.Shape, steps, grid.Quantization);
    }

    /// <summary>The same real numbers, kept as the steps of their grid.</summary>
    public static TensorData AsSteps(TensorData data) => StoredSteps.Of(data, data.Quantization!.Axis) is { } steps ? TensorData.FromSteps(steps) : data;

    private static TensorData OnGrid(Shape shape, byte[] steps, Quantization grid) =>
        TensorData.FromSteps(new TensorData(new TensorType(DType.I8, shape), steps, grid));
}
