using System;
using System.Collections.Generic;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>The decoder in managed code by itself and beside Skia's.</summary>
public sealed class ManagedImageDecoderTests(ITestOutputHelper output) : ImageDecoderTests
{
    protected override bool ReadsWebp => false;

    protected override IImageDecoder Create(long maximumPixels = SkiaImageDecoder.DefaultMaximumPixels) => new ManagedImageDecoder(maximumPixels);

    [Fact]
    public void WebP_is_refused_by_name()
    {
        byte[] webp = Images.Encode(Images.Noise(8, 8, 1), SKEncodedImageFormat.Webp);
        ImageFormatException error = Assert.Throws<ImageFormatException>(() => Create().Decode(webp));
        Assert.Equal("This is a WebP image, which cannot be read here (it needs SkiaSharp); convert it to JPEG or PNG.", error.Message);
        Assert.StartsWith(
            "This is not a known image format (it begins with 0102030405060708)",
            Assert.Throws<ImageFormatException>(() => Create().Decode(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 })).Message, StringComparison.Ordinal);
    }

    public static TheoryData<int> Seeds() => [1, 2, 3, 4, 5, 6];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Jpeg_at_full_size_has_the_pixels_of_Skia(int seed)
    {
        SkiaImageDecoder skia = new();
        foreach ((int width, int height) in ((int, int)[])[(160, 120), (161, 119), (17, 33), (2, 2), (1, 1), (3, 50)])
        {
            RgbImage scene = Scenes.Draw((ulong)seed, width, height);
            foreach (int quality in (int[])[95, 60])
            {
                byte[] jpeg = Images.Encode(scene, SKEncodedImageFormat.Jpeg, quality);
                Assert.Equal(skia.Decode(jpeg).Pixels, Create().Decode(jpeg).Pixels);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Reduced_jpeg_differs_from_Skia_by_a_level_or_two(int seed)
    {
        RgbImage scene = Scenes.Draw((ulong)seed, 401, 299);
        byte[] jpeg = Images.Encode(scene, SKEncodedImageFormat.Jpeg, 90);
        foreach (int side in (int[])[150, 75, 38])
        {
            RgbImage expected = new SkiaImageDecoder().Decode(jpeg, side), actual = Create().Decode(jpeg, side);
            Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
            long sum = 0;
            int worst = 0;
            for (int i = 0; i < expected.Pixels.Length; i++)
            {
                int difference = Math.Abs(expected.Pixels[i] - actual.Pixels[i]);
                sum += difference;
                worst = Math.Max(worst, difference);
            }

            double mean = (double)sum / expected.Pixels.Length;
            output.WriteLine($"side {side}: mean {mean:F3}, most {worst}");
            Assert.InRange(mean, 0, 0.75);
            Assert.InRange(worst, 0, 24);
        }
    }

    [Fact]
    public void A_large_jpeg_is_reduced_under_a_bound_that_could_not_hold_it()
    {
        // 12 megapixels: 36 MB as pixels. Some rows of blocks and the result are held.
        byte[] pixels = new byte[4000 * 3000 * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)((i / 12_000 / 12) + (i % 12_000 / 120));
        byte[] jpeg = Images.Encode(new RgbImage(4000, 3000, pixels), SKEncodedImageFormat.Jpeg, 85);
        ManagedImageDecoder decoder = new(memory: 2 << 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RgbImage image = decoder.Decode(jpeg, 300);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        Assert.Equal((500, 375), (image.Width, image.Height));
        ImageFormatException error = Assert.Throws<ImageFormatException>(() => decoder.Decode(jpeg));
        Assert.Contains("limit of 2MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Identity_differs_from_Skias_and_by_background()
    {
        IImageDecoder black = Create().WithBackground(RgbColor.Black), gray = Create().WithBackground(RgbColor.Gray);
        HashSet<string> identities = [Create().Identity, new SkiaImageDecoder().Identity, black.Identity, gray.Identity];
        Assert.Equal(4, identities.Count);
        Assert.Equal(Create().Identity, Create().WithBackground(RgbColor.Black).WithBackground(RgbColor.White).Identity);
    }
}
