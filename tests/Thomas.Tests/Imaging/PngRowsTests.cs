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

using Xunit;

namespace Thomas.Tests.Imaging;

public sealed class PngRowsTests
{
    public static TheoryData<int, int, bool, bool> Forms()
    {
        TheoryData<int, int, bool, bool> forms = [];
        foreach ((int colorType, int[] depths) in new (int, int[])[] { (0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]) })
        {
            foreach (int depth in depths)
            {
                foreach (bool interlaced in new[] { false, true })
                {
                    forms.Add(colorType, depth, interlaced, false);
                    if (colorType < 4) forms.Add(colorType, depth, interlaced, true);
                }
            }
        }

        return forms;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_form_of_png_gives_the_pixels_that_Skia_gives(int colorType, int depth, bool interlaced, bool transparent)
    {
        // Widths around a byte of 1-bit pixels and below the seven passes' first columns.
        foreach ((int width, int height) in new[] { (37, 23), (8, 8), (9, 1), (3, 5), (1, 1) })
        {
            byte[] png = new PngMaker(width, height, colorType, depth, interlaced, transparent).Random((ulong)(width + depth));
            RgbImage expected = new SkiaImageDecoder().Decode(png);
            Assert.Equal(expected.Pixels, new ManagedImageDecoder().Decode(png).Pixels);
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 6)]
    [InlineData(true, 8)]
    public void Reduced_pixels_are_the_rounded_means_of_squares(bool interlaced, int orientation)
    {
        const int Width = 41, Height = 30, Factor = 4;
        byte[] png = new PngMaker(Width, Height, 6, 8, interlaced, false).Random(5);
        BoxReducer reducer = new(Width, Height, Factor, (SKEncodedOrigin)orientation, interlaced, RgbColor.White);
        PngRows.Open(png).Read(reducer);
        RgbImage whole = new SkiaImageDecoder().Decode(png);
        (int columns, int rows) = (11, 8);
        Upright expected = new(columns, rows, (SKEncodedOrigin)orientation, RgbColor.White);
        for (int row = 0; row < rows; row++)
        {
            uint[] means = new uint[columns];
            for (int column = 0; column < columns; column++)
            {
                for (int c = 0; c < 3; c++)
                {
                    (int sum, int count) = (0, 0);
                    for (int i = 0; i < Width * Height; i++)
                    {
                        (int x, int y) = (i % Width, i / Width);
                        if (x * columns / Width != column || y * rows / Height != row) continue;
                        sum += whole.Pixels[(i * 3) + c];
                        count++;
                    }

                    means[column] |= (uint)((sum + (count / 2)) / count) << (8 * c);
                }

                means[column] |= 0xFF000000;
            }

            expected.Add(row, 0, 1, means);
        }

        Assert.Equal(expected.Finish().Pixels, reducer.Finish().Pixels);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cut_off_and_damaged_files_are_refused_and_nothing_else(bool interlaced)
    {
        byte[] whole = new PngMaker(37, 23, 2, 8, interlaced, false).Random(3);
        for (int length = 33; length < whole.Length - 30; length += 11)
        {
            Assert.Throws<ImageFormatException>(() => Read(whole.AsMemory(0, length)));
        }

        Rng rng = new(7);
        for (int i = 0; i < 500; i++)
        {
            byte[] bad = [.. whole];
            bad[33 + rng.Next(bad.Length - 33)] ^= (byte)(1 << rng.Next(8));
            try
            {
                Read(bad);
            }
            catch (ImageFormatException)
            {
                // What is not needed (an optional chunk, the end) may be damaged; nothing but this error may come.
            }
        }

        static void Read(ReadOnlyMemory<byte> png) => PngRows.Open(png).Read(new Upright(37, 23, SKEncodedOrigin.TopLeft, RgbColor.White));
    }
}

/// <summary>Writes PNG files of every form, with made-up samples and filters, in pieces: a large one is never held.</summary>
internal sealed class PngMaker(int width, int height, int colorType, int depth, bool interlaced, bool transparent)
{
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    /// <summary>Every byte of every row is random, and so is the filter of the row.</summary>
    public byte[] Random(ulong seed)
    {
        Rng rng = new(seed);
        return Make((_, row) =>
        {
            row[0] = (byte)rng.Next(5);
            for (int i = 1; i < row.Length; i++) row[i] = (byte)rng.Next(256);
        });
    }

    /// <param name="fill">Writes the bytes of a row, the filter first; its number counts the rows of all passes.</param>
    public byte[] Make(Action<int, byte[]> fill)
    {
        using MemoryStream png = new();
        png.Write([0x89, .. "PNG\r\n\x1A\n"u8]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colorType, (byte)(interlaced ? 1 : 0));
        WriteChunk(png, "IHDR", header);
        if (colorType == 3) WriteChunk(png, "PLTE", [.. Enumerable.Range(0, 3 * (1 << depth)).Select(i => (byte)(i * 37))]);
        if (transparent) WriteChunk(png, "tRNS", colorType == 3 ? [0, 100, 200] : colorType == 0 ? [0, 1] : [0, 1, 0, 2, 0, 3]);
        byte[] data = Compress(fill);
        WriteChunk(png, "IDAT", data[..(data.Length / 2)]);
        WriteChunk(png, "IDAT", []);
        WriteChunk(png, "IDAT", data[(data.Length / 2)..]);
        WriteChunk(png, "IEND", []);
        return png.ToArray();
    }

    private byte[] Compress(Action<int, byte[]> fill)
    {
        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.Fastest))
        {
            int channels = colorType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
            int number = 0;
            foreach ((int x, int y, int stepX, int stepY) in interlaced ? (IEnumerable<(int X, int Y, int StepX, int StepY)>)Passes : [(0, 0, 1, 1)])
            {
                int columns = (width - x + stepX - 1) / stepX;
                if (columns < 1) continue;
                byte[] row = new byte[1 + (((columns * channels * depth) + 7) / 8)];
                for (int at = y; at < height; at += stepY)
                {
                    fill(number++, row);
                    stream.Write(row);
                }
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(MemoryStream png, string type, byte[] data)
    {
        byte[] chunk = [0, 0, 0, 0, .. Encoding.ASCII.GetBytes(type), .. data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32.HashToUInt32(chunk.AsSpan(4, data.Length + 4)));
        png.Write(chunk);
    }
}
