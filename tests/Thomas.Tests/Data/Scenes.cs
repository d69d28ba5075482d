using System;
using System.IO;
using SkiaSharp;
using Thomas.Data;

namespace Thomas.Tests.Data;

/// <summary>Made-up photographs: soft spots of color on a gradient, other ones for each seed, the same at every size.</summary>
internal static class Scenes
{
    private const int Spots = 14;

    public static RgbImage Draw(ulong seed, int width = 200, int height = 150, bool gray = false)
    {
        Rng rng = new(seed);
        double[] numbers = new double[(Spots * 6) + 6];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = rng.Uniform(0, 1);
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double u = (x + 0.5) / width, v = (y + 0.5) / height;
                for (int c = 0; c < 3; c++)
                {
                    double value = numbers[c] + ((numbers[3 + c] - 0.5) * (u + v));
                    for (int s = 0; s < Spots; s++)
                    {
                        ReadOnlySpan<double> spot = numbers.AsSpan(6 + (s * 6), 6);
                        double distance = ((u - spot[0]) * (u - spot[0])) + ((v - spot[1]) * (v - spot[1])), radius = 0.003 + (0.02 * spot[2]);
                        value += (spot[gray ? 3 : 3 + c] - 0.5) * 1.6 * Math.Exp(-distance / radius);
                    }

                    pixels[(((y * width) + x) * 3) + c] = gray && c > 0 ? pixels[((y * width) + x) * 3] : (byte)Math.Clamp(value * 255, 0, 255);
                }
            }
        }

        return new RgbImage(width, height, pixels);
    }

    public static void Save(string path, RgbImage image, SKEncodedImageFormat format = SKEncodedImageFormat.Jpeg, int quality = 95)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Images.Encode(image, format, quality));
    }
}
