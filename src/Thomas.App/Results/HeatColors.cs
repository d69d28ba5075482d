using System;
using Thomas.Data;

namespace Thomas.App.Results;

/// <summary>
/// Lays heat over an image: where there is none the image is gray, and with more heat it takes on the colors of Turbo (Mikhailov 2019), from green over
/// yellow to red, so that no legend is needed.
/// </summary>
internal static class HeatColors
{
    // Cold parts stay visible, the hottest ones show the image through.
    private const float MostOpaque = 0.7f;

    // Turbo at 0, 1/8 ... 1.
    private static ReadOnlySpan<byte> Turbo =>
    [
        48, 18, 59, 70, 98, 216, 54, 170, 249, 26, 228, 182, 114, 254, 94, 199, 239, 52, 250, 186, 57, 246, 107, 24, 122, 4, 3,
    ];

    /// <summary>The image with the heat over it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="heat">[height, width] numbers from 0 to 1, at the image's size.</param>
    public static RgbImage Over(RgbImage image, ReadOnlySpan<float> heat)
    {
        byte[] pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < heat.Length; i++)
        {
            ReadOnlySpan<byte> pixel = image.Pixels.AsSpan(3 * i, 3);
            float gray = (0.299f * pixel[0]) + (0.587f * pixel[1]) + (0.114f * pixel[2]);
            float opaque = MostOpaque * MathF.Min(1, 1.5f * heat[i]);

            // The dark ends of the scale would read as shadow: blue is left out for the coldest, dark red for the hottest.
            float at = (0.3f + (0.6f * heat[i])) * 8;
            int stop = Math.Min((int)at, 7);
            for (int c = 0; c < 3; c++)
            {
                float color = float.Lerp(Turbo[(3 * stop) + c], Turbo[(3 * stop) + 3 + c], at - stop);
                pixels[(3 * i) + c] = (byte)MathF.Round(float.Lerp(gray, color, opaque));
            }
        }

        return new RgbImage(image.Width, image.Height, pixels);
    }
}
