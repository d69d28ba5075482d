using System;

namespace Thomas.Data;

/// <summary>Changes to RGB bytes in place, each rounded to a byte before the next, as Pillow's enhancers do.</summary>
internal static class ColorOperations
{
    /// <summary>0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) in 16-bit fixed point, rounded.</summary>
    public static byte Luma(byte red, byte green, byte blue) => (byte)(((red * 19595) + (green * 38470) + (blue * 7471) + 0x8000) >> 16);

    /// <summary>Mirrors every row.</summary>
    public static void FlipHorizontally(Span<byte> pixels, int width)
    {
        for (int start = 0; start < pixels.Length; start += width * 3)
        {
            Span<byte> row = pixels.Slice(start, width * 3);
            for (int left = 0, right = row.Length - 3; left < right; left += 3, right -= 3)
            {
                (row[left], row[right]) = (row[right], row[left]);
                (row[left + 1], row[right + 1]) = (row[right + 1], row[left + 1]);
                (row[left + 2], row[right + 2]) = (row[right + 2], row[left + 2]);
            }
        }
    }

    /// <summary>x * factor.</summary>
    public static void Brightness(Span<byte> pixels, float factor) => Spread(pixels, 0, factor);

    /// <summary>m + (x - m) * factor, with m the mean luma of the image rounded to a grey level.</summary>
    public static void Contrast(Span<byte> pixels, float factor)
    {
        long sum = 0;
        for (int i = 0; i < pixels.Length; i += 3)
        {
            sum += Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
        }

        int count = pixels.Length / 3;
        Spread(pixels, (int)((sum + (count / 2)) / count), factor);
    }

    /// <summary>l + (x - l) * factor, with l the luma of the pixel.</summary>
    public static void Saturation(Span<byte> pixels, float factor)
    {
        for (int i = 0; i < pixels.Length; i += 3)
        {
            int luma = Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
            for (int channel = 0; channel < 3; channel++)
            {
                pixels[i + channel] = ToByte(luma + ((pixels[i + channel] - luma) * factor));
            }
        }
    }

    private static void Spread(Span<byte> pixels, int center, float factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (int value = 0; value < table.Length; value++)
        {
            table[value] = ToByte(center + ((value - center) * factor));
        }

        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = table[pixels[i]];
        }
    }

    private static byte ToByte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
