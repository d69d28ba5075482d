using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;

using SkiaSharp;

namespace Thomas.Imaging;

/// <summary>
/// EXIF orientation of PNG and WebP files, which Skia reports for JPEG only. Metadata that is damaged counts as absent: it must not cost the image.
/// </summary>
internal static class ExifOrientation
{
    private const ushort OrientationTag = 0x0112;
    private const ushort ShortType = 3;
    private const int MaximumProfileBytes = 1 << 20;

    private static ReadOnlySpan<byte> RawProfileName => "Raw profile type exif\0"u8;

    /// <summary>Orientation of an image that was opened by <paramref name="codec"/>.</summary>
    public static SKEncodedOrigin Read(SKCodec codec, ReadOnlySpan<byte> encoded)
    {
        SKEncodedOrigin reported = codec.EncodedOrigin;
        if (reported != SKEncodedOrigin.TopLeft)
        {
            return reported;
        }

        return codec.EncodedFormat switch
        {
            SKEncodedImageFormat.Png => FromPng(encoded),
            SKEncodedImageFormat.Webp => FromWebp(encoded),
            _ => reported,
        };
    }

    // Chunks: big-endian length, 4 letters, data, checksum. The standard's own eXIf, or ImageMagick's older text chunk with the bytes written in hexadecimal.
    internal static SKEncodedOrigin FromPng(ReadOnlySpan<byte> png)
    {
        int at = 8;
        while (png.Length - at >= 12)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(png[at..]);
            if (length > png.Length - at - 12)
            {
                break;
            }

            ReadOnlySpan<byte> type = png.Slice(at + 4, 4);
            ReadOnlySpan<byte> data = png.Slice(at + 8, (int)length);
            if (type.SequenceEqual("eXIf"u8))
            {
                return FromTiff(data);
            }

            if (type.SequenceEqual("tEXt"u8) && data.StartsWith(RawProfileName))
            {
                return FromRawProfile(data[RawProfileName.Length..]);
            }

            if (type.SequenceEqual("zTXt"u8) && data.StartsWith(RawProfileName) && data.Length > RawProfileName.Length)
            {
                return FromRawProfile(Inflate(data[(RawProfileName.Length + 1)..]));
            }

            at += 12 + (int)length;
        }

        return SKEncodedOrigin.TopLeft;
    }

    // Chunks: 4 letters, little-endian length, data, one byte of padding after an odd length.
    private static SKEncodedOrigin FromWebp(ReadOnlySpan<byte> webp)
    {
        int at = 12;
        while (webp.Length - at >= 8)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(webp[(at + 4)..]);
            if (length > webp.Length - at - 8)
            {
                break;
            }

            if (webp.Slice(at, 4).SequenceEqual("EXIF"u8))
            {
                return FromTiff(webp.Slice(at + 8, (int)length));
            }

            at = (int)Math.Min(webp.Length, at + 8L + length + (length & 1));
        }

        return SKEncodedOrigin.TopLeft;
    }

    // "\nexif\n" and the number of bytes, then hexadecimal digits in lines.
    private static SKEncodedOrigin FromRawProfile(ReadOnlySpan<byte> text)
    {
        int lineEnds = 0;
        int start = 0;
        while (start < text.Length && lineEnds < 3)
        {
            lineEnds += text[start++] == (byte)'\n' ? 1 : 0;
        }

        byte[] bytes = new byte[(text.Length - start) / 2];
        int digits = 0;
        foreach (byte character in text[start..])
        {
            if (char.IsAsciiHexDigit((char)character))
            {
                int value = character <= '9' ? character - '0' : (character | 0x20) - 'a' + 10;
                bytes[digits / 2] |= (byte)((digits & 1) == 0 ? value << 4 : value);
                digits++;
            }
        }

        return FromTiff(bytes.AsSpan(0, digits / 2));
    }

    private static ReadOnlySpan<byte> Inflate(ReadOnlySpan<byte> compressed)
    {
        try
        {
            using ZLibStream inflating = new(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            byte[] text = new byte[Math.Min(MaximumProfileBytes, 4096 + (compressed.Length * 16))];
            return text.AsSpan(0, inflating.ReadAtLeast(text, text.Length, throwOnEndOfStream: false));
        }
        catch (InvalidDataException)
        {
            return default;
        }
    }

    // A TIFF header (byte order, 42, offset of the first directory), sometimes after "Exif\0\0"; a directory is a count and entries of 12 bytes.
    internal static SKEncodedOrigin FromTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.StartsWith("Exif\0\0"u8))
        {
            tiff = tiff[6..];
        }

        bool bigEndian = tiff.StartsWith("MM"u8);
        if (tiff.Length < 8 || (!bigEndian && !tiff.StartsWith("II"u8)))
        {
            return SKEncodedOrigin.TopLeft;
        }

        uint directory = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return SKEncodedOrigin.TopLeft;
        }

        int entries = ReadUInt16(tiff[(int)directory..], bigEndian);
        ReadOnlySpan<byte> entry = tiff[((int)directory + 2)..];
        for (; entries > 0 && entry.Length >= 12; entries--, entry = entry[12..])
        {
            if (ReadUInt16(entry, bigEndian) == OrientationTag && ReadUInt16(entry[2..], bigEndian) == ShortType)
            {
                int value = ReadUInt16(entry[8..], bigEndian);
                return value is >= 1 and <= 8 ? (SKEncodedOrigin)value : SKEncodedOrigin.TopLeft;
            }
        }

        return SKEncodedOrigin.TopLeft;
    }

    private static ushort ReadUInt16(ReadOnlySpan<byte> bytes, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
}
