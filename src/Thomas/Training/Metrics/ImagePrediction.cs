using System;
using System.Collections.Generic;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What a model made of one labeled image.</summary>
/// <param name="Image">The image.</param>
/// <param name="Actual">Its true class, an index into the model's labels.</param>
/// <param name="Predicted">The class that the model took it for.</param>
/// <param name="ActualProbability">Probability of the true class, 0 to 1.</param>
/// <param name="PredictedProbability">Probability of the predicted class, 0 to 1.</param>
/// <param name="Loss">
/// How wrong the model was, in nats: <c>-ln(probability of the true class)</c>, 0 or more. It is computed from the logits where the model outputs logits, and
/// from the probabilities otherwise; then it is at most 87.4, for a probability that is 0 in float32.
/// </param>
public sealed record ImagePrediction(
    ImageSource Image, int Actual, int Predicted, double ActualProbability, double PredictedProbability, double Loss)
{
    // The smallest normal float: below it a probability has lost its digits.
    private const double LeastProbability = 1.17549435e-38;

    /// <summary>Whether the true class was predicted.</summary>
    public bool IsCorrect => Actual == Predicted;

    /// <summary>Sorts predictions from the largest loss to the smallest; equal losses keep their order, and a loss that is not a number comes first.</summary>
    /// <param name="predictions">The predictions.</param>
    /// <returns>A sorted copy.</returns>
    public static IReadOnlyList<ImagePrediction> WorstFirst(IReadOnlyList<ImagePrediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        (double Key, int Index)[] order = new (double, int)[predictions.Count];
        for (int i = 0; i < order.Length; i++)
        {
            double loss = predictions[i].Loss;
            order[i] = (double.IsNaN(loss) ? double.NegativeInfinity : -loss, i);
        }

        Array.Sort(order);
        ImagePrediction[] sorted = new ImagePrediction[order.Length];
        for (int i = 0; i < sorted.Length; i++) sorted[i] = predictions[order[i].Index];
        return sorted;
    }

    /// <summary>From what a model computed for an image.</summary>
    /// <param name="output">The meaning of the numbers.</param>
    /// <param name="numbers">The numbers.</param>
    /// <param name="image">The image.</param>
    /// <param name="actual">Its true class.</param>
    /// <param name="probabilities">Memory to work in: one number for each class.</param>
    internal static ImagePrediction Of(ClassOutput output, ReadOnlySpan<float> numbers, ImageSource image, int actual, Span<float> probabilities)
    {
        if (output is { Kind: ScoreKind.Logit, IsBinary: false }) return OfLogits(numbers, image, actual);
        int predicted = TopK.Best(output.ToScores(numbers, stackalloc float[2]));
        output.ToProbabilities(numbers, probabilities);
        double loss = output is { Kind: ScoreKind.Logit }
            ? Softplus(actual == 1 ? -numbers[0] : numbers[0])
            : -Math.Log(Math.Max(probabilities[actual], LeastProbability));
        return new ImagePrediction(image, actual, predicted, probabilities[actual], probabilities[predicted], Math.Max(loss, 0));
    }

    /// <summary>From logits, one for each class.</summary>
    internal static ImagePrediction OfLogits(ReadOnlySpan<float> logits, ImageSource image, int actual)
    {
        int predicted = TopK.Best(logits);
        double max = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits) max = Math.Max(max, logit);
        foreach (float logit in logits) sum += Math.Exp(logit - max);
        double normalizer = max + Math.Log(sum);
        double loss = Math.Max(normalizer - logits[actual], 0);
        return new ImagePrediction(image, actual, predicted, Math.Exp(logits[actual] - normalizer), Math.Exp(logits[predicted] - normalizer), loss);
    }

    /// <summary>ln(1 + e^x) without overflow.</summary>
    private static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
}
