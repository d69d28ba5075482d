using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>From the channels of a JPEG to red, green and blue.</summary>
internal sealed class JpegColors
{
    private const int FractionBits = 16, Half = 1 << (FractionBits - 1), Middle = 128;
    private const uint Opaque = 0xFF000000;

    // 1.402, 1.772, 0.714136 and 0.344136 (JFIF, that is ITU-R BT.601) as 16-bit fractions.
    private const int RedOfCr = 91881, BlueOfCb = 116130, GreenOfCr = 46802, GreenOfCb = 22554;

    private readonly int _channels;
    private readonly bool _isLuma;

    private JpegColors(int channels, bool isLuma) => (_channels, _isLuma) = (channels, isLuma);

    /// <summary>The colors of a file. It does not say what its channels are, but their names and what is around them do.</summary>
    public static JpegColors Of(JpegFile file)
    {
        JpegComponent[] components = file.Components;
        bool isLuma = components.Length switch
        {
            1 => false,
            4 => file.AdobeTransform == 2,
            _ when file.IsJfif => true,
            _ when file.AdobeTransform >= 0 => file.AdobeTransform != 0,
            _ => (components[0].Id, components[1].Id, components[2].Id) != ('R', 'G', 'B'),
        };
        return new JpegColors(components.Length, isLuma);
    }

    /// <summary>Converts a row.</summary>
    /// <param name="lines">The channels.</param>
    /// <param name="pixels">Red in the lowest byte, opaque.</param>
    public void Convert(byte[][] lines, Span<uint> pixels)
    {
        if (_channels == 1)
        {
            ReadOnlySpan<byte> gray = lines[0];
            for (int x = 0; x < pixels.Length; x++) pixels[x] = (gray[x] * 0x010101u) | Opaque;
            return;
        }

        ReadOnlySpan<byte> first = lines[0], second = lines[1], third = lines[2];
        if (_isLuma) ConvertLuma(first, second, third, pixels);
        else for (int x = 0; x < pixels.Length; x++) pixels[x] = first[x] | ((uint)second[x] << 8) | ((uint)third[x] << 16) | Opaque;
        if (_channels == 4) Darken(lines[3], pixels);
    }

    private static void ConvertLuma(ReadOnlySpan<byte> y, ReadOnlySpan<byte> cb, ReadOnlySpan<byte> cr, Span<uint> pixels)
    {
        y = y[..pixels.Length];
        cb = cb[..pixels.Length];
        cr = cr[..pixels.Length];
        for (int x = 0; x < pixels.Length; x++)
        {
            int luma = y[x], blue = cb[x] - Middle, red = cr[x] - Middle;
            uint r = (uint)Math.Clamp(luma + (((red * RedOfCr) + Half) >> FractionBits), 0, 255);
            uint g = (uint)Math.Clamp(luma + (((-blue * GreenOfCb) - (red * GreenOfCr) + Half) >> FractionBits), 0, 255);
            uint b = (uint)Math.Clamp(luma + (((blue * BlueOfCb) + Half) >> FractionBits), 0, 255);
            pixels[x] = r | (g << 8) | (b << 16) | Opaque;
        }
    }

    // Inks are stored inverted, as Adobe's programs do: what is there is the light that is left. Of YCCK the conversion gives the inks, not the light.
    private void Darken(ReadOnlySpan<byte> black, Span<uint> pixels)
    {
        for (int x = 0; x < pixels.Length; x++)
        {
            uint pixel = _isLuma ? pixels[x] ^ 0xFFFFFF : pixels[x], light = black[x];
            pixels[x] = Scaled(pixel & 255, light) | (Scaled((pixel >> 8) & 255, light) << 8) | (Scaled((pixel >> 16) & 255, light) << 16) | Opaque;
        }
    }

    private static uint Scaled(uint ink, uint light) => ((ink * light) + 127) / 255;
}
