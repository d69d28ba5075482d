using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>TIFF files of every kind that is read, and refusals of all others.</summary>
public sealed class TiffTests
{
    private const int Width = 37, Height = 29;

    private static readonly SkiaImageDecoder Decoder = new();

    public static TheoryData<bool, uint, bool, bool, int> Kinds()
    {
        TheoryData<bool, uint, bool, bool, int> kinds = [];
        foreach (uint compression in (uint[])[1, 5, 8, 32773])
        {
            foreach (bool isBigEndian in (bool[])[false, true])
            {
                kinds.Add(isBigEndian, compression, false, false, 8);
                kinds.Add(isBigEndian, compression, true, true, 16);
                kinds.Add(isBigEndian, compression, true, false, 8);
                kinds.Add(isBigEndian, compression, false, true, 8);
            }
        }

        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Colors_are_read(bool isBigEndian, uint compression, bool isTiled, bool isPlanar, int bits)
    {
        RgbImage image = Scenes.Draw(3, Width, Height);
        foreach (bool isPredicted in (bool[])[false, true])
        {
            byte[] file = Encode(image, isBigEndian, compression, isTiled, isPlanar, bits, isPredicted);
            Assert.Equal(image.Pixels, Decoder.Decode(file).Pixels);
            Assert.Equal(image.Pixels, new ManagedImageDecoder().Decode(file).Pixels);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Gray_of_every_depth_is_read(int bits)
    {
        int most = (1 << Math.Min(bits, 8)) - 1;
        byte[] row = bits == 16 ? [7, 0, 8, 255] : bits == 8 ? [0, 255] : [(byte)(most << (8 - (2 * bits)))];
        foreach ((uint photometric, byte first, byte second) in ((uint, byte, byte)[])[(1, 0, 255), (0, 255, 0)])
        {
            TiffFile file = Header(2, 1, (uint)bits, 1, photometric);
            Assert.Equal([first, first, first, second, second, second], Decoder.Decode(file.ToBytes([row])).Pixels);
        }
    }

    [Theory]
    [InlineData(256)]
    [InlineData(1)]
    public void A_palette_of_words_or_bytes_is_read(int scale)
    {
        TiffFile file = Header(3, 1, 4, 1, 3);
        uint[] colors = new uint[48];
        (colors[1], colors[16 + 1], colors[32 + 1]) = ((uint)(200 * scale), (uint)(100 * scale), (uint)(50 * scale));
        (colors[15], colors[16 + 15], colors[32 + 15]) = ((uint)(1 * scale), (uint)(2 * scale), (uint)(255 * scale));
        file.SetShorts(320, colors);
        Assert.Equal([200, 100, 50, 1, 2, 255, 0, 0, 0], Decoder.Decode(file.ToBytes([[0x1F, 0x00]])).Pixels);
    }

    [Fact]
    public void Cmyk_and_transparency_are_read()
    {
        TiffFile cmyk = Header(2, 1, 8, 4, 5);
        Assert.Equal([255, 255, 255, 0, 128, 51], Decoder.Decode(cmyk.ToBytes([[0, 0, 0, 0, 255, 127, 204, 0]])).Pixels);
        foreach ((uint kind, byte[] pixel) in ((uint, byte[])[])[(2, [200, 100, 50, 51]), (1, [40, 20, 10, 51]), (0, [244, 224, 214, 51])])
        {
            TiffFile file = Header(1, 1, 8, 4, 2);
            file.SetShorts(338, kind);
            Assert.Equal([244, 224, 214], Decoder.Decode(file.ToBytes([pixel])).Pixels);
        }

        TiffFile black = Header(1, 1, 8, 4, 2);
        black.SetShorts(338, 2);
        Assert.Equal([40, 20, 10], ((IImageDecoder)Decoder).WithBackground(RgbColor.Black).Decode(black.ToBytes([[200, 100, 50, 51]])).Pixels);
    }

    [Theory]
    [InlineData(1, new byte[] { 1, 2 })]
    [InlineData(3, new byte[] { 2, 1 })]
    [InlineData(6, new byte[] { 1, 2 })]
    [InlineData(8, new byte[] { 2, 1 })]
    public void Orientation_is_applied(uint orientation, byte[] expected)
    {
        TiffFile file = Header(2, 1, 8, 1, 1);
        file.SetShorts(274, orientation);
        RgbImage image = Decoder.Decode(file.ToBytes([[1, 2]]));
        Assert.Equal(orientation >= 5 ? (1, 2) : (2, 1), (image.Width, image.Height));
        Assert.Equal(expected, new[] { image.Pixels[0], image.Pixels[3] });
    }

    [Fact]
    public void A_large_image_is_reduced_while_it_is_read()
    {
        TiffFile file = new() { Compression = 8 };
        Fill(file, 3000, 2000, 8, 1, 1);
        file.Set(278, 100);
        byte[] strip = new byte[3000 * 100];
        strip.AsSpan().Fill(77);
        RgbImage image = Decoder.Decode(file.ToBytes([.. Enumerable.Repeat(strip, 20)]), 200);
        Assert.Equal((300, 200), (image.Width, image.Height));
        Assert.All(image.Pixels, value => Assert.Equal(77, value));
    }

    [Fact]
    public void What_is_not_read_is_refused_with_the_reason()
    {
        AssertRefused("its compression is of kind 7", Header(1, 1, 8, 3, 2, compression: 7));
        AssertRefused("its colors are of kind 8", Header(1, 1, 8, 3, 8));
        AssertRefused("of its number format", Header(1, 1, 32, 1, 1));
        TiffFile preview = Header(1, 1, 8, 3, 2);
        preview.Set(254, 1);
        AssertRefused("raw files of cameras", preview);
        TiffFile floats = Header(1, 1, 16, 1, 1);
        floats.SetShorts(339, 3);
        AssertRefused("of its number format", floats);
        AssertRefused("it has 65 samples per pixel", Header(1, 1, 8, 65, 2));
        AssertRefused("it has 65535 samples per pixel", Header(1, 1, 8, 65_535, 2));
    }

    [Fact]
    public void Pixels_are_not_taken_from_the_header()
    {
        byte[] file = Header(1, 1, 8, 3, 2).ToBytes([new byte[64]]);
        int directory = BitConverter.ToInt32(file, 4);
        for (int at = directory + 2; at < file.Length; at += 12)
        {
            if (BitConverter.ToUInt16(file, at) != 273) continue;
            for (byte offset = 0; offset < 8; offset++)
            {
                file[at + 8] = offset;
                Assert.Contains("damaged", Refusal(file), StringComparison.Ordinal);
            }

            // As a private tag it says nothing of the pixels.
            file[at + 1] = 0x81;
            break;
        }

        Assert.Contains("does not say where its pixels are", Refusal(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Claims_of_hostile_headers_are_refused_without_memory()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        TiffFile huge = Header(200_000, 200_000, 8, 3, 2);
        AssertRefused("The header claims 200000x200000 pixels", huge);
        TiffFile wide = Header(3_900_000, 1, 8, 3, 2);
        wide.Set(322, 1);
        wide.Set(323, 1);
        Assert.Contains("above the limit", Refusal(wide.ToBytes([[0]], isTiled: true)), StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, false)]
    [InlineData(8, true)]
    [InlineData(32773, true)]
    public void Damaged_files_give_an_image_or_a_typed_error(uint compression, bool isTiled)
    {
        byte[] file = Encode(Scenes.Draw(4, Width, Height), false, compression, isTiled, false, 8, false);
        for (int length = 8; length < file.Length; length += 1 + (file.Length / 150)) Decode(file[..length]);
        Rng rng = new(7);
        for (int i = 0; i < 1500; i++)
        {
            byte[] flipped = [.. file];
            int from = i % 3 == 0 ? 0 : file.Length - 250;
            for (int n = 0; n < 1 + (i % 4); n++) flipped[from + rng.Next(file.Length - from)] ^= (byte)(1 << rng.Next(8));
            Decode(flipped);
        }

        static void Decode(byte[] bytes)
        {
            try
            {
                _ = Decoder.Decode(bytes, 16);
            }
            catch (ImageFormatException)
            {
                // As it should be.
            }
        }
    }

    private static TiffFile Header(uint width, uint height, uint bits, uint samples, uint photometric, uint compression = 1)
    {
        TiffFile file = new() { Compression = compression };
        Fill(file, width, height, bits, samples, photometric);
        return file;
    }

    private static void Fill(TiffFile file, uint width, uint height, uint bits, uint samples, uint photometric)
    {
        file.Set(256, width);
        file.Set(257, height);
        file.SetShorts(258, [.. Enumerable.Repeat(bits, (int)samples)]);
        file.SetShorts(262, photometric);
        file.SetShorts(277, samples);
    }

    private static byte[] Encode(RgbImage image, bool isBigEndian, uint compression, bool isTiled, bool isPlanar, int bits, bool isPredicted)
    {
        TiffFile file = new() { IsBigEndian = isBigEndian, Compression = compression };
        Fill(file, (uint)image.Width, (uint)image.Height, (uint)bits, 3, 2);
        (int chunkWidth, int chunkHeight) = isTiled ? (16, 16) : (image.Width, 10);
        if (isTiled)
        {
            file.Set(322, 16);
            file.Set(323, 16);
        }
        else
        {
            file.Set(278, 10);
        }

        if (isPlanar) file.SetShorts(284, 2);
        if (isPredicted) file.SetShorts(317, 2);
        List<byte[]> chunks = [];
        for (int plane = 0; plane < (isPlanar ? 3 : 1); plane++)
        {
            for (int top = 0; top < image.Height; top += chunkHeight)
            {
                for (int left = 0; left < image.Width; left += chunkWidth)
                {
                    List<byte> chunk = [];
                    for (int y = top; y < top + chunkHeight && (isTiled || y < image.Height); y++)
                    {
                        int[] before = new int[3];
                        for (int x = left; x < left + chunkWidth; x++)
                        {
                            for (int c = isPlanar ? plane : 0; c < (isPlanar ? plane + 1 : 3); c++)
                            {
                                int value = x < image.Width && y < image.Height ? image.Pixels[(((y * image.Width) + x) * 3) + c] : 0;
                                if (bits == 16) value = (value << 8) | ((x * 37) & 255);
                                int stored = isPredicted ? value - before[c] : value;
                                before[c] = value;
                                if (bits == 8) chunk.Add((byte)stored);
                                else if (isBigEndian) chunk.AddRange([(byte)(stored >> 8), (byte)stored]);
                                else chunk.AddRange([(byte)stored, (byte)(stored >> 8)]);
                            }
                        }
                    }

                    chunks.Add([.. chunk]);
                }
            }
        }

        return file.ToBytes(chunks, isTiled);
    }

    private static void AssertRefused(string reason, TiffFile file) => Assert.Contains(reason, Refusal(file.ToBytes([new byte[64]])), StringComparison.Ordinal);

    private static string Refusal(byte[] file) => Assert.Throws<ImageFormatException>(() => Decoder.Decode(file, 16)).Message;
}
