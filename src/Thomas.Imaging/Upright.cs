using System;
using System.Buffers.Binary;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Puts stored RGBA pixels where they belong in an upright image: applies the EXIF orientation, lays transparent pixels over a background.</summary>
internal sealed class Upright : PixelSink
{
    private readonly byte[] _rgb;
    private readonly RgbColor _background;
    private readonly int _width;
    private readonly int _height;
    private readonly int _start;
    private readonly int _stepX;
    private readonly int _stepY;

    /// <param name="width">Stored width.</param>
    /// <param name="height">Stored height.</param>
    /// <param name="origin">Where the stored image's first row and column belong; values 5 to 8 swap the sides.</param>
    /// <param name="background">What transparent pixels are laid over.</param>
    public Upright(int width, int height, SKEncodedOrigin origin, RgbColor background)
    {
        _background = background;
        (_width, _height) = (int)origin >= (int)SKEncodedOrigin.LeftTop ? (height, width) : (width, height);
        _rgb = GC.AllocateUninitializedArray<byte>(checked(width * height * 3));

        // The stored pixel (x, y) is the upright pixel at start + x * stepX + y * stepY.
        int last = (width * height) - 1;
        (_start, _stepX, _stepY) = origin switch
        {
            SKEncodedOrigin.TopRight => (width - 1, -1, width),
            SKEncodedOrigin.BottomRight => (last, -1, -width),
            SKEncodedOrigin.BottomLeft => (last - (width - 1), 1, -width),
            SKEncodedOrigin.LeftTop => (0, height, 1),
            SKEncodedOrigin.RightTop => (height - 1, height, -1),
            SKEncodedOrigin.RightBottom => (last, -height, -1),
            SKEncodedOrigin.LeftBottom => (last - (height - 1), -height, 1),
            _ => (0, 1, width),
        };
    }

    /// <inheritdoc/>
    public override void Add(int y, int x, int step, ReadOnlySpan<uint> pixels)
    {
        byte[] rgb = _rgb;
        int at = (_start + (y * _stepY) + (x * _stepX)) * 3;
        int stride = step * _stepX * 3;
        if (stride == 3)
        {
            AddRun(rgb.AsSpan(at), pixels);
            return;
        }

        for (int i = 0; i < pixels.Length; i++, at += stride)
        {
            uint pixel = Over(_background, pixels[i]);
            (rgb[at], rgb[at + 1], rgb[at + 2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
        }
    }

    /// <inheritdoc/>
    public override RgbImage Finish() => new(_width, _height, _rgb);

    // One store for three bytes: the fourth is overwritten by the next pixel. Rows come in any order, so the last pixel of a run must not write it.
    private void AddRun(Span<byte> rgb, ReadOnlySpan<uint> pixels)
    {
        int at = 0;
        for (int i = 0; i < pixels.Length - 1; i++, at += 3)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rgb[at..], Over(_background, pixels[i]));
        }

        uint pixel = Over(_background, pixels[^1]);
        (rgb[at], rgb[at + 1], rgb[at + 2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
    }
}
