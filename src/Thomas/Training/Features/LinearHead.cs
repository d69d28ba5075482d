using System;
using System.Numerics;

namespace Thomas.Training;

/// <summary>
/// The last layer of a classifier: <c>logits[c] = sum_k weights[c,k] * x[k] + bias[c]</c>. The same numbers, in the same order, as the weights
/// [classes, features] and the bias [classes] of a <c>Dense</c> node.
/// </summary>
internal sealed class LinearHead
{
    private readonly float[] _weights;
    private readonly float[] _bias;

    /// <summary>Creates a head; the numbers are copied.</summary>
    /// <param name="weights">Row-major [classes, features].</param>
    /// <param name="bias">One per class, at least one.</param>
    /// <exception cref="ArgumentException">The weights are not whole rows for every class.</exception>
    public LinearHead(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
        : this(weights.ToArray(), bias.ToArray())
    {
    }

    internal LinearHead(float[] weights, float[] bias)
    {
        if (bias.Length == 0 || weights.Length == 0 || weights.Length % bias.Length != 0)
        {
            throw new ArgumentException($"{weights.Length} weights do not divide into rows for {bias.Length} classes.", nameof(weights));
        }

        _weights = weights;
        _bias = bias;
    }

    /// <summary>Number of classes.</summary>
    public int Classes => _bias.Length;

    /// <summary>Number of features.</summary>
    public int Features => _weights.Length / _bias.Length;

    /// <summary>Row-major [classes, features].</summary>
    public ReadOnlySpan<float> Weights => _weights;

    /// <summary>One per class.</summary>
    public ReadOnlySpan<float> Bias => _bias;

    /// <summary>Computes the logits of one row of features.</summary>
    /// <param name="features">The features.</param>
    /// <param name="logits">Receives one logit per class.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Logits(ReadOnlySpan<float> features, Span<float> logits)
    {
        if (features.Length != Features || logits.Length != Classes)
        {
            throw new ArgumentException(
                $"{features.Length} features and {logits.Length} logits do not fit a head of {Features} features and {Classes} classes.");
        }

        Scores(features, _weights, _bias, logits);
    }

    /// <summary>The weights of a class.</summary>
    public ReadOnlySpan<float> Row(int c) => _weights.AsSpan(c * Features, Features);

    /// <summary><c>scores[c] = sum_k weights[c,k] * x[k] + bias[c]</c>, each one sum in a fixed order.</summary>
    internal static void Scores(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> scores)
    {
        for (int c = 0; c < bias.Length; c++)
        {
            ReadOnlySpan<float> row = weights.Slice(c * x.Length, x.Length);
            Vector<float> sum = default;
            int k = 0;
            for (; k <= x.Length - Vector<float>.Count; k += Vector<float>.Count)
                sum = Vector.MultiplyAddEstimate(new Vector<float>(x[k..]), new Vector<float>(row[k..]), sum);
            float score = Vector.Sum(sum);
            for (; k < x.Length; k++) score += x[k] * row[k];
            scores[c] = score + bias[c];
        }
    }

    /// <summary>Classifies view 0 of every sample; the class of the highest logit wins, the lower index among equals.</summary>
    /// <param name="matrix">Features of the samples.</param>
    /// <returns>Counts of true and predicted classes.</returns>
    /// <exception cref="ArgumentException">The features do not fit, or a label is not one of the classes.</exception>
    public ConfusionMatrix Evaluate(FeatureMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        matrix.RequireLabelsBelow(Classes, "Evaluation");
        ConfusionMatrix confusion = new(Classes);
        float[] logits = new float[Classes];
        for (int sample = 0; sample < matrix.Samples; sample++)
        {
            Logits(matrix.Row(sample), logits);
            confusion.Add(matrix.Labels[sample], TopK.Best(logits));
        }

        GC.KeepAlive(matrix);
        return confusion;
    }
}
