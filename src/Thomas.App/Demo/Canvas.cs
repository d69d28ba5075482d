using System;
using Thomas.Data;

namespace Thomas.App.Demo;

/// <summary>An image to draw tiles of pixels on.</summary>
internal sealed class Canvas
{
    private readonly int _width;
    private readonly byte[] _pixels;

    public Canvas(int width, int height, Color background)
    {
        _width = width;
        _pixels = new byte[width * height * 3];
        Image = new RgbImage(width, height, _pixels);
        Fill(0, 0, width, height, background);
    }

    /// <summary>What was drawn so far; not a copy.</summary>
    public RgbImage Image { get; }

    /// <summary>Fills a rectangle.</summary>
    public void Fill(int left, int top, int width, int height, Color color)
    {
        for (int y = top; y < top + height; y++)
        {
            for (int x = left; x < left + width; x++)
            {
                int i = ((y * _width) + x) * 3;
                (_pixels[i], _pixels[i + 1], _pixels[i + 2]) = color;
            }
        }
    }

    /// <summary>Draws a square of colors, each as a block of pixels.</summary>
    /// <param name="left">Left edge.</param>
    /// <param name="top">Upper edge.</param>
    /// <param name="side">Blocks along each side.</param>
    /// <param name="scale">Pixels along each side of a block.</param>
    /// <param name="color">Color of the block with this number, rows from the top.</param>
    public void Tile(int left, int top, int side, int scale, Func<int, Color> color)
    {
        for (int i = 0; i < side * side; i++) Fill(left + (i % side * scale), top + (i / side * scale), scale, scale, color(i));
    }

    /// <summary>Red, green, blue.</summary>
    public readonly record struct Color(byte Red, byte Green, byte Blue)
    {
        public static Color Grey(byte level) => new(level, level, level);
    }
}
