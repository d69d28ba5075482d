using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Thomas.Data;

/// <summary>Turns encoded images into pixels. Implementations are safe for several threads at once.</summary>
public interface IImageDecoder
{
    /// <summary>Name and version of the decoder. Prepared sets are cached under it, since decoders may differ by a grey level.</summary>
    string Identity { get; }

    /// <summary>
    /// The decoder that lays transparent parts over a color. The library asks for that of the model's <see cref="Preprocessing.Background"/>, which is the
    /// place to choose another one.
    /// </summary>
    /// <param name="background">The color.</param>
    /// <returns>This decoder if it does so already, or a similar one; its <see cref="Identity"/> differs then.</returns>
    /// <exception cref="ThomasException">The decoder knows white only, as all do that do not implement this.</exception>
    IImageDecoder WithBackground(RgbColor background) => background == RgbColor.White
        ? this
        : throw new ThomasException($"The decoder '{Identity}' lays transparent parts of images over white only, but the model wants {background}.");

    /// <summary>
    /// Decodes an image: upright, first frame, transparent parts over white unless <see cref="WithBackground"/> says otherwise, color values as stored (no
    /// color management).
    /// </summary>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="minimumShortSide">
    /// If positive, the decoder may return a reduced image whose shorter side is at least this long, which is much faster for large photos.
    /// An image that is smaller to begin with is returned as it is. 0 asks for full size.
    /// </param>
    /// <returns>The image.</returns>
    /// <exception cref="ImageFormatException">The image is broken, cut off, too large, or of an unknown format; the message says which.</exception>
    RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0);
}

/// <summary>Conveniences for every <see cref="IImageDecoder"/>.</summary>
public static class ImageDecoderExtensions
{
    /// <summary>Largest encoded image that is read from a file or a stream: 512 MiB.</summary>
    public const int MaximumEncodedBytes = 512 << 20;

    private const int ReadBytes = 64 << 10;

    /// <summary>Reads a stream to its end and decodes the image in it.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="stream">The stream, at the start of the encoded image. It is left open.</param>
    /// <param name="minimumShortSide">See <see cref="IImageDecoder.Decode"/>.</param>
    /// <returns>The image.</returns>
    /// <exception cref="ImageFormatException">The image is broken or longer than <see cref="MaximumEncodedBytes"/>.</exception>
    public static RgbImage Decode(this IImageDecoder decoder, Stream stream, int minimumShortSide = 0)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        return decoder.Decode(ReadToEnd(stream), minimumShortSide);
    }

    /// <summary>Decodes with a decoder that others may have written: what it hands back is checked.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="minimumShortSide">See <see cref="IImageDecoder.Decode"/>.</param>
    /// <param name="name">What the message calls the image.</param>
    /// <exception cref="ImageFormatException">There is no image, or the decoder returned none.</exception>
    internal static RgbImage DecodeChecked(this IImageDecoder decoder, ReadOnlyMemory<byte> encoded, int minimumShortSide, string name) =>
        decoder.Decode(encoded, minimumShortSide)
        ?? throw new ImageFormatException($"The decoder '{decoder.Identity}' returned nothing for {name} ({encoded.Length} bytes).");

    internal static byte[] ReadToEnd(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using MemoryStream bytes = new();
        byte[] buffer = new byte[ReadBytes];
        int read;
        while ((read = stream.Read(buffer, 0, buffer.Length)) > 0) Append(bytes, buffer.AsSpan(0, read));
        return bytes.ToArray();
    }

    internal static async Task<byte[]> ReadToEndAsync(Stream stream, CancellationToken cancellation)
    {
        using MemoryStream bytes = new();
        byte[] buffer = new byte[ReadBytes];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0) Append(bytes, buffer.AsSpan(0, read));
        return bytes.ToArray();
    }

    private static void Append(MemoryStream bytes, ReadOnlySpan<byte> piece)
    {
        if (bytes.Length + piece.Length > MaximumEncodedBytes)
        {
            throw new ImageFormatException($"The image is longer than {ByteSize.Format(MaximumEncodedBytes)}.");
        }

        bytes.Write(piece);
    }
}
