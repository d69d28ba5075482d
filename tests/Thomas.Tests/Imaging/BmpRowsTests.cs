using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Thomas.Imaging;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>BMP files of every kind that is read, beside Skia, and refusals.</summary>
public sealed class BmpRowsTests
{
    private static readonly ManagedImageDecoder Decoder = new();

    [Theory]
    [InlineData(12, 1, 0)]
    [InlineData(12, 4, 0)]
    [InlineData(12, 8, 0)]
    [InlineData(12, 24, 0)]
    [InlineData(40, 1, 0)]
    [InlineData(40, 4, 0)]
    [InlineData(40, 8, 0)]
    [InlineData(40, 16, 0)]
    [InlineData(40, 16, 3)]
    [InlineData(40, 24, 0)]
    [InlineData(40, 32, 0)]
    [InlineData(40, 32, 3)]
    [InlineData(52, 16, 3)]
    [InlineData(56, 32, 3)]
    [InlineData(108, 32, 3)]
    [InlineData(108, 24, 0)]
    [InlineData(124, 32, 3)]
    public void Every_kind_gives_the_pixels_of_Skia(int header, int bits, int compression)
    {
        foreach ((int width, int height) in ((int, int)[])[(37, 23), (32, 9), (1, 1), (1200, 900)])
        {
            foreach (bool isTopDown in header == 12 ? (bool[])[false] : [false, true])
            {
                byte[] bmp = Make(width, height, header, bits, compression, isTopDown);
                Assert.Equal(new SkiaImageDecoder().Decode(bmp).Pixels, Decoder.Decode(bmp).Pixels);
            }
        }
    }

    [Fact]
    public void A_palette_may_be_short()
    {
        byte[] bmp = Make(40, 3, 40, 8, 0, false, colors: 5);
        Assert.Equal(new SkiaImageDecoder().Decode(bmp).Pixels, Decoder.Decode(bmp).Pixels);
    }

    [Fact]
    public void Cut_off_and_unsupported_files_are_refused()
    {
        byte[] bmp = Make(37, 23, 40, 24, 0, false);
        for (int length = 2; length < bmp.Length - 4; length += 9) Assert.Throws<ImageFormatException>(() => Decoder.Decode(bmp.AsMemory(0, length)));
        Assert.Contains(
            "packed in runs", Assert.Throws<ImageFormatException>(() => Decoder.Decode(Make(4, 4, 40, 8, 1, false))).Message, StringComparison.Ordinal);
        Assert.Contains("5 bits", Assert.Throws<ImageFormatException>(() => Decoder.Decode(Make(4, 4, 40, 5, 0, false))).Message, StringComparison.Ordinal);
        byte[] huge = [.. bmp];
        BinaryPrimitives.WriteInt32LittleEndian(huge.AsSpan(18), int.MaxValue);
        BinaryPrimitives.WriteInt32LittleEndian(huge.AsSpan(22), int.MinValue);
        Assert.Contains("claims", Assert.Throws<ImageFormatException>(() => Decoder.Decode(huge)).Message, StringComparison.Ordinal);
    }

    /// <summary>A file of random pixels.</summary>
    private static byte[] Make(int width, int height, int header, int bits, int compression, bool isTopDown, int colors = 0)
    {
        Rng rng = new((ulong)((width * 100) + bits + header));
        bool isCore = header == 12;
        byte[] info = new byte[header];
        BinaryPrimitives.WriteInt32LittleEndian(info, header);
        if (isCore)
        {
            BinaryPrimitives.WriteInt16LittleEndian(info.AsSpan(4), (short)width);
            BinaryPrimitives.WriteInt16LittleEndian(info.AsSpan(6), (short)height);
            (info[8], info[10]) = (1, (byte)bits);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(4), width);
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(8), isTopDown ? -height : height);
            (info[12], info[14], info[16]) = (1, (byte)bits, (byte)compression);
            BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(32), colors);
        }

        byte[] masks = [];
        if (compression == 3)
        {
            uint[] values = bits == 16 ? [0xF800, 0x7E0, 0x1F, 0] : [0xFF, 0xFF00, 0xFF0000, 0xFF000000];
            masks = new byte[header == 40 ? 12 : header == 52 ? 12 : 16];
            for (int i = 0; i < masks.Length / 4; i++) BinaryPrimitives.WriteUInt32LittleEndian(masks.AsSpan(i * 4), values[i]);
            if (header > 40)
            {
                masks.CopyTo(info, 40);
                masks = [];
            }
        }

        byte[] palette = bits <= 8 ? Bytes(rng, (colors > 0 ? colors : 1 << bits) * (isCore ? 3 : 4)) : [];
        byte[] pixels = Bytes(rng, ((width * bits) + 31) / 32 * 4 * height);
        List<byte> file = [.. "BM"u8, .. new byte[12], .. info, .. masks, .. palette, .. pixels];
        byte[] bytes = [.. file];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(10), bytes.Length - pixels.Length);
        return bytes;
    }

    private static byte[] Bytes(Rng rng, int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte)rng.Next(256);
        return bytes;
    }
}
