using System;

namespace Thomas.Tests.Harness;

/// <summary>
/// What is kept of a large array of numbers: whole if it is short, else evenly spaced elements and the dot product with noise, which sees every element.
/// </summary>
/// <param name="Norm">Root of the sum of squares.</param>
/// <param name="Stride">Distance of the kept elements; the first one is element 0.</param>
/// <param name="Values">The kept elements.</param>
/// <param name="Projection">Sum of g[i] * noise[i], if not all elements are kept.</param>
/// <param name="ProjectionSeed">Seed of that noise.</param>
internal sealed record TorchSummary(double Norm, int Stride, double[] Values, double? Projection, uint ProjectionSeed)
{
    /// <summary>
    /// The largest of three relative errors: of the norm, of the kept elements taken together, and of the projection. If every element is off by random errors
    /// of relative size e, all three are about e or less.
    /// </summary>
    public double RelativeError(ReadOnlySpan<float> actual)
    {
        double squares = 0;
        foreach (float value in actual) squares += (double)value * value;
        double error = Math.Abs(Math.Sqrt(squares) - Norm) / Norm;

        double apart = 0, kept = 0;
        for (int i = 0; i < Values.Length; i++)
        {
            double difference = actual[i * Stride] - Values[i];
            apart += difference * difference;
            kept += Values[i] * Values[i];
        }

        // The share of the norm that so many elements have on average, in case these few are small by chance.
        double share = Norm * Math.Sqrt((double)Values.Length / actual.Length);
        error = Larger(error, Math.Sqrt(apart) / Math.Max(Math.Sqrt(kept), share));

        if (Projection is double projection)
        {
            float[] noise = TestGraphs.Noise(actual.Length, ProjectionSeed);
            double dot = 0;
            for (int i = 0; i < noise.Length; i++) dot += (double)actual[i] * noise[i];
            // Even noise in [-1, 1) has a variance of 1/3.
            error = Larger(error, Math.Abs(dot - projection) / (Norm * Math.Sqrt(1.0 / 3)));
        }

        return error;
    }

    // NaN wins, so that a test cannot pass on it.
    private static double Larger(double a, double b) => double.IsNaN(a) || a > b ? a : b;
}
