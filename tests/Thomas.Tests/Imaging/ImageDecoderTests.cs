using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;
using System.Linq;
using System.Text;

using SkiaSharp;

using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;

using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>What holds for every decoder of <see cref="Thomas.Imaging"/>.</summary>
public abstract class ImageDecoderTests
{
    private const int Width = 48;
    private const int Height = 32;

    private IImageDecoder? _created;

    /// <summary>Whether the decoder reads WebP.</summary>
    protected abstract bool ReadsWebp { get; }

    private IImageDecoder Decoder => _created ??= Create();

    /// <summary>Creates the decoder.</summary>
    protected abstract IImageDecoder Create(long maximumPixels = SkiaImageDecoder.DefaultMaximumPixels);

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg, 1)]
    [InlineData(SKEncodedImageFormat.Jpeg, 2)]
    [InlineData(SKEncodedImageFormat.Jpeg, 3)]
    [InlineData(SKEncodedImageFormat.Jpeg, 4)]
    [InlineData(SKEncodedImageFormat.Jpeg, 5)]
    [InlineData(SKEncodedImageFormat.Jpeg, 6)]
    [InlineData(SKEncodedImageFormat.Jpeg, 7)]
    [InlineData(SKEncodedImageFormat.Jpeg, 8)]
    [InlineData(SKEncodedImageFormat.Png, 1)]
    [InlineData(SKEncodedImageFormat.Png, 2)]
    [InlineData(SKEncodedImageFormat.Png, 5)]
    [InlineData(SKEncodedImageFormat.Png, 6)]
    [InlineData(SKEncodedImageFormat.Png, 7)]
    [InlineData(SKEncodedImageFormat.Png, 8)]
    [InlineData(SKEncodedImageFormat.Webp, 3)]
    [InlineData(SKEncodedImageFormat.Webp, 4)]
    [InlineData(SKEncodedImageFormat.Webp, 6)]
    public void Every_exif_orientation_comes_out_upright(SKEncodedImageFormat format, int orientation)
    {
        if (!Reads(format)) return;
        RgbImage upright = Quadrants(Width, Height);
        RgbImage stored = AsStored(upright, orientation);
        byte[] encoded = AddExif(Images.Encode(stored, format, 100), format, orientation, bigEndian: orientation % 2 == 0);
        RgbImage decoded = Decoder.Decode(encoded);
        Assert.Equal((Width, Height), (decoded.Width, decoded.Height));
        AssertClose(upright, decoded, 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Orientation_in_a_raw_png_profile_is_read(bool compressed)
    {
        byte[] exif = [.. "Exif\0\0"u8, .. Tiff(6, bigEndian: false)];
        byte[] text = Encoding.ASCII.GetBytes($"\nexif\n{exif.Length,8}\n{Convert.ToHexStringLower(exif)}\n");
        byte[] name = "Raw profile type exif\0"u8.ToArray();
        byte[] png = Images.Encode(AsStored(Quadrants(Width, Height), 6));
        byte[] with = compressed ? InsertPngChunk(png, "zTXt", [.. name, 0, .. Deflate(text)]) : InsertPngChunk(png, "tEXt", [.. name, .. text]);
        AssertClose(Quadrants(Width, Height), Decoder.Decode(with), 0);
    }

    [Fact]
    public void Damaged_orientation_does_not_cost_the_image()
    {
        RgbImage image = Quadrants(Width, Height);
        byte[] png = Images.Encode(image);
        byte[][] profiles = [
            [], [1, 2, 3], [.. "II*\0"u8, 255, 255, 255, 255], [.. "MM\0*"u8, 0, 0, 0, 8, 255, 255], [.. Tiff(9, false)], [.. Tiff(6, false).AsSpan(0, 12)]];
        foreach (byte[] profile in profiles)
        {
            AssertClose(image, Decoder.Decode(InsertPngChunk(png, "eXIf", profile)), 0);
        }

        byte[] noise = [.. "Raw profile type exif\0"u8, 0, 1, 2, 3, 4, 5];
        AssertClose(image, Decoder.Decode(InsertPngChunk(png, "zTXt", noise)), 0);
        AssertClose(image, Decoder.Decode(InsertPngChunk(png, "tEXt", noise)), 0);
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void Embedded_color_profiles_do_not_change_the_values(SKEncodedImageFormat format)
    {
        if (!Reads(format)) return;
        using SKColorSpace wide = SKColorSpace.CreateRgb(SKColorSpaceTransferFn.Linear, SKColorSpaceXyz.DisplayP3);
        RgbImage image = Quadrants(Width, Height);
        byte[] tagged = Images.Encode(image, format, 100, wide);
        using (SKCodec codec = SKCodec.Create(new SKMemoryStream(tagged)))
        {
            Assert.False(codec.Info.ColorSpace.IsSrgb, "the test image carries no profile");
        }

        AssertClose(image, Decoder.Decode(tagged), 6);
    }

    [Fact]
    public void Transparent_pixels_are_laid_over_white()
    {
        using SKBitmap bitmap = new(new SKImageInfo(3, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        byte[] pixels = [200, 100, 0, 255, 200, 100, 0, 128, 200, 100, 0, 0];
        pixels.CopyTo(bitmap.GetPixelSpan());
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Assert.Equal([200, 100, 0, 227, 177, 127, 255, 255, 255], Decoder.Decode(png.ToArray()).Pixels);
    }

    [Fact]
    public void Bmp_and_gray_images_become_rgb()
    {
        byte[] bmp = new byte[54 + 8];
        "BM"u8.CopyTo(bmp);
        (bmp[2], bmp[10], bmp[14], bmp[18], bmp[22], bmp[26], bmp[28]) = ((byte)bmp.Length, 54, 40, 2, 1, 1, 24);
        new byte[] { 1, 2, 3, 4, 5, 6 }.CopyTo(bmp, 54);
        Assert.Equal([3, 2, 1, 6, 5, 4], Decoder.Decode(bmp).Pixels);

        using SKBitmap gray = new(new SKImageInfo(2, 1, SKColorType.Gray8, SKAlphaType.Opaque));
        new byte[] { 7, 200 }.CopyTo(gray.GetPixelSpan());
        using SKData png = gray.Encode(SKEncodedImageFormat.Png, 100);
        Assert.Equal([7, 7, 7, 200, 200, 200], Decoder.Decode(png.ToArray()).Pixels);
    }

    [Theory]
    [InlineData(0, 1600, 1200)]
    [InlineData(512, 800, 600)]
    [InlineData(600, 800, 600)]
    [InlineData(601, 1600, 1200)]
    [InlineData(150, 200, 150)]
    [InlineData(10, 200, 150)]
    [InlineData(5000, 1600, 1200)]
    public void Large_photos_are_reduced_while_decoding_but_never_below_the_wanted_side(int minimum, int width, int height)
    {
        byte[] jpeg = Images.Encode(Quadrants(1600, 1200), SKEncodedImageFormat.Jpeg);
        RgbImage decoded = Decoder.Decode(jpeg, minimum);
        Assert.Equal((width, height), (decoded.Width, decoded.Height));
        AssertClose(Quadrants(width, height), decoded, 6);
    }

    [Fact]
    public void Cut_off_files_are_refused_wherever_they_end()
    {
        RgbImage noise = Images.Noise(40, 30, seed: 1);
        foreach (SKEncodedImageFormat format in Formats())
        {
            byte[] whole = Images.Encode(noise, format);
            for (int length = 0; length < whole.Length * 9 / 10; length += 7)
            {
                ImageFormatException error = Assert.Throws<ImageFormatException>(() => Decoder.Decode(whole.AsMemory(0, length)));
                Assert.EndsWith(length == 0 ? ")." : ".", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Damaged_files_decode_or_are_refused_and_nothing_else()
    {
        RgbImage noise = Images.Noise(40, 30, seed: 1);
        Rng rng = new(2);
        int refused = 0;
        foreach (SKEncodedImageFormat format in Formats())
        {
            byte[] whole = AddExif(Images.Encode(noise, format), format, 6, bigEndian: true);
            for (int i = 0; i < 500; i++)
            {
                byte[] bad = [.. whole];
                bad[rng.Next(i % 2 == 0 ? bad.Length : 120)] = (byte)rng.Next(256);
                try
                {
                    RgbImage decoded = Decoder.Decode(bad);
                    Assert.Equal(decoded.Width * decoded.Height * 3, decoded.Pixels.Length);
                }
                catch (ImageFormatException)
                {
                    refused++;
                }
            }
        }

        Assert.InRange(refused, 100, 500 * Formats().Count() * 14 / 15);
    }

    [Fact]
    public void Unknown_and_unsupported_formats_are_named()
    {
        AssertRefused("TIFF", [.. "II*\0"u8, .. new byte[100]]);
        AssertRefused("HEIC", [0, 0, 0, 24, .. "ftypheic"u8, .. new byte[100]]);
        AssertRefused("AVIF", [0, 0, 0, 24, .. "ftypavif"u8, .. new byte[100]]);
        AssertRefused("JPEG XL", [0xFF, 0x0A, .. new byte[100]]);
        AssertRefused("a text file (it begins with \"just some text", Encoding.ASCII.GetBytes("just some text, long enough to look at"));
        AssertRefused("empty", []);
    }

    [Fact]
    public void Claims_of_a_huge_size_are_refused_before_anything_is_allocated()
    {
        byte[] png = Images.Encode(Quadrants(8, 8));
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused("60000x60000", WithPngSize(png, 60000, 60000));
        AssertRefused("cannot hold", WithPngSize(png, 16000, 16000));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains("at most 60 pixels", Assert.Throws<ImageFormatException>(() => Create(60).Decode(png)).Message, StringComparison.Ordinal);
        Assert.Equal(8, Create(64).Decode(png).Width);
    }

    [Fact]
    public void Images_above_16_megapixels_decode_too()
    {
        byte[] jpeg = Images.Encode(Quadrants(4800, 3600), SKEncodedImageFormat.Jpeg);
        RgbImage decoded = Decoder.Decode(jpeg);
        Assert.Equal((4800, 3600), (decoded.Width, decoded.Height));
    }

    [Fact]
    public void Streams_are_read_to_their_end()
    {
        RgbImage image = Quadrants(Width, Height);
        using MemoryStream stream = new(Images.Encode(image));
        AssertClose(image, Decoder.Decode(stream), 0);
        Assert.True(stream.CanRead);
    }

    private IEnumerable<SKEncodedImageFormat> Formats() =>
        new[] { SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp }.Where(Reads);

    private bool Reads(SKEncodedImageFormat format) => format != SKEncodedImageFormat.Webp || ReadsWebp;

    private static void AssertClose(RgbImage expected, RgbImage actual, int tolerance)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        int worst = expected.Pixels.Zip(actual.Pixels, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(worst, 0, tolerance);
    }

    private void AssertRefused(string expected, byte[] encoded) =>
        Assert.Contains(expected, Assert.Throws<ImageFormatException>(() => Decoder.Decode(encoded)).Message, StringComparison.Ordinal);

    // Four gray quarters, each a flat color on 8x8 blocks, so that JPEG keeps them nearly exactly. No mirror image or rotation equals another.
    private static RgbImage Quadrants(int width, int height)
    {
        byte[] levels = [40, 90, 150, 220];
        byte[] pixels = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++)
        {
            int quarter = (i % width >= width / 2 ? 1 : 0) + (i / width >= height / 2 ? 2 : 0);
            pixels.AsSpan(i * 3, 3).Fill(levels[quarter]);
        }

        return new RgbImage(width, height, pixels);
    }

    // The EXIF standard says where the stored image's row 0 and column 0 are seen: 1 top left, 2 top right, 3 bottom right, 4 bottom left (rows stay rows);
    // 5 left top, 6 right top, 7 right bottom, 8 left bottom (rows become columns).
    private static RgbImage AsStored(RgbImage upright, int orientation)
    {
        bool swaps = orientation >= 5;
        (int width, int height) = swaps ? (upright.Height, upright.Width) : (upright.Width, upright.Height);
        byte[] pixels = new byte[width * height * 3];
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                (int along, int across) = swaps ? (row, column) : (column, row);
                int x = orientation is 2 or 3 or 6 or 7 ? upright.Width - 1 - along : along;
                int y = orientation is 3 or 4 or 7 or 8 ? upright.Height - 1 - across : across;
                Array.Copy(upright.Pixels, ((y * upright.Width) + x) * 3, pixels, ((row * width) + column) * 3, 3);
            }
        }

        return new RgbImage(width, height, pixels);
    }

    private static byte[] AddExif(byte[] encoded, SKEncodedImageFormat format, int orientation, bool bigEndian)
    {
        byte[] tiff = Tiff(orientation, bigEndian);
        switch (format)
        {
            case SKEncodedImageFormat.Jpeg:
                int length = 2 + 6 + tiff.Length;
                return [.. encoded[..2], 0xFF, 0xE1, (byte)(length >> 8), (byte)length, .. "Exif\0\0"u8, .. tiff, .. encoded[2..]];
            case SKEncodedImageFormat.Png:
                return InsertPngChunk(encoded, "eXIf", tiff);
            default:
                return AddWebpExif(encoded, tiff);
        }
    }

    private static byte[] Tiff(int orientation, bool bigEndian)
    {
        byte value = (byte)orientation;
        return bigEndian
            ? [.. "MM"u8, 0, 42, 0, 0, 0, 8, 0, 2, 1, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 48, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0]
            : [.. "II"u8, 42, 0, 8, 0, 0, 0, 2, 0, 0, 1, 4, 0, 1, 0, 0, 0, 48, 0, 0, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0];
    }

    private static byte[] InsertPngChunk(byte[] png, string type, byte[] data)
    {
        // After the signature (8 bytes) and the IHDR chunk (25 bytes).
        byte[] chunk = [0, 0, 0, 0, .. Encoding.ASCII.GetBytes(type), .. data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32.HashToUInt32(chunk.AsSpan(4, data.Length + 4)));
        return [.. png[..33], .. chunk, .. png[33..]];
    }

    private static byte[] WithPngSize(byte[] png, int width, int height)
    {
        byte[] changed = [.. png];
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(29), Crc32.HashToUInt32(changed.AsSpan(12, 17)));
        return changed;
    }

    // A simple file becomes an extended one: VP8X (flags, canvas size), the image's chunk, EXIF.
    private static byte[] AddWebpExif(byte[] webp, byte[] tiff)
    {
        (int width, int height) = Size(webp);
        byte[] extended = [.. "VP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, (byte)(width - 1), 0, 0, (byte)(height - 1), 0, 0];
        byte[] exif = [.. "EXIF"u8, (byte)tiff.Length, 0, 0, 0, .. tiff];
        byte[] image = webp[Math.Max(12, webp.AsSpan().IndexOf("VP8X"u8) < 0 ? 12 : 30)..];
        byte[] file = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBP"u8, .. extended, .. image, .. exif];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        return file;
    }

    private static (int Width, int Height) Size(byte[] encoded)
    {
        using SKCodec codec = SKCodec.Create(new SKMemoryStream(encoded));
        return (codec.Info.Width, codec.Info.Height);
    }

    private static byte[] Deflate(byte[] text)
    {
        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.Optimal))
        {
            stream.Write(text);
        }

        return compressed.ToArray();
    }
}
