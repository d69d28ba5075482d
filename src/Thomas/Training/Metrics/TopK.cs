using System;

namespace Thomas.Training;

/// <summary>Ranking of scores: higher first, the lower index among equals; NaN ranks last.</summary>
public static class TopK
{
    /// <summary>Index of the best score.</summary>
    /// <param name="scores">At least one score.</param>
    /// <returns>The index.</returns>
    /// <exception cref="ArgumentException">There is no score.</exception>
    public static int Best(ReadOnlySpan<float> scores)
    {
        if (scores.IsEmpty) throw new ArgumentException("There are no scores.", nameof(scores));
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            if (Beats(scores[i], scores[best])) best = i;
        }

        return best;
    }

    /// <summary>Place of a class among the scores.</summary>
    /// <param name="scores">One score per class.</param>
    /// <param name="index">The class.</param>
    /// <returns>0 for the best.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public static int RankOf(ReadOnlySpan<float> scores, int index)
    {
        if ((uint)index >= (uint)scores.Length) throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {scores.Length} scores.");
        int rank = 0;
        float own = scores[index];
        for (int i = 0; i < scores.Length; i++)
        {
            if (Beats(scores[i], own) || (i < index && !Beats(own, scores[i]))) rank++;
        }

        return rank;
    }

    /// <summary>Whether a class is among the k best.</summary>
    /// <param name="scores">One score per class.</param>
    /// <param name="index">The class.</param>
    /// <param name="k">How many count.</param>
    /// <returns>True if its rank is below <paramref name="k"/>.</returns>
    public static bool Contains(ReadOnlySpan<float> scores, int index, int k) => RankOf(scores, index) < k;

    private static bool Beats(float a, float b) => a > b || (float.IsNaN(b) && !float.IsNaN(a));
}
