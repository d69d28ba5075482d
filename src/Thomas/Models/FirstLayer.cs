using System;
using System.Globalization;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas;

/// <summary>
/// What the weights of the first convolution tell of the numbers that it was trained on, for files that say nothing. Batch normalization that is folded into a
/// layer scales its results to about 1, so weights for bytes are some 255 times smaller than weights for 0 to 1; and its bias takes away the mean of the
/// results.
/// </summary>
internal static class FirstLayer
{
    /// <summary>Between the largest median known of layers for bytes, 0.02, and the smallest of layers for normalized images, 0.19.</summary>
    private const double LargestForBytes = 0.06;

    /// <summary>Biases that fit 0 to 1 must fit it far better than -1 to 1: most fit both about equally.</summary>
    private const double ClearlyBetter = 0.6;

    /// <summary>Means of photos in 0 to 1 and in -1 to 1.</summary>
    private const double UnitMean = 0.45, SignedMean = -0.1;

    /// <summary>A preset's name and the reason; null where the weights tell nothing.</summary>
    public static (string Preset, string Reason)? Guess(Graph graph)
    {
        LeadingArithmetic leading = LeadingArithmetic.Of(graph, passesGrids: true);
        Value value = leading.End;
        if (leading.Rescales || value.Consumers.Count != 1 || value.Consumers[0] is not { Op: Conv2d } layer) return null;
        if (layer.Inputs[1].Constant is not { } filter || !filter.Type.DType.IsFloat() || filter.Type.Shape.ElementCount == 0) return null;
        (double[] norms, double[] sums, double[] biases) = Measure(layer, filter);
        double[] sorted = [.. norms];
        Array.Sort(sorted);
        double median = sorted[sorted.Length / 2];
        if (median is > 0 and < LargestForBytes)
        {
            return ("raw", string.Create(
                CultureInfo.InvariantCulture, $"because the first layer's weights are as small (median {median:0.###}) as those trained on bytes"));
        }

        double unit = Rest(sums, biases, UnitMean), signed = Rest(sums, biases, SignedMean);
        return unit > 0 && unit < ClearlyBetter * signed ? ("unit", "because the first layer's biases fit images of 0 to 1") : null;
    }

    /// <summary>Of each filter the norm, the sum and the bias, batch normalization behind the layer counted in.</summary>
    private static (double[] Norms, double[] Sums, double[] Biases) Measure(Node layer, TensorData filter)
    {
        int filters = filter.Type.Shape[0], length = filter.Type.Shape.ElementCount / filters;
        double[] norms = new double[filters], sums = new double[filters], biases = new double[filters];
        ReadOnlySpan<float> weights = filter.Widened, shifts = layer.Inputs.Count > 2 && layer.Inputs[2].Constant is { } bias
            && bias.Type.Shape.ElementCount == filters ? bias.Widened : default;
        for (int f = 0; f < filters; f++)
        {
            foreach (float w in weights.Slice(f * length, length))
            {
                norms[f] += (double)w * w;
                sums[f] += w;
            }

            norms[f] = Math.Sqrt(norms[f]);
            if (shifts.Length > 0) biases[f] = shifts[f];
        }

        if (layer.Output.Consumers.Count == 1 && layer.Output.Consumers[0] is { Op: BatchNorm } normalization) Fold(normalization, norms, sums, biases);
        return (norms, sums, biases);
    }

    private static void Fold(Node normalization, double[] norms, double[] sums, double[] biases)
    {
        for (int i = 1; i < 5; i++)
        {
            if (normalization.Inputs[i].Constant is null) return;
        }

        double epsilon = ((BatchNormAttributes)normalization.Attributes).Epsilon;
        for (int f = 0; f < norms.Length; f++)
        {
            double factor = normalization.Inputs[1].Constant!.Floats[f] / Math.Sqrt(normalization.Inputs[4].Constant!.Floats[f] + epsilon);
            norms[f] *= Math.Abs(factor);
            sums[f] *= factor;
            biases[f] = ((biases[f] - normalization.Inputs[3].Constant!.Floats[f]) * factor) + normalization.Inputs[2].Constant!.Floats[f];
        }
    }

    /// <summary>Root mean square of the results for an image of one color, the mean one.</summary>
    private static double Rest(double[] sums, double[] biases, double mean)
    {
        double squares = 0;
        for (int f = 0; f < sums.Length; f++)
        {
            double rest = (sums[f] * mean) + biases[f];
            squares += rest * rest;
        }

        return Math.Sqrt(squares / sums.Length);
    }
}
