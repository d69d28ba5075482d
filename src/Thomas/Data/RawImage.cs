using System;

namespace Thomas.Data;

/// <summary>An image in memory as one plane of bytes for each channel: gray, or red, green, blue. It becomes RGB when it is read.</summary>
/// <param name="name">What to call it in messages.</param>
/// <param name="planes">[planes, height, width] bytes; 1 or 3 planes. They must not change afterwards.</param>
/// <param name="width">Width in pixels.</param>
/// <param name="height">Height in pixels.</param>
internal sealed class RawImage(string name, ReadOnlyMemory<byte> planes, int width, int height) : ImageSource(name)
{
    internal override long HeldBytes => planes.Length;

    internal override long Length() => planes.Length;

    internal override ImageContent Read()
    {
        ReadOnlySpan<byte> source = planes.Span;
        int pixels = width * height;
        byte[] rgb = GC.AllocateUninitializedArray<byte>(pixels * 3);
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<byte> plane = source.Slice(source.Length == pixels ? 0 : channel * pixels, pixels);
            for (int i = 0; i < plane.Length; i++)
            {
                rgb[(i * 3) + channel] = plane[i];
            }
        }

        RgbImage image = new(width, height, rgb);
        return new ImageContent(image.Pixels, image);
    }
}
