using System;
using System.IO;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Tests.Data;

/// <summary>Images made up for tests.</summary>
internal static class Images
{
    public static RgbImage Noise(int width, int height, ulong seed)
    {
        Rng rng = new(seed);
        byte[] pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)rng.Next(256);
        }

        return new RgbImage(width, height, pixels);
    }

    public static byte[] Encode(RgbImage image, SKEncodedImageFormat format = SKEncodedImageFormat.Png, int quality = 95, SKColorSpace? colorSpace = null)
    {
        using SKBitmap bitmap = new(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque, colorSpace));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            image.Pixels.AsSpan(i * 3, 3).CopyTo(target[(i * 4)..]);
            target[(i * 4) + 3] = 255;
        }

        using SKData data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    public static void Save(string path, ulong seed, int width = 12, int height = 10)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Encode(Noise(width, height, seed)));
    }
}
