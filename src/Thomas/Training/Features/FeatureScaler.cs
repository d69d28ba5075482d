using System;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Thomas.Training;

/// <summary>
/// Standardization of features: <c>z[k] = (x[k] - mean[k]) * scale[k]</c> with <c>scale[k] = 1 / sqrt(var[k] + VarianceFloor * mean_j var[j])</c>.
/// The floor keeps features that hardly ever vary, such as dead channels, from being blown up into noise.
/// </summary>
internal sealed class FeatureScaler
{
    internal const double VarianceFloor = 0.1;

    private readonly float[] _mean;
    private readonly float[] _scale;

    private FeatureScaler(float[] mean, float[] scale)
    {
        _mean = mean;
        _scale = scale;
    }

    public int Features => _mean.Length;

    /// <summary>Measures mean and (population) variance over all rows and views, in double precision.</summary>
    /// <exception cref="DataException">A feature is not finite.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static FeatureScaler Fit(FeatureMatrix matrix)
    {
        int features = matrix.Features;
        double count = (double)matrix.Samples * matrix.Views;
        double[] mean = new double[features], variance = new double[features];
        for (int view = 0; view < matrix.Views; view++)
        {
            for (int sample = 0; sample < matrix.Samples; sample++)
            {
                ReadOnlySpan<float> row = matrix.Row(sample, view);
                for (int k = 0; k < row.Length; k++) mean[k] += row[k];
            }
        }

        for (int k = 0; k < features; k++) mean[k] /= count;
        RequireFinite(matrix, mean);
        for (int view = 0; view < matrix.Views; view++)
        {
            for (int sample = 0; sample < matrix.Samples; sample++)
            {
                ReadOnlySpan<float> row = matrix.Row(sample, view);
                for (int k = 0; k < row.Length; k++)
                {
                    double deviation = row[k] - mean[k];
                    variance[k] += deviation * deviation;
                }
            }
        }

        double total = 0;
        foreach (double sum in variance) total += sum;
        double floor = VarianceFloor * total / (count * features);
        float[] mean32 = new float[features], scale = new float[features];
        for (int k = 0; k < features; k++)
        {
            mean32[k] = (float)mean[k];
            scale[k] = total > 0 ? (float)(1 / Math.Sqrt((variance[k] / count) + floor)) : 1;
        }

        GC.KeepAlive(matrix);
        return new FeatureScaler(mean32, scale);
    }

    /// <summary>Writes the standardized row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(ReadOnlySpan<float> row, Span<float> result)
    {
        float[] mean = _mean, scale = _scale;
        int width = Vector<float>.Count, k = 0;
        for (; k <= mean.Length - width; k += width)
        {
            Vector<float> x = new(row[k..]);
            ((x - new Vector<float>(mean, k)) * new Vector<float>(scale, k)).CopyTo(result[k..]);
        }

        for (; k < mean.Length; k++) result[k] = (row[k] - mean[k]) * scale[k];
    }

    /// <summary>
    /// Turns a class's weights and bias for plain features into those for standardized ones that give the same logit:
    /// <c>w'[k] = w[k] / scale[k]; b' = b + sum_k w[k] * mean[k]</c>.
    /// </summary>
    public float Unfold(ReadOnlySpan<float> weights, float bias, Span<float> standardized)
    {
        double sum = bias;
        for (int k = 0; k < weights.Length; k++)
        {
            sum += (double)weights[k] * _mean[k];
            standardized[k] = weights[k] / _scale[k];
        }

        return (float)sum;
    }

    /// <summary>The way back: <c>w[k] = w'[k] * scale[k]; b = b' - sum_k w[k] * mean[k]</c>, w being the rounded result.</summary>
    public float Fold(ReadOnlySpan<float> standardized, float bias, Span<float> weights)
    {
        double sum = bias;
        for (int k = 0; k < weights.Length; k++)
        {
            weights[k] = standardized[k] * _scale[k];
            sum -= (double)weights[k] * _mean[k];
        }

        return (float)sum;
    }

    private static void RequireFinite(FeatureMatrix matrix, double[] mean)
    {
        bool finite = true;
        foreach (double m in mean) finite &= double.IsFinite(m);
        if (finite) return;
        for (int view = 0; view < matrix.Views; view++)
        {
            for (int sample = 0; sample < matrix.Samples; sample++)
            {
                ReadOnlySpan<float> row = matrix.Row(sample, view);
                for (int k = 0; k < row.Length; k++)
                {
                    if (float.IsFinite(row[k])) continue;
                    throw new DataException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"Feature {k} of sample {sample} (view {view}) is {row[k]}: the network overflows on this image. Check the model and its "
                        + $"preprocessing."));
                }
            }
        }
    }
}
