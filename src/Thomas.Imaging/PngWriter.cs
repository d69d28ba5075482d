using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;
using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Encodes images as PNG, 8 bits a channel, without loss. Needs no native code but that of the runtime.</summary>
public static class PngWriter
{
    private const int Channels = 3, Filters = 5;

    private static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Encodes an image.</summary>
    /// <param name="image">The image.</param>
    /// <returns>The bytes of a PNG file. They may differ from one version of the runtime to another; the decoded pixels do not.</returns>
    public static byte[] Encode(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using MemoryStream file = new();
        file.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);

        // 8 bits, RGB, and the only methods there are of compressing, filtering and not interlacing.
        (header[8], header[9], header[10], header[11], header[12]) = (8, 2, 0, 0, 0);
        WriteChunk(file, "IHDR"u8, header);
        using MemoryStream data = new();
        using (ZLibStream rows = new(data, CompressionLevel.SmallestSize, leaveOpen: true)) WriteRows(rows, image);
        WriteChunk(file, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(file, "IEND"u8, default);
        return file.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        Crc32 sum = new();
        sum.Append(type);
        sum.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, sum.GetCurrentHashAsUInt32());
        file.Write(number);
    }

    // Of the five filters each row gets the one that leaves the smallest differences (PNG specification, section 12.7).
    private static void WriteRows(ZLibStream rows, RgbImage image)
    {
        int length = image.Width * Channels;
        byte[] before = new byte[length], best = new byte[length + 1], filtered = new byte[length + 1];
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> row = image.Pixels.AsSpan(y * length, length);
            long least = long.MaxValue;
            for (int filter = 0; filter < Filters; filter++)
            {
                long size = Filter(filter, row, before, filtered);
                if (size >= least) continue;
                (least, best, filtered) = (size, filtered, best);
            }

            rows.Write(best);
            row.CopyTo(before);
        }
    }

    private static long Filter(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> before, Span<byte> target)
    {
        target[0] = (byte)filter;
        long size = 0;
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < Channels ? 0 : row[i - Channels], above = before[i], aboveLeft = i < Channels ? 0 : before[i - Channels];
            int guess = filter switch
            {
                0 => 0,
                1 => left,
                2 => above,
                3 => (left + above) / 2,
                _ => PngRows.Paeth(left, above, aboveLeft),
            };
            byte difference = (byte)(row[i] - guess);
            target[i + 1] = difference;
            size += difference < 128 ? difference : 256 - difference;
        }

        return size;
    }
}
