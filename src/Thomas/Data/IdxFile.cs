using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.IO.Compression;

namespace Thomas.Data;

/// <summary>
/// A file of bytes in the IDX format of the MNIST database: two zero bytes, the element type (8 for bytes), the number of axes, the size of each axis as a
/// big-endian 32-bit number, the elements in row-major order. It may be compressed by gzip.
/// </summary>
/// <param name="Dims">Sizes of the axes, each at least 1.</param>
/// <param name="Data">The elements.</param>
internal sealed record IdxFile(int[] Dims, ReadOnlyMemory<byte> Data)
{
    private const int ByteType = 8;
    private const int MaximumBytes = 1 << 30;

    // No deflate stream is longer than this many times its compressed form.
    private const int LargestGzipRatio = 1032;

    /// <summary>Whether a file begins like an IDX file or like one compressed by gzip; false if it cannot be read.</summary>
    public static bool IsLike(string path)
    {
        try
        {
            byte[] start = InputFile.ReadStart(path, 2);
            if (start is not [0x1F, 0x8B]) return start is [0, 0];
            using GZipStream plain = new(InputFile.Open(path), CompressionMode.Decompress);
            return plain.ReadByte() == 0 && plain.ReadByte() == 0;
        }
        catch (InvalidDataException)
        {
            // A damaged file of this kind: reading it says so.
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="axes">The number of axes that it must have.</param>
    /// <exception cref="DataException">It cannot be read, is of another format, cut off, too long, or has another number of axes.</exception>
    public static IdxFile Read(string path, int axes)
    {
        try
        {
            using FileStream file = InputFile.Open(path);
            bool isGzip = IsGzip(file.ReadByte(), file.ReadByte());
            file.Position = 0;
            if (!isGzip) return Read(file, path, axes, file.Length);
            using GZipStream plain = new(file, CompressionMode.Decompress);
            return Read(plain, path, axes, file.Length * LargestGzipRatio);
        }
        catch (EndOfStreamException error)
        {
            throw new DataException($"'{path}' ends before the end of its data; it was cut off. Download or copy it again.", error);
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"'{path}' is a damaged gzip file ({error.Message}). Download or copy it again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    private static IdxFile Read(Stream stream, string path, int axes, long mostBytes)
    {
        Span<byte> magic = stackalloc byte[4];
        stream.ReadExactly(magic);
        if (magic[0] != 0 || magic[1] != 0)
        {
            throw new DataException($"'{path}' is not an IDX file: it begins with {Convert.ToHexString(magic)}, not with 0000.");
        }

        if (magic[2] != ByteType || magic[3] != axes)
        {
            throw new DataException(
                $"'{path}' has elements of type 0x{magic[2]:X2} on {magic[3]} axes; expected bytes (0x08) on {axes}: images have the axes count, height "
                + $"and width, labels have one.");
        }

        int[] dims = new int[axes];
        long count = 1;
        Span<byte> size = stackalloc byte[4];
        for (int i = 0; i < axes; i++)
        {
            stream.ReadExactly(size);
            uint dim = BinaryPrimitives.ReadUInt32BigEndian(size);
            count *= dim;
            if (dim == 0 || dim > MaximumBytes || count > MaximumBytes)
            {
                throw new DataException(string.Create(
                    CultureInfo.InvariantCulture, $"'{path}': axis {i} has size {dim}; a file holds at least one and at most {MaximumBytes} bytes of data."));
            }

            dims[i] = (int)dim;
        }

        // Before memory is taken: a short file may claim to be long.
        if (count > mostBytes) throw new EndOfStreamException();
        byte[] data = GC.AllocateUninitializedArray<byte>((int)count);
        stream.ReadExactly(data);
        if (stream.ReadByte() >= 0)
        {
            throw new DataException($"'{path}' continues after the {count} bytes that its header announces; it is damaged or is not an IDX file.");
        }

        return new IdxFile(dims, data);
    }

    private static bool IsGzip(int first, int second) => (first, second) is (0x1F, 0x8B);
}
