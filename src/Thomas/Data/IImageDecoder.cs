using System;
using System.IO;

namespace Thomas.Data;

/// <summary>Turns encoded pictures into pixels. Implementations are safe for several threads at once.</summary>
public interface IImageDecoder
{
    /// <summary>Name and version of the decoder. Prepared sets are cached under it, since decoders may differ by a grey level.</summary>
    string Identity { get; }

    /// <summary>Decodes a picture: upright, first frame, transparent parts over white, color values as stored (no color management).</summary>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="minimumShortSide">
    /// If positive, the decoder may return a reduced picture whose shorter side is at least this long, which is much faster for large photos.
    /// A picture that is smaller to begin with is returned as it is. 0 asks for full size.
    /// </param>
    /// <returns>The picture.</returns>
    /// <exception cref="ImageFormatException">The picture is broken, cut off, too large, or of an unknown format; the message says which.</exception>
    RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0);
}

/// <summary>Conveniences for every <see cref="IImageDecoder"/>.</summary>
public static class ImageDecoderExtensions
{
    /// <summary>Largest encoded picture that is read from a file or a stream: 512 MiB.</summary>
    public const int MaximumEncodedBytes = 512 << 20;

    /// <summary>Reads a stream to its end and decodes the picture in it.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="stream">The stream, at the start of the encoded picture. It is left open.</param>
    /// <param name="minimumShortSide">See <see cref="IImageDecoder.Decode"/>.</param>
    /// <returns>The picture.</returns>
    /// <exception cref="ImageFormatException">The picture is broken or longer than <see cref="MaximumEncodedBytes"/>.</exception>
    public static RgbImage Decode(this IImageDecoder decoder, Stream stream, int minimumShortSide = 0)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        return decoder.Decode(ReadToEnd(stream), minimumShortSide);
    }

    internal static byte[] ReadToEnd(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using MemoryStream bytes = new();
        byte[] buffer = new byte[64 << 10];
        int read;
        while ((read = stream.Read(buffer, 0, buffer.Length)) > 0)
        {
            if (bytes.Length + read > MaximumEncodedBytes)
            {
                throw new ImageFormatException($"The picture is longer than {MaximumEncodedBytes >> 20} MiB.");
            }

            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();
    }
}
