using System;
using System.IO.Hashing;
using System.Linq;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class HandwrittenSetTests
{
    private const int Side = HandwrittenSet.Side;
    private const string All = HandwrittenSet.Digits + HandwrittenSet.Letters;

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_every_machine()
    {
        HandwrittenSet set = HandwrittenSet.Create(All, 400, seed: 1);
        XxHash64 hash = new();
        for (int i = 0; i < set.Count; i++) hash.Append(set.Pixels(i));
        Assert.Equal(17760912032519397574UL, hash.GetCurrentHashAsUInt64());
    }

    [Fact]
    public void A_larger_set_begins_with_a_smaller_one_and_other_seeds_give_other_images()
    {
        HandwrittenSet small = HandwrittenSet.Create("47", 20, 5), large = HandwrittenSet.Create("47", 30, 5), other = HandwrittenSet.Create("47", 20, 6);
        for (int i = 0; i < small.Count; i++)
        {
            Assert.True(small.Pixels(i).SequenceEqual(large.Pixels(i)));
            Assert.False(small.Pixels(i).SequenceEqual(other.Pixels(i)));
            Assert.False(i > 1 && small.Pixels(i).SequenceEqual(small.Pixels(i - 2)));
            Assert.Equal(i % 2, small.Label(i));
        }
    }

    [Fact]
    public void Every_image_has_ink_and_none_at_its_border()
    {
        HandwrittenSet set = HandwrittenSet.Create(All, 4000, 2);
        for (int i = 0; i < set.Count; i++)
        {
            ReadOnlySpan<byte> pixels = set.Pixels(i);
            double ink = 0;
            for (int p = 0; p < pixels.Length; p++)
            {
                ink += pixels[p] / 255.0;
                bool isBorder = p / Side is 0 or Side - 1 || p % Side is 0 or Side - 1;
                Expect.True(!isBorder || pixels[p] == 0, $"image {i} has ink at its border");
            }

            // From a thin 1 to a thick B.
            Assert.InRange(ink, 15, 280);
        }
    }

    [Fact]
    public void Ink_is_centered_by_mass()
    {
        HandwrittenSet set = HandwrittenSet.Create(All, 2000, 3);
        double meanX = 0, meanY = 0;
        for (int i = 0; i < set.Count; i++)
        {
            ReadOnlySpan<byte> pixels = set.Pixels(i);
            double x = 0, y = 0, sum = 0;
            for (int p = 0; p < pixels.Length; p++)
            {
                x += pixels[p] * (p % Side + 0.5);
                y += pixels[p] * (p / Side + 0.5);
                sum += pixels[p];
            }

            // Random shifts are up to 2 pixels; pressure moves the mass of the ink from that of the line, and a wide character may have no room to be centered.
            Assert.InRange(x / sum, 10, 18);
            Assert.InRange(y / sum, 10, 18);
            meanX += x / sum / set.Count;
            meanY += y / sum / set.Count;
        }

        Assert.Equal(Side / 2.0, meanX, 0.15);
        Assert.Equal(Side / 2.0, meanY, 0.15);
    }

    [Theory]
    [InlineData(HandwrittenSet.Digits)]
    [InlineData(HandwrittenSet.Letters)]
    public void Classes_differ_but_not_so_that_no_network_is_needed(string characters)
    {
        HandwrittenSet train = HandwrittenSet.Create(characters, 1000, 1), test = HandwrittenSet.Create(characters, 1000, 2);
        double[][] centroids = new double[characters.Length][];
        for (int c = 0; c < centroids.Length; c++)
        {
            int[] members = [.. Enumerable.Range(0, train.Count).Where(i => train.Label(i) == c)];
            centroids[c] = [.. Enumerable.Range(0, Side * Side).Select(p => members.Average(i => (double)train.Pixels(i)[p]))];
        }

        int right = 0;
        for (int i = 0; i < test.Count; i++)
        {
            byte[] pixels = test.Pixels(i).ToArray();
            double[] distances = [.. centroids.Select(centroid => centroid.Zip(pixels, (a, b) => (a - b) * (a - b)).Sum())];
            if (Array.IndexOf(distances, distances.Min()) == test.Label(i)) right++;
        }

        Assert.InRange(right / (double)test.Count, 0.55, 0.9);
    }

    [Fact]
    public void A_data_set_has_the_same_images_in_grey()
    {
        HandwrittenSet set = HandwrittenSet.Create("JA3", 7, 4);
        Dataset dataset = set.ToDataset(Subset.Test);
        Assert.Equal(["J", "A", "3"], dataset.ClassNames);
        Assert.Equal(set.Count, dataset.Samples.Count);
        for (int i = 0; i < set.Count; i++)
        {
            Sample sample = dataset.Samples[i];
            Assert.Equal(set.Label(i), sample.ClassIndex);
            Assert.Equal(Subset.Test, sample.Subset);
            RgbImage image = sample.Image.Read().Pixels!;
            Assert.Equal((Side, Side), (image.Width, image.Height));
            Assert.Equal(set.Pixels(i).ToArray().SelectMany(grey => new[] { grey, grey, grey }), image.Pixels);
        }

        Assert.Equal(dataset.Samples.Count, dataset.Samples.Select(sample => sample.Image.Name).Distinct().Count());
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused()
    {
        Assert.Contains("'K' cannot be drawn", Assert.Throws<ArgumentException>(() => HandwrittenSet.Create("AK", 1, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("'A' occurs twice", Assert.Throws<ArgumentException>(() => HandwrittenSet.Create("ABA", 1, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => HandwrittenSet.Create("", 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HandwrittenSet.Create("A", -1, 1));
        HandwrittenSet set = HandwrittenSet.Create("A", 1, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Label(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Pixels(-1).Length);
        Assert.Empty(HandwrittenSet.Create("A", 0, 1).ToDataset().Samples);
    }
}
