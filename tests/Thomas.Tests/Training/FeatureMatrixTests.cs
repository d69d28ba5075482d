using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class FeatureMatrixTests
{
    [Fact]
    public void Starts_as_zeros_and_keeps_rows_apart()
    {
        using FeatureMatrix matrix = new([0, 1, 2], 4, views: 2);
        Assert.Equal(3L * 2 * 4 * 4, matrix.LengthBytes);
        for (int view = 0; view < 2; view++)
            for (int sample = 0; sample < 3; sample++)
            {
                Assert.Equal(new float[4], matrix.Row(sample, view).ToArray());
                matrix.WritableRow(sample, view).Fill((10 * view) + sample);
            }

        for (int view = 0; view < 2; view++)
            for (int sample = 0; sample < 3; sample++)
                Assert.All(matrix.Row(sample, view).ToArray(), x => Assert.Equal((10 * view) + sample, x));
    }

    [Fact]
    public void Wrong_sizes_labels_and_places_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureMatrix([], 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureMatrix([0], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureMatrix([0], 4, 0));
        Assert.Throws<ArgumentException>(() => new FeatureMatrix([0, -1], 4));
        using FeatureMatrix matrix = new([0, 1], 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.WritableRow(-1));
    }

    [Fact]
    public void A_disposed_matrix_says_so()
    {
        FeatureMatrix matrix = new([0], 4);
        matrix.Dispose();
        matrix.Dispose();
        Assert.Throws<ObjectDisposedException>(() => matrix.Row(0));
    }
}
