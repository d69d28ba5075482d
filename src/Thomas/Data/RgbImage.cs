using System;

namespace Thomas.Data;

/// <summary>A decoded image: upright, red-green-blue, 8 bits a channel, rows from the top, no padding between rows.</summary>
public sealed class RgbImage
{
    /// <summary>Wraps the pixels of an image; they are not copied.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="pixels">[height, width, 3] bytes.</param>
    /// <exception cref="ArgumentException">The number of bytes is not width * height * 3.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentNullException.ThrowIfNull(pixels);
        if ((ulong)width * (ulong)height * 3 != (ulong)pixels.Length)
        {
            throw new ArgumentException(
                $"An image of {width}x{height} needs {(ulong)width * (ulong)height * 3} bytes of RGB, got {pixels.Length}.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>[height, width, 3] bytes: red, green, blue of each pixel, row by row.</summary>
    public byte[] Pixels { get; }
}
