using System;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class MixingTests
{
    [Theory]
    [InlineData(0.2f)]
    [InlineData(1f)]
    [InlineData(4f)]
    public void Beta_has_the_moments_of_its_distribution(float a)
    {
        const int count = 40_000;
        Rng rng = new(3);
        double sum = 0, squares = 0;
        for (int i = 0; i < count; i++)
        {
            double x = Mixing.Beta(rng, a);
            Assert.InRange(x, 0, 1);
            sum += x;
            squares += x * x;
        }

        double mean = sum / count, variance = (squares / count) - (mean * mean), expected = 1 / (4 * ((2 * a) + 1));
        Assert.Equal(0.5, mean, 5 * Math.Sqrt(expected / count));
        Assert.Equal(expected, variance, 0.03 * expected);
    }

    [Fact]
    public void Mixup_blends_every_number()
    {
        float[] image = [0, 1, 2], other = [4, 5, 6];
        Mixing.Apply(new Mix(0.75f), image, other, 1, 1);
        Assert.Equal([1, 2, 3], image);
    }

    [Fact]
    public void CutMix_replaces_a_rectangle_whose_area_is_the_share_that_is_gone()
    {
        const int width = 9, height = 7, channels = 2;
        Rng rng = new(5);
        int cut = 0;
        for (int i = 0; i < 200; i++)
        {
            Mix mix = Mixing.Draw(rng, 0, 1, width, height);
            float[] image = new float[width * height * channels], other = new float[image.Length];
            Array.Fill(other, 1);
            if (mix.Share < 1) Mixing.Apply(mix, image, other, width, channels);
            float replaced = 0;
            foreach (float value in image) replaced += value;
            Assert.Equal(1 - mix.Share, replaced / image.Length, 1e-6f);
            cut += mix.Share < 1 ? 1 : 0;
        }

        Expect.True(cut > 100, $"{cut} of 200 were cut");
    }

    [Fact]
    public void With_both_on_each_gets_its_turns()
    {
        Rng rng = new(7);
        int rectangles = 0;
        for (int i = 0; i < 1000; i++) rectangles += Mixing.Draw(rng, 1, 1, 100, 100).Width > 0 ? 1 : 0;
        Assert.InRange(rectangles, 400, 600);
    }
}
