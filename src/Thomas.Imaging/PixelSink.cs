using System;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Takes the pixels of an image as they are decoded, in the order in which the file holds them.</summary>
internal abstract class PixelSink
{
    private const uint Opaque = 0xFF000000;

    /// <summary>Takes pixels of one stored row.</summary>
    /// <param name="y">The row.</param>
    /// <param name="x">Column of the first pixel.</param>
    /// <param name="step">Columns from one pixel to the next.</param>
    /// <param name="pixels">Red in the lowest byte, alpha (not premultiplied) in the highest.</param>
    public abstract void Add(int y, int x, int step, ReadOnlySpan<uint> pixels);

    /// <summary>The image, after the last pixel.</summary>
    public abstract RgbImage Finish();

    /// <summary>
    /// Lays a pixel over a background where it is transparent: c * a + background * (1 - a), rounded. The highest byte is of no meaning afterwards.
    /// </summary>
    protected static uint Over(RgbColor background, uint pixel)
    {
        if (pixel >= Opaque)
        {
            return pixel;
        }

        uint alpha = pixel >> 24;
        uint rest = 255 - alpha;
        uint red = (((pixel & 255) * alpha) + (background.Red * rest) + 127) / 255;
        uint green = ((((pixel >> 8) & 255) * alpha) + (background.Green * rest) + 127) / 255;
        uint blue = ((((pixel >> 16) & 255) * alpha) + (background.Blue * rest) + 127) / 255;
        return red | (green << 8) | (blue << 16);
    }
}
