using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

using SkiaSharp;

using Thomas.Data;
using Thomas.Imaging;

using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The 51 images that trip decoders.</summary>
public sealed class AwkwardImageTests
{
    private static readonly string[] MustFail =
        ["broken.png", "broken_data_stream.png", "oss-fuzz-36829.jpeg", "truncated_Landscape_6.jpg", "truncated_tower.jpg", "jpeg_lossless_sel1.jpg"];

    private readonly SkiaImageDecoder _decoder = new();

    [Fact]
    public void All_decode_but_the_broken_ones_which_are_refused_with_a_reason()
    {
        string[] files = Directory.GetFiles(Assets.PathOf("datasets", "awkward_images"));
        Assert.Equal(51, files.Length);
        List<string> refused = [];
        foreach (string file in files)
        {
            try
            {
                RgbImage image = Decode(Path.GetFileName(file));
                Assert.True(image.Width >= 1 && image.Height >= 1);
            }
            catch (ImageFormatException error)
            {
                Assert.NotEmpty(error.Message);
                refused.Add(Path.GetFileName(file));
            }
        }

        Assert.Equal(MustFail.Order(StringComparer.Ordinal), refused.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Landscape_6.jpg", "Landscape_1.jpg", 1800, 1200)]
    [InlineData("Landscape_8.jpg", "Landscape_1.jpg", 1800, 1200)]
    [InlineData("Portrait_5.jpg", "Portrait_3.jpg", 1200, 1800)]
    [InlineData("Portrait_6.jpg", "Portrait_3.jpg", 1200, 1800)]
    [InlineData("hopper_orientation_6.jpg", "hopper_orientation_8.jpg", 128, 128)]
    [InlineData("hopper_orientation_6.jpg", "hopper_16bit_qtables.jpg", 128, 128)]
    [InlineData("hopper_orientation_3.webp", "hopper_16bit_qtables.jpg", 128, 128)]
    public void Oriented_images_look_like_their_upright_twins(string file, string twin, int width, int height)
    {
        RgbImage image = Decode(file);
        Assert.Equal((width, height), (image.Width, image.Height));
        double same = MeanDifference(image.Pixels, Decode(twin).Pixels);
        double turned = MeanDifference(Rotate180(image).Pixels, Decode(twin).Pixels);
        Assert.True(same < 16 && same * 3 < turned, $"{file} differs from {twin} by {same:F2} grey levels, upside down by {turned:F2}");
    }

    [Theory]
    [InlineData("exif_imagemagick_orientation.png", 3)]
    [InlineData("Portrait_3.jpg", 3)]
    [InlineData("portrait_2.jpg", 2)]
    [InlineData("orientation_rectangle.jpg", 8)]
    public void Orientation_is_applied_to_the_stored_pixels(string file, int orientation)
    {
        using SKBitmap stored = SKBitmap.Decode(Assets.PathOf("datasets", "awkward_images", file));
        RgbImage image = Decode(file);
        (int width, int height) = orientation >= 5 ? (stored.Height, stored.Width) : (stored.Width, stored.Height);
        Assert.Equal((width, height), (image.Width, image.Height));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                SKColor expected = orientation switch
                {
                    2 => stored.GetPixel(width - 1 - x, y),
                    3 => stored.GetPixel(width - 1 - x, height - 1 - y),
                    _ => stored.GetPixel(height - 1 - y, x),
                };
                int at = ((y * width) + x) * 3;
                Assert.Equal((expected.Red, expected.Green, expected.Blue), (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]));
            }
        }
    }

    [Theory]
    [InlineData("hopper_gray.jpg")]
    [InlineData("tower_grayscale.jpg")]
    [InlineData("simple-gray.webp")]
    [InlineData("basi0g16.png")]
    public void Gray_images_have_three_equal_channels(string file)
    {
        byte[] pixels = Decode(file).Pixels;
        Assert.All(
            Enumerable.Range(0, pixels.Length / 3),
            i => Assert.InRange(Math.Max(Math.Abs(pixels[i * 3] - pixels[(i * 3) + 1]), Math.Abs(pixels[i * 3] - pixels[(i * 3) + 2])), 0, 1));
        Assert.True(pixels.Distinct().Count() > 8);
    }

    [Theory]
    [InlineData("tower_progressive.jpg", "tower.jpg")]
    [InlineData("hopper.gif", "hopper_16bit_qtables.jpg")]
    [InlineData("hopper.webp", "hopper_16bit_qtables.jpg")]
    public void The_same_scene_in_another_coding_has_the_same_colors(string file, string twin)
    {
        RgbImage image = Decode(file);
        byte[] swapped = [.. Enumerable.Range(0, image.Pixels.Length).Select(i => image.Pixels[i - (i % 3) + 2 - (i % 3)])];
        byte[] expected = Decode(twin).Pixels;
        double same = MeanDifference(image.Pixels, expected);
        double wrong = MeanDifference(swapped, expected);
        Assert.True(same * 3 < wrong, $"{file} differs from {twin} by {same:F2} grey levels, with red and blue swapped by {wrong:F2}");
    }

    [Fact]
    public void Cmyk_images_show_the_colors_that_they_name()
    {
        // The word RED in red on black, with a red patch in the corner.
        RgbImage red = Decode("pil_sample_cmyk.jpg");
        Assert.True(red.Pixels[0] > 200 && red.Pixels[1] < 60 && red.Pixels[2] < 60);
        Assert.True(Share(red, (r, g, b) => r < 40 && g < 40 && b < 40) > 0.5);

        // The words cyan, yellow, magenta and black, each in its color, on white.
        RgbImage words = Decode("jpg-cmyk-2.jpg");
        Assert.True(Share(words, (r, g, b) => r > 240 && g > 240 && b > 240) > 0.8);
        Assert.InRange(Share(words, (r, g, b) => r < 150 && g > 180 && b > 180), 0.001, 0.02);
        Assert.InRange(Share(words, (r, g, b) => r > 180 && g > 180 && b < 150), 0.001, 0.02);
        Assert.InRange(Share(words, (r, g, b) => r > 150 && g < 130 && b > 150), 0.001, 0.02);
        Assert.InRange(Share(words, (r, g, b) => r < 80 && g < 80 && b < 80), 0.001, 0.02);
    }

    [Fact]
    public void Transparent_corners_become_white()
    {
        foreach (string file in new[] { "transparent.gif", "transparent.webp", "dispose_bgnd_rgba.gif", "anim.webp" })
        {
            using SKBitmap stored = SKBitmap.Decode(Assets.PathOf("datasets", "awkward_images", file));
            RgbImage image = Decode(file);
            int transparent = 0;
            for (int i = 0; i < image.Width * image.Height; i++)
            {
                if (stored.GetPixel(i % image.Width, i / image.Width).Alpha == 0)
                {
                    transparent++;
                    Assert.Equal([255, 255, 255], image.Pixels[(i * 3)..((i * 3) + 3)]);
                }
            }

            Assert.True(transparent > 0, $"{file} has no transparent pixel");
        }
    }

    private RgbImage Decode(string file) => _decoder.Decode(File.ReadAllBytes(Assets.PathOf("datasets", "awkward_images", file)));

    private static double Share(RgbImage image, Func<int, int, int, bool> test) =>
        Enumerable.Range(0, image.Width * image.Height).Average(
            i => test(image.Pixels[i * 3], image.Pixels[(i * 3) + 1], image.Pixels[(i * 3) + 2]) ? 1.0 : 0.0);

    private static double MeanDifference(byte[] a, byte[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Average();

    private static RgbImage Rotate180(RgbImage image)
    {
        byte[] pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < pixels.Length; i += 3)
        {
            Array.Copy(image.Pixels, i, pixels, pixels.Length - 3 - i, 3);
        }

        return new RgbImage(image.Width, image.Height, pixels);
    }
}
