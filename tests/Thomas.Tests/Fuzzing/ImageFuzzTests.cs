using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO.Hashing;
using System.Text;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Thomas.Tests.Imaging;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>Images with changed chunks, segments and headers, their checksums right.</summary>
public sealed class ImageFuzzTests(ITestOutputHelper output)
{
    private static readonly RgbImage Noise = Images.Noise(24, 20, 3);

    [Theory]
    [InlineData("png", false)]
    [InlineData("jpeg", false)]
    [InlineData("webp", false)]
    [InlineData("gif", false)]
    [InlineData("bmp", false)]
    [InlineData("png", true)]
    [InlineData("jpeg", true)]
    [InlineData("progressive", true)]
    [InlineData("gif", true)]
    [InlineData("bmp", true)]
    public void Changed_images_are_refused_or_decoded(string format, bool isManaged)
    {
        IImageDecoder decoder = isManaged ? new ManagedImageDecoder() : new SkiaImageDecoder();
        byte[] good = format switch
        {
            "png" => Images.Encode(Noise),
            "jpeg" => WithExif(Images.Encode(Noise, SKEncodedImageFormat.Jpeg)),
            "webp" => Images.Encode(Noise, SKEncodedImageFormat.Webp),
            "progressive" => WithExif(Progressive()),
            "gif" when isManaged => new GifMaker { Width = 24, Height = 20, Bits = 4, Transparent = 3, HasComment = true }.Make(1),
            "gif" => Convert.FromHexString("47494638396101000100800000000000FFFFFF21F90401000000002C00000000010001000002024401003B"),
            _ => Bmp(),
        };
        _ = decoder.Decode(good);
        new Fuzzer(isManaged ? format + " managed" : format, output) { AllowedBytes = 1L << 30 }.Run(
            random => format switch
            {
                "png" => Png(random, good),
                "jpeg" or "progressive" => Jpeg(random, good),
                "webp" => Riff(random, good),
                "gif" when isManaged => Header(random, good, good.Length),
                _ => Header(random, good, 54),
            },
            file =>
            {
                RgbImage image = decoder.Decode(file, file.Length % 2 == 0 ? 0 : 16);
                Assert.Equal(image.Width * image.Height * 3, image.Pixels.Length);
            });
    }

    private static byte[] Progressive() => new JpegMaker
    {
        Width = 40,
        Height = 30,
        Sampling = [(2, 2), (1, 1), (1, 1)],
        IsProgressive = true,
        RestartInterval = 2,
        Scans = [([0, 1, 2], 0, 0, 0, 1), ([0], 1, 63, 0, 1), ([1], 1, 63, 0, 0), ([0, 1, 2], 0, 0, 1, 0), ([0], 1, 63, 1, 0)],
    }.Make(1);

    private static byte[] Png(Random random, byte[] good)
    {
        List<(byte[] Type, byte[] Data)> chunks = [];
        for (int at = 8; at < good.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(good.AsSpan(at));
            chunks.Add((good[(at + 4)..(at + 8)], good[(at + 8)..(at + 8 + length)]));
            at += 12 + length;
        }

        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(chunks.Count);
            if (random.Next(3) == 0) Mutation.Order(random, chunks, static chunk => chunk);
            else if (random.Next(5) == 0)
            {
                chunks.Insert(
                    at,
                    (Encoding.ASCII.GetBytes(
                        (string[])["tRNS", "PLTE", "gAMA", "iCCP", "eXIf", "acTL", "fcTL", "sBIT", "cHRM"] is var names
                        ? names[random.Next(names.Length)]
                        : ""), Mutation.Bytes(random, [1, 2, 3, 4, 5, 6])));
            }
            else if (chunks[at].Data.Length == 13) chunks[at] = (chunks[at].Type, Header(random, chunks[at].Data, 13));
            else chunks[at] = (chunks[at].Type, Mutation.Bytes(random, chunks[at].Data));
            if (chunks.Count == 0) break;
        }

