using System;
using Thomas.Data;
using Thomas.Imaging;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>GIF files of every kind, beside Skia, and refusals.</summary>
public sealed class GifRowsTests
{
    private static readonly ManagedImageDecoder Decoder = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    public void Every_kind_gives_the_pixels_of_Skia(int bits)
    {
        foreach (GifMaker maker in (GifMaker[])
            [
                new() { Width = 61, Height = 47, Bits = bits },
                new() { Width = 61, Height = 47, Bits = bits, IsInterlaced = true },
                new() { Width = 5, Height = 3, Bits = bits, IsInterlaced = true, HasComment = true },
                new() { Width = 61, Height = 47, Bits = bits, Transparent = 1 },
                new() { Width = 61, Height = 47, Bits = bits, HasLocalPalette = true },
                new() { Width = 61, Height = 47, Bits = bits, Frame = (7, 9, 30, 21) },
                new() { Width = 61, Height = 47, Bits = bits, Frame = (7, 9, 30, 21), IsInterlaced = true, Transparent = 0 },
                new() { Width = 20, Height = 20, Bits = bits, Frame = (7, 9, 30, 21) },
                new() { Width = 300, Height = 200, Bits = bits },
                new() { Width = 300, Height = 200, Bits = bits, KeepsFullTable = true },
                new() { Width = 1, Height = 1, Bits = bits },
            ])
        {
            byte[] gif = maker.Make((ulong)(bits + maker.Width));
            RgbImage expected = new SkiaImageDecoder().Decode(gif), actual = Decoder.Decode(gif);
            Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
            Assert.Equal(expected.Pixels, actual.Pixels);
        }
    }

    [Fact]
    public void Cut_off_files_are_refused()
    {
        byte[] gif = new GifMaker { Width = 61, Height = 47 }.Make(1);
        for (int length = 6; length < gif.Length - 8; length += 17) Assert.Throws<ImageFormatException>(() => Decoder.Decode(gif.AsMemory(0, length)));
    }

    [Fact]
    public void Large_interlaced_files_are_reduced_as_others()
    {
        byte[] gif = new GifMaker { Width = 2100, Height = 2048, Bits = 2 }.Make(1);
        byte[] interlaced = new GifMaker { Width = 2100, Height = 2048, Bits = 2, IsInterlaced = true }.Make(1);
        RgbImage image = Decoder.Decode(gif, 512), other = Decoder.Decode(interlaced, 512);
        Assert.Equal((525, 512), (image.Width, image.Height));
        Assert.Equal((525, 512), (other.Width, other.Height));
    }
}
