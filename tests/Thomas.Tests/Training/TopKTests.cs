using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TopKTests
{
    private static readonly float[] Scores = [0.5f, float.NaN, 2, 0.5f, -1, 2];

    [Fact]
    public void Higher_wins_then_the_lower_index_and_nan_is_last()
    {
        int[] ranks = new int[Scores.Length];
        for (int i = 0; i < ranks.Length; i++) ranks[i] = TopK.RankOf(Scores, i);
        Assert.Equal([2, 5, 0, 3, 4, 1], ranks);
        Assert.Equal(2, TopK.Best(Scores));
        Assert.Equal(1, TopK.Best([float.NaN, -5]));
        Assert.Equal(0, TopK.Best([float.NaN, float.NaN]));
    }

    [Fact]
    public void Contains_counts_the_k_best()
    {
        Assert.True(TopK.Contains(Scores, 0, 3));
        Assert.False(TopK.Contains(Scores, 3, 3));
        Assert.True(TopK.Contains(Scores, 1, 6));
    }

    [Fact]
    public void Missing_scores_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TopK.Best([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TopK.RankOf(Scores, 6));
    }
}
