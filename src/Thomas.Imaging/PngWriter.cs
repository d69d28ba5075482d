using System;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Encodes images as PNG, 8 bits a channel, without loss.</summary>
public static class PngWriter
{
    private const int BestCompression = 100;

    /// <summary>Encodes an image.</summary>
    /// <param name="image">The image.</param>
    /// <returns>The bytes of a PNG file. They may differ from one version of Skia or processor to another; the decoded pixels do not.</returns>
    public static byte[] Encode(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(image);
        using SKBitmap bitmap = new(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> source = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
            Span<byte> row = target.Slice(y * bitmap.RowBytes, image.Width * 4);
            for (int x = 0; x < image.Width; x++)
            {
                source.Slice(x * 3, 3).CopyTo(row[(x * 4)..]);
                row[(x * 4) + 3] = byte.MaxValue;
            }
        }

        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, BestCompression)
            ?? throw new InvalidOperationException($"An image of {image.Width}x{image.Height} pixels could not be encoded.");
        return data.ToArray();
    }
}
