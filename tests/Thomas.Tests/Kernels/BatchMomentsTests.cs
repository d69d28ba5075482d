using System;
using System.Linq;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class BatchMomentsTests
{
    [Fact]
    public void A_band_that_comes_in_blocks_has_the_moments_of_its_rows()
    {
        foreach (int columns in SimdSizes.UpTo(70))
        {
            foreach (int[] blocks in (int[][])[[1], [2, 1], [7, 7, 3], [64], [1, 40]])
                Check(columns, blocks);
        }
    }

    [Theory]
    [InlineData(1, 56)]
    [InlineData(392, 56)]
    [InlineData(393, 56)]
    [InlineData(5000, 14)]
    [InlineData(100352, 56)]
    [InlineData(1000003, 7)]
    public void Bands_of_blocks_are_whole_blocks_and_at_most_32_of_them(int rows, int blockRows)
    {
        RowBands bands = RowBands.OfBlocks(rows, 3, blockRows);
        Assert.Equal(0, bands.BandRows % blockRows);
        Assert.InRange(bands.BandRows / blockRows, 1, 32);
        Assert.Equal(rows, Enumerable.Range(0, bands.Bands).Sum(bands.RowsOf));
        Assert.All(Enumerable.Range(0, bands.Bands), band => Assert.True(bands.RowsOf(band) > 0));

        // Room for the moments of all bands: little beside the rows.
        Assert.True(bands.Bands <= Math.Max(32, rows / (32 * blockRows) + 1));
    }

    /// <summary>Columns far from zero, so that a wrong shift shows.</summary>
    private static void Check(int columns, int[] blocks)
    {
        int rows = blocks.Sum(), stride = columns + 3;
        using GuardedBuffer x = GuardedBuffer.Random(((rows - 1) * stride) + columns, 5), shift = new(columns), mean = new(columns), squares = new(columns);
        for (int i = 0; i < x.Length; i++) x.Span[i] += 300;
        int row = 0;
        foreach (int count in blocks)
        {
            BatchMoments.OfBlock(x.Pointer + (row * stride), stride, row, count, rows, columns, shift.Pointer, mean.Pointer, squares.Pointer);
            row += count;
        }

        for (int c = 0; c < columns; c++)
        {
            double[] column = [.. Enumerable.Range(0, rows).Select(r => (double)x.Span[(r * stride) + c])];
            double expected = column.Average(), sum = column.Sum(v => (v - expected) * (v - expected));
            Assert.Equal(expected, mean.Span[c], 6e-5);
            Assert.Equal(sum, squares.Span[c], 2e-4 * (sum + 0.01));
        }
    }
}
