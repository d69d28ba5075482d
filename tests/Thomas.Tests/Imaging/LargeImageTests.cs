using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>Memory of large images: what is reduced while it is read, what waits, what is refused.</summary>
public sealed class LargeImageTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_large_png_is_never_held_in_full(bool interlaced, bool isManaged)
    {
        // 16 megapixels: 112 MB in the way of a small image. Only the reduced image and some rows are allocated.
        byte[] png = new PngMaker(4096, 4096, 0, 1, interlaced, false).Make((_, row) =>
        {
            row.AsSpan(1).Fill(0b0101_0101);
            row[0] = 0;
        });
        long before = GC.GetAllocatedBytesForCurrentThread();
        IImageDecoder decoder = isManaged ? new ManagedImageDecoder(memory: 2 << 20) : new SkiaImageDecoder(memory: 2 << 20);
        RgbImage image = decoder.Decode(png, 200);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        Assert.Equal((205, 205), (image.Width, image.Height));
        Assert.All(image.Pixels.AsSpan(0, 600).ToArray(), level => Assert.InRange(level, 120, 135));
    }

    [Fact]
    public void A_large_png_gives_nearly_the_same_crop_as_if_decoded_in_full()
    {
        byte[] png = new PngMaker(2500, 1800, 2, 8, false, false).Make(Photo);
        Preprocessor preprocessor = new(Preprocessing.Preset("unit", 96, 96));
        SkiaImageDecoder decoder = new();
        byte[] reduced = new byte[preprocessor.CropBytes], full = new byte[preprocessor.CropBytes];
        RgbImage image = decoder.Decode(png, preprocessor.MinimumShortSide);
        Assert.Equal(225, image.Height);
        preprocessor.Crop(image, reduced);
        preprocessor.Crop(decoder.Decode(png), full);
        double sum = 0;
        for (int i = 0; i < full.Length; i++) sum += Math.Abs(full[i] - reduced[i]);
        Assert.InRange(sum / full.Length, 0, 0.6);

        static void Photo(int y, byte[] row)
        {
            row[0] = 0;
            for (int i = 1; i < row.Length; i++)
                row[i] = (byte)(128 + (60 * Math.Sin(((i / 3) + (y * 0.7)) * 0.02)) + (40 * Math.Cos(y * 0.031 * (1 + (i % 3)))) + (i * 7 % 13));
        }
    }

    [Fact]
    public void An_image_decoded_by_rows_has_the_bits_of_one_decoded_at_once()
    {
        // Just above and below the size from which rows are decoded one after the other, by Skia or here.
        RgbImage noise = Images.Noise(1100, 1000, 3);
        byte[] jpeg = Images.Encode(noise, SKEncodedImageFormat.Jpeg, 80);
        using SKBitmap whole = SKBitmap.Decode(jpeg, new SKImageInfo(1100, 1000, SKColorType.Rgba8888, SKAlphaType.Unpremul, null));
        byte[] rows = new SkiaImageDecoder().Decode(jpeg).Pixels;
        ReadOnlySpan<byte> expected = whole.GetPixelSpan();
        for (int i = 0; i < 1100 * 1000; i++) Expect.True(expected.Slice(i * 4, 3).SequenceEqual(rows.AsSpan(i * 3, 3)), $"pixel {i}");

        byte[] bmp = Bmp(noise);
        Assert.Equal(noise.Pixels, new SkiaImageDecoder().Decode(bmp).Pixels);
    }

    [Fact]
    public void What_does_not_fit_the_limit_is_refused_with_size_and_limit()
    {
        byte[] webp = Images.Encode(Images.Noise(600, 500, 1), SKEncodedImageFormat.Webp, 100);
        ImageFormatException error = Assert.Throws<ImageFormatException>(() => new SkiaImageDecoder(memory: 1 << 20).Decode(webp, 100));
        Assert.Contains("600x500", error.Message, StringComparison.Ordinal);
        Assert.Contains("limit of 1MiB", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "limit of 1B;", Assert.Throws<ImageFormatException>(() => new SkiaImageDecoder(memory: 1).Decode(webp, 100)).Message, StringComparison.Ordinal);
        Assert.Equal(600, new SkiaImageDecoder(memory: 4 << 20).Decode(webp).Width);
    }

    [Fact]
    public void Coefficients_of_jpegs_in_several_scans_are_counted()
    {
        // 12 megapixels, 4:2:0: one and a half samples a pixel of two bytes, in whole blocks of 16x16.
        Assert.Equal(4000 * 3008 * 3, DecodeCost.JpegCoefficients(Jpeg(0xC2, 3, 0x22)));
        Assert.Equal(4000 * 3000 * 6, DecodeCost.JpegCoefficients(Jpeg(0xC2, 3, 0x11)));
        Assert.Equal(4000 * 3008 * 3, DecodeCost.JpegCoefficients(Jpeg(0xC0, 1, 0x22)));
        Assert.Equal(0, DecodeCost.JpegCoefficients(Jpeg(0xC0, 3, 0x22)));
        Assert.Equal(0, DecodeCost.JpegCoefficients([0xFF, 0xD8, 0xFF, 0xC2, 0]));

        static byte[] Jpeg(byte frame, byte firstScan, byte sampling) =>
        [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, frame, 0, 17, 8, 0x0B, 0xB8, 0x0F, 0xA0, 3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0, 0xFF, 0xDA, 0, 8,
            firstScan, 1, 0, 0, 0, 0,
        ];
    }

    [Fact]
    public void Decodes_wait_until_what_they_need_is_free()
    {
        DecodeBudget budget = new(100);
        int taken = 0, most = 0;
        Lock gate = new();
        Parallel.ForEach(new List<int> { 60, 30, 500, 10, 50, 50, 40, 100, 1, 99, 20, 80 }, new ParallelOptions { MaxDegreeOfParallelism = 6 }, bytes =>
        {
            using (budget.Take(bytes))
            {
                lock (gate) most = Math.Max(most, taken += Math.Min(bytes, 100));
                Thread.Sleep(2);
                lock (gate) taken -= Math.Min(bytes, 100);
            }
        });
        Assert.Equal((0, 100), (taken, most));
    }

    private static byte[] Bmp(RgbImage image)
    {
        int stride = ((image.Width * 3) + 3) & ~3;
        byte[] bmp = new byte[54 + (stride * image.Height)];
        "BM"u8.CopyTo(bmp);
        BitConverter.TryWriteBytes(bmp.AsSpan(2), bmp.Length);
        (bmp[10], bmp[14], bmp[26], bmp[28]) = (54, 40, 1, 24);
        BitConverter.TryWriteBytes(bmp.AsSpan(18), image.Width);
        BitConverter.TryWriteBytes(bmp.AsSpan(22), image.Height);
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                int from = ((y * image.Width) + x) * 3, to = 54 + ((image.Height - 1 - y) * stride) + (x * 3);
                (bmp[to], bmp[to + 1], bmp[to + 2]) = (image.Pixels[from + 2], image.Pixels[from + 1], image.Pixels[from]);
            }
        }

        return bmp;
    }
}