        List<byte> file = [.. good[..8]];
        foreach ((byte[] type, byte[] data) in chunks)
        {
            byte[] number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            file.AddRange(number);
            file.AddRange(type);
            file.AddRange(data);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32([.. type, .. data]));
            file.AddRange(number);
        }

        return [.. file];
    }

    /// <summary>Segments up to the scan, which is left as it is or changed byte by byte.</summary>
    private static byte[] Jpeg(Random random, byte[] good)
    {
        List<(byte Marker, byte[] Data)> segments = [];
        int at = 2;
        while (good[at + 1] != 0xda)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(good.AsSpan(at + 2));
            segments.Add((good[at + 1], good[(at + 4)..(at + 2 + length)]));
            at += 2 + length;
        }

        byte[] scan = good[at..];
        for (int i = random.Next(1, 4); i > 0 && segments.Count > 0; i--)
        {
            int which = random.Next(segments.Count);
            if (random.Next(4) == 0) Mutation.Order(random, segments, static segment => segment);
            else if (random.Next(6) == 0) scan = Mutation.Bytes(random, scan);
            else
            {
                segments[which] =
                    (random.Next(8) == 0
                    ? (byte)random.Next(0xc0, 0xff)
                    : segments[which].Marker, Header(random, segments[which].Data, segments[which].Data.Length));
            }
        }

        List<byte> file = [0xff, 0xd8];
        foreach ((byte marker, byte[] data) in segments)
        {
            byte[] length = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)(data.Length + 2));
            file.AddRange([0xff, marker, .. length, .. data]);
        }

        return [.. file, .. scan];
    }

    private static byte[] Riff(Random random, byte[] good)
    {
        List<(byte[] Type, byte[] Data)> chunks = [];
        for (int at = 12; at + 8 <= good.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(good.AsSpan(at + 4));
            chunks.Add((good[at..(at + 4)], good[(at + 8)..Math.Min(good.Length, at + 8 + length)]));
            at += 8 + length + (length % 2);
        }

        for (int i = random.Next(1, 3); i > 0 && chunks.Count > 0; i--)
        {
            int at = random.Next(chunks.Count);
            if (random.Next(3) == 0)
            {
                chunks.Insert(
                    at,
                    (Encoding.ASCII.GetBytes(
                        (string[])["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "EXIF", "ICCP"] is var names ? names[random.Next(names.Length)] : ""),
                            Mutation.Bytes(random, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])));
            }
            else chunks[at] = (chunks[at].Type, Header(random, chunks[at].Data, 32));
        }

        List<byte> body = [];
        foreach ((byte[] type, byte[] data) in chunks)
        {
            body.AddRange([.. type, .. BitConverter.GetBytes(random.Next(20) == 0 ? (int)Mutation.Number(random, data.Length) : data.Length), .. data]);
            if (data.Length % 2 == 1) body.Add(0);
        }

        return [.. "RIFF"u8, .. BitConverter.GetBytes(random.Next(20) == 0 ? (int)Mutation.Number(random, body.Count) : body.Count + 4), .. "WEBP"u8, .. body];
    }

    /// <summary>Numbers of one, two or four bytes of the beginning become others, or the end is missing.</summary>
    private static byte[] Header(Random random, byte[] good, int length)
    {
        byte[] file = [.. good];
        length = Math.Min(length, file.Length);
        for (int i = random.Next(1, 4); i > 0 && length > 0; i--)
        {
            int at = random.Next(length);
            long number = Mutation.Number(random, file[at]);
            if (random.Next(2) == 0 || at + 4 > file.Length) file[at] = (byte)number;
            else if (random.Next(2) == 0) BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), (int)number);
            else BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(at), (int)number);
        }

        return random.Next(10) == 0 ? file[..random.Next(file.Length + 1)] : file;
    }

    private static byte[] WithExif(byte[] jpeg)
    {
        byte[] tiff = [.. "II*\0"u8, 8, 0, 0, 0, 2, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0];
        byte[] data = [.. "Exif\0\0"u8, .. tiff];
        return [0xff, 0xd8, 0xff, 0xe1, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2), .. data, .. jpeg[2..]];
    }

    private static byte[] Bmp()
    {
        byte[] file = new byte[54 + (24 * 20 * 3)];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        file[10] = 54;
        file[14] = 40;
        file[18] = 24;
        file[22] = 20;
        file[26] = 1;
        file[28] = 24;
        return file;
    }
}
