using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class ConfusionMatrixTests
{
    [Fact]
    public void Figures_follow_from_the_counts()
    {
        ConfusionMatrix matrix = Small();
        Assert.Equal(10, matrix.Total);
        Assert.Equal(7, matrix.Correct);
        Assert.Equal(0.7, matrix.Accuracy);
        Assert.Equal((1.0 + 0.5) / 2, matrix.MacroRecall);
        Assert.Equal(new ClassMetrics(0, 4, 7, 4, 1.0, 4 / 7.0), matrix.OfClass(0));
        Assert.Equal(new ClassMetrics(1, 6, 3, 3, 0.5, 1.0), matrix.OfClass(1));
        Assert.Equal(new ClassMetrics(2, 0, 0, 0, null, null), matrix.OfClass(2));
        Assert.Equal(3, matrix.PerClass().Count);
        Assert.Equal(3, matrix[1, 0]);
        Assert.Equal([3, 3, 0], matrix.ToRows()[1]);
    }

    [Fact]
    public void An_empty_matrix_has_figures_too()
    {
        ConfusionMatrix matrix = Small();
        matrix.Clear();
        Assert.Equal(0, matrix.Total);
        Assert.Equal(0, matrix.Accuracy);
        Assert.Equal(0, matrix.MacroRecall);
        Assert.Empty(matrix.MostConfused(5));
        Assert.Contains("0 of 0", matrix.ToTable(), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_are_ranked_by_count_then_class()
    {
        ConfusionMatrix matrix = new(4);
        matrix.Add(3, 1);
        matrix.Add(0, 2);
        matrix.Add(0, 2);
        matrix.Add(1, 3);
        matrix.Add(2, 2);
        Assert.Equal([new ConfusedPair(0, 2, 2), new ConfusedPair(1, 3, 1), new ConfusedPair(3, 1, 1)], matrix.MostConfused(9));
        Assert.Equal([new ConfusedPair(0, 2, 2)], matrix.MostConfused(1));
    }

    [Fact]
    public void A_small_matrix_is_drawn_whole()
    {
        string expected = string.Join('\n',
            "true \\ predicted     0   1   2   recall",
            "0 cat                4   .   .   100.0% of 4",
            "1 dog                3   3   .    50.0% of 6",
            "2 class 2            .   .   .        -",
            "precision           57 100   -   %",
            "accuracy 70.0% (7 of 10; 95% interval 39.7% to 89.2%), mean recall 75.0%");
        Assert.Equal(expected, Small().ToTable(["cat", "dog"]));
    }

    [Fact]
    public void A_large_matrix_becomes_a_list_of_what_occurs()
    {
        ConfusionMatrix matrix = new(1000);
        for (int i = 0; i < 5; i++) matrix.Add(7, 7);
        for (int i = 0; i < 3; i++) matrix.Add(7, 512);
        matrix.Add(999, 999);
        List<string> names = [];
        for (int c = 0; c < 1000; c++) names.Add(string.Create(CultureInfo.InvariantCulture, $"a name that is much too long for a column, {c}"));
        names[7] = "cock";
        string[] lines = matrix.ToTable(names).Split('\n');
        Assert.Equal(7, lines.Length);
        Assert.StartsWith("class", lines[0], StringComparison.Ordinal);
        Assert.Equal("cock                            8    62.5%     100.0%", lines[1]);
        Assert.Equal("a name that is m…mn, 512        0        -       0.0%", lines[2]);
        Assert.Equal("        3  cock predicted as a name that is m…mn, 512", lines[5]);
        Assert.Equal("accuracy 66.7% (6 of 9; 95% interval 35.4% to 87.9%), mean recall 81.3%", lines[6]);
    }

    [Fact]
    public void Classes_outside_the_matrix_are_refused()
    {
        ConfusionMatrix matrix = new(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Add(2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Add(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.OfClass(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfusionMatrix(0));
    }

    private static ConfusionMatrix Small()
    {
        ConfusionMatrix matrix = new(3);
        for (int i = 0; i < 4; i++) matrix.Add(0, 0);
        for (int i = 0; i < 3; i++) matrix.Add(1, 1);
        for (int i = 0; i < 3; i++) matrix.Add(1, 0);
        return matrix;
    }
}
