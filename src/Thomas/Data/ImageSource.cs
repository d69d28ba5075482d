using System;
using System.IO;
using System.IO.Hashing;
using System.Runtime.CompilerServices;

namespace Thomas.Data;

/// <summary>Where the pixels of a sample come from: a file, encoded bytes in memory, or raw RGB in memory.</summary>
public abstract class ImageSource
{
    // In a box, since other threads may read it.
    private StrongBox<UInt128>? _lastHash;

    private protected ImageSource(string name) => Name = name;

    /// <summary>What to call the image in messages: its path, or a number for images in memory.</summary>
    public string Name { get; }

    /// <summary>An image in a file. The file is read when it is needed, not now.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The image.</returns>
    public static ImageSource FromFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new FileImage(path);
    }

    /// <summary>An image in memory, still encoded (JPEG, PNG ...). The bytes must not change afterwards.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <returns>The image.</returns>
    public static ImageSource FromEncoded(string name, ReadOnlyMemory<byte> encoded)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new EncodedImage(name, encoded);
    }

    /// <summary>A decoded image. Its pixels must not change afterwards.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="image">The pixels.</param>
    /// <returns>The image.</returns>
    public static ImageSource FromPixels(string name, RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(image);
        return new PixelImage(name, image);
    }

    /// <summary>Reads what the image is made of, without decoding it.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    internal abstract ImageContent Read();

    /// <summary>The same, for images that are read one after the other: a file lies in memory of the shared pool.</summary>
    /// <param name="rented">What to give back to the pool when the bytes are no longer used, whether this returns or throws; null for nothing.</param>
    /// <exception cref="DataException">It cannot be read.</exception>
    internal virtual ImageContent Read(ref byte[]? rented) => Read();

    /// <summary>XXH3 (128 bits) of what it is made of, see <see cref="ImageContent.Hash"/>.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    internal UInt128 Hash()
    {
        UInt128 hash = ComputeHash();
        _lastHash = new StrongBox<UInt128>(hash);
        return hash;
    }

    /// <summary>What <see cref="Hash"/> returned last; null if nobody has asked yet.</summary>
    internal UInt128? LastHash => _lastHash?.Value;

    /// <summary>Number of bytes that it is made of.</summary>
    /// <exception cref="DataException">That cannot be found out.</exception>
    internal abstract long Length();

    private protected virtual UInt128 ComputeHash() => Read().Hash();

    /// <summary>Bytes of memory that the image itself holds, beside the objects that name it.</summary>
    internal virtual long HeldBytes => 0;

    private sealed class FileImage(string path) : ImageSource(path)
    {
        internal override ImageContent Read(ref byte[]? rented)
        {
            byte[]? buffer = null;
            try
            {
                return Reading(path => new ImageContent(InputFile.ReadRented(path, ImageDecoderExtensions.MaximumEncodedBytes, ref buffer), null));
            }
            finally
            {
                rented = buffer;
            }
        }

        internal override ImageContent Read() => Reading(path => new ImageContent(InputFile.ReadAll(path, ImageDecoderExtensions.MaximumEncodedBytes), null));

        // Piece by piece: the files of a large set, read whole one after the other, are garbage that adds up.
        private protected override UInt128 ComputeHash() => Reading(path => InputFile.Hash(path, ImageDecoderExtensions.MaximumEncodedBytes));

        internal override long Length() => Reading(InputFile.LengthOf);

        private T Reading<T>(Func<string, T> read)
        {
            try
            {
                return read(Name);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new DataException($"The file cannot be read: {error.Message}", error);
            }
        }
    }

    private sealed class EncodedImage(string name, ReadOnlyMemory<byte> encoded) : ImageSource(name)
    {
        internal override long HeldBytes => encoded.Length;

        internal override long Length() => encoded.Length;

        internal override ImageContent Read() => new(encoded, null);
    }

    private sealed class PixelImage(string name, RgbImage image) : ImageSource(name)
    {
        internal override long HeldBytes => image.Pixels.Length;

        internal override long Length() => image.Pixels.Length;

        internal override ImageContent Read() => new(image.Pixels, image);
    }
}

/// <summary>The bytes of an image as they are stored, and its pixels if those are what is stored.</summary>
internal readonly record struct ImageContent(ReadOnlyMemory<byte> Bytes, RgbImage? Pixels)
{
    /// <summary>XXH3 (128 bits) of the bytes, seeded apart for encoded and raw images of each width.</summary>
    public UInt128 Hash() => XxHash128.HashToUInt128(Bytes.Span, Pixels?.Width ?? 0);

    /// <summary>The pixels. Whatever goes wrong in a decoder that others have written, the message names the image.</summary>
    public RgbImage Decode(IImageDecoder decoder, int minimumShortSide, string name)
    {
        try
        {
            return Pixels ?? decoder.DecodeChecked(Bytes, minimumShortSide, $"'{name}'");
        }
        catch (Exception error) when (error is not (ThomasException or OperationCanceledException or OutOfMemoryException))
        {
            throw new DataException(
                $"'{name}' could not be decoded: the decoder '{decoder.Identity}' failed with {error.GetType().Name}: {error.Message}", error);
        }
    }
}
