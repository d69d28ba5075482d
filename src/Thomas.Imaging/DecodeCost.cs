using System;
using System.Buffers.Binary;

using SkiaSharp;

namespace Thomas.Imaging;

/// <summary>What Skia's decoders hold beside the pixels that they were asked for.</summary>
internal static class DecodeCost
{
    /// <summary>Bytes of a whole decode of a file, whatever the size of the result.</summary>
    public static long OfDecoder(SKCodec codec, ReadOnlySpan<byte> encoded)
    {
        long pixels = (long)codec.Info.Width * codec.Info.Height;
        return codec.EncodedFormat switch
        {
            SKEncodedImageFormat.Jpeg => JpegCoefficients(encoded),
            SKEncodedImageFormat.Webp => encoded.IndexOf("VP8L"u8) is >= 0 and < 4096 ? pixels * 4 : codec.Info.IsOpaque ? 0 : pixels,
            SKEncodedImageFormat.Png => 0,
            SKEncodedImageFormat.Bmp => 0,
            _ => pixels,
        };
    }

    // A JPEG in several scans (a progressive one, or one with a scan for each color) is held as coefficients of two bytes until the last scan is read. The
    // frame header (SOF) has the size and, for each component, how often it is sampled; a scan header (SOS) says how many components the first scan has.
    internal static long JpegCoefficients(ReadOnlySpan<byte> jpeg)
    {
        long coefficients = 0;
        int components = 0;
        bool isProgressive = false;
        for (int at = 2; at + 4 <= jpeg.Length && jpeg[at] == 0xFF;)
        {
            int marker = jpeg[at + 1];
            if (marker is 0xFF or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += marker == 0xFF ? 1 : 2;
                continue;
            }

            ReadOnlySpan<byte> segment = jpeg[(at + 4)..];
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && segment.Length >= 6 && segment.Length >= 6 + (3 * segment[5]))
            {
                isProgressive = marker is 0xC2 or 0xC6 or 0xCA or 0xCE;
                components = segment[5];
                coefficients = FrameCoefficients(segment, components);
            }
            else if (marker == 0xDA)
            {
                return isProgressive || (segment.Length > 0 && segment[0] < components) ? coefficients * sizeof(short) : 0;
            }
        }

        return 0;
    }

    private static long FrameCoefficients(ReadOnlySpan<byte> frame, int components)
    {
        int height = BinaryPrimitives.ReadUInt16BigEndian(frame[1..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        (int mostX, int mostY) = (1, 1);
        for (int c = 0; c < components; c++)
        {
            mostX = Math.Max(mostX, frame[7 + (c * 3)] >> 4);
            mostY = Math.Max(mostY, frame[7 + (c * 3)] & 15);
        }

        long sum = 0;
        long blocksX = ((width + (mostX * 8) - 1) / (mostX * 8));
        long blocksY = ((height + (mostY * 8) - 1) / (mostY * 8));
        for (int c = 0; c < components; c++)
        {
            sum += blocksX * (frame[7 + (c * 3)] >> 4) * blocksY * (frame[7 + (c * 3)] & 15) * 64;
        }

        return sum;
    }
}
