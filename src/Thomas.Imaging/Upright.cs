using System;
using System.Buffers.Binary;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Turns stored RGBA pixels into an upright RGB picture.</summary>
internal static class Upright
{
    private const uint Opaque = 0xFF000000;

    /// <summary>Applies the EXIF orientation and lays transparent pixels over white: c * a + 255 * (1 - a), rounded.</summary>
    /// <param name="stored">[height, width] pixels, red in the lowest byte, alpha (not premultiplied) in the highest.</param>
    /// <param name="width">Stored width.</param>
    /// <param name="height">Stored height.</param>
    /// <param name="origin">Where the stored picture's first row and column belong; values 5 to 8 swap the sides.</param>
    public static RgbImage ToRgb(ReadOnlySpan<uint> stored, int width, int height, SKEncodedOrigin origin)
    {
        // The upright pixel (x, y) is the stored pixel at start + x * stepX + y * stepY.
        int last = (width * height) - 1;
        (int start, int stepX, int stepY, bool swapsSides) = origin switch
        {
            SKEncodedOrigin.TopRight => (width - 1, -1, width, false),
            SKEncodedOrigin.BottomRight => (last, -1, -width, false),
            SKEncodedOrigin.BottomLeft => (last - (width - 1), 1, -width, false),
            SKEncodedOrigin.LeftTop => (0, width, 1, true),
            SKEncodedOrigin.RightTop => (last - (width - 1), -width, 1, true),
            SKEncodedOrigin.RightBottom => (last, -width, -1, true),
            SKEncodedOrigin.LeftBottom => (width - 1, width, -1, true),
            _ => (0, 1, width, false),
        };
        (int uprightWidth, int uprightHeight) = swapsSides ? (height, width) : (width, height);
        byte[] rgb = GC.AllocateUninitializedArray<byte>(checked(width * height * 3));
        int at = 0;
        for (int y = 0; y < uprightHeight; y++)
        {
            int from = start + (y * stepY);
            for (int x = 0; x < uprightWidth; x++, from += stepX, at += 3)
            {
                uint pixel = stored[from];
                if (pixel < Opaque)
                {
                    pixel = OverWhite(pixel);
                }

                // One store for three bytes: the fourth is overwritten by the next pixel, and left out at the very end.
                if (at + sizeof(uint) <= rgb.Length)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(rgb.AsSpan(at), pixel);
                }
                else
                {
                    (rgb[at], rgb[at + 1], rgb[at + 2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
                }
            }
        }

        return new RgbImage(uprightWidth, uprightHeight, rgb);
    }

    private static uint OverWhite(uint pixel)
    {
        uint alpha = pixel >> 24;
        uint white = (255 * (255 - alpha)) + 127;
        uint red = (((pixel & 255) * alpha) + white) / 255;
        uint green = ((((pixel >> 8) & 255) * alpha) + white) / 255;
        uint blue = ((((pixel >> 16) & 255) * alpha) + white) / 255;
        return red | (green << 8) | (blue << 16);
    }
}
