using System;
using System.IO;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>What transparent parts of images are laid over.</summary>
public sealed class BackgroundTests
{
    [Theory]
    [InlineData("white", 255, 255, 255)]
    [InlineData("black", 0, 0, 0)]
    [InlineData("gray", 128, 128, 128)]
    [InlineData("#1f80C0", 31, 128, 192)]
    public void Transparent_pixels_take_the_background(string name, byte red, byte green, byte blue)
    {
        Assert.True(RgbColor.TryParse(name, out RgbColor color));
        Assert.Equal(new RgbColor(red, green, blue), color);
        IImageDecoder decoder = new SkiaImageDecoder().WithBackground(color);
        byte[][] files =
            [Cutout(64, 64, SKEncodedImageFormat.Png), Cutout(64, 64, SKEncodedImageFormat.Webp), Cutout(2400, 2000, SKEncodedImageFormat.Png)];
        foreach (byte[] file in files)
        {
            RgbImage image = decoder.Decode(file, 32);
            Assert.Equal([red, green, blue], image.Pixels[..3]);
            int middle = ((image.Height / 2 * image.Width) + (image.Width / 2)) * 3;
            Assert.Equal([200, 30, 60], image.Pixels[middle..(middle + 3)]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("pink")]
    [InlineData("#12345")]
    [InlineData("#12345G")]
    [InlineData("123456")]
    [InlineData("#-12345")]
    [InlineData(null)]
    public void Other_texts_are_no_colors(string? text) => Assert.False(RgbColor.TryParse(text, out _));

    [Fact]
    public void A_color_is_read_as_it_is_written()
    {
        RgbColor color = new(1, 171, 254);
        Assert.Equal("#01ABFE", color.ToString());
        Assert.True(RgbColor.TryParse(color.ToString(), out RgbColor read));
        Assert.Equal(color, read);
    }

    [Fact]
    public void The_identity_differs_for_each_color_but_white()
    {
        SkiaImageDecoder white = new();
        Assert.Same(white, white.WithBackground(RgbColor.White));
        Assert.NotEqual(white.Identity, white.WithBackground(RgbColor.Black).Identity);
        Assert.NotEqual(white.WithBackground(RgbColor.Gray).Identity, white.WithBackground(RgbColor.Black).Identity);
        Assert.Equal(white.Identity, white.WithBackground(RgbColor.Black).WithBackground(RgbColor.White).Identity);
    }

    [Fact]
    public void Prepared_images_are_cached_for_each_color()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["a"]);
        File.WriteAllBytes(folder["a", "x.png"], Cutout(40, 40, SKEncodedImageFormat.Png));
        Dataset data = DatasetLoader.Load(folder.Path);
        foreach (byte level in (byte[])[255, 0, 128, 255])
        {
            Preprocessing preprocessing = Preprocessing.Preset("raw", 16, 16) with { Background = new RgbColor(level, level, level) };
            using PreparedSet set = PreparedSet.Create(
                data, new SkiaImageDecoder(), new PreparedSetOptions { Preprocessing = preprocessing, CacheDirectory = folder["cache"] });
            Assert.Equal(level, set.Crop(0)[0]);
        }

        Assert.Equal(3, Directory.GetFiles(folder["cache"], "*.prepared").Length);
    }

    [Fact]
    public void A_decoder_that_knows_white_only_says_so()
    {
        IImageDecoder decoder = new WhiteOnly();
        Assert.Same(decoder, decoder.WithBackground(RgbColor.White));
        ThomasException error = Assert.Throws<ThomasException>(() => decoder.WithBackground(RgbColor.Gray));
        Assert.Equal("The decoder 'white only' lays transparent parts of images over white only, but the model wants #808080.", error.Message);
    }

    /// <summary>A disc on nothing.</summary>
    private static byte[] Cutout(int width, int height, SKEncodedImageFormat format)
    {
        using SKBitmap bitmap = new(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bool inside = ((x * 2) - width) * ((x * 2) - width) + (((y * 2) - height) * ((y * 2) - height)) < width * height / 2;
                ReadOnlySpan<byte> color = inside ? [200, 30, 60, 255] : [9, 9, 9, 0];
                color.CopyTo(pixels[((y * bitmap.RowBytes) + (x * 4))..]);
            }
        }

        using SKData data = bitmap.Encode(format, 100);
        return data.ToArray();
    }

    private sealed class WhiteOnly : IImageDecoder
    {
        public string Identity => "white only";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0) => throw new NotSupportedException();
    }
}
