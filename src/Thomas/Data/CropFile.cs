using System;
using System.Buffers;
using System.Buffers.Binary;
using System.IO;
using System.IO.Hashing;
using System.Text;
using System.Threading;

using Microsoft.Win32.SafeHandles;


namespace Thomas.Data;

/// <summary>
/// The file in which a prepared set is cached, little-endian: a header of 64 bytes, the crops slot after slot, a trailer. The header holds the magic number,
/// version, crop size, key, number of slots and the trailer's length, and XXH3 hashes of the trailer and of itself. The trailer holds an XXH3 hash of each crop
/// and, for each image that could not be used, its index and the reason. So any change of any byte is found. The file gets its name only when it is complete
/// and on disk, hence a reader never sees half of one and two processes that prepare the same set each write the same bytes.
/// </summary>
internal static class CropFile
{
    private const int HeaderBytes = 64;
    private const uint Version = 1;
    private const int LongestReasonBytes = 1 << 14;

    private static ReadOnlySpan<byte> Magic => "THOMPREP"u8;

    /// <summary>Name of the file of a set inside a cache folder.</summary>
    public static string PathOf(string directory, UInt128 key) => Path.Combine(directory, $"{key:x32}.prepared");

    /// <summary>Opens a file and checks all of it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">Key of the set.</param>
    /// <param name="failures">Receives, for each image, why it cannot be used.</param>
    /// <param name="viewsPerImage">Slots of each image.</param>
    /// <param name="cropBytes">Bytes of a crop.</param>
    /// <param name="threads">Threads for the check.</param>
    /// <param name="problem">Why the file that is there cannot be used; null if there is none.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <returns>The crops, or null if the file is absent or of no use.</returns>
    public static CropStore? TryOpen(
        string path, UInt128 key, string?[] failures, int viewsPerImage, int cropBytes, int threads, out string? problem, CancellationToken cancellation)
    {
        problem = null;
        FileStream? file = null;
        try
        {
            file = OpenShared(path);
            int slots = failures.Length * viewsPerImage;
            ulong[]? hashes = ReadTables(file.SafeFileHandle, key, slots, cropBytes, failures);
            if (hashes is null)
            {
                problem = "it is damaged or was not written by this version";
                return null;
            }

            FileCrops crops = new(file, HeaderBytes, cropBytes, hashes);
            int damaged = 0;
            Workers.Run(
                slots,
                threads,
                slot =>
                {
                    if (failures[slot / viewsPerImage] is not null) return;
                    byte[] buffer = ArrayPool<byte>.Shared.Rent(cropBytes);
                    if (!crops.TryRead(slot, buffer, out _)) Interlocked.Increment(ref damaged);
                    ArrayPool<byte>.Shared.Return(buffer);
                },
                cancellation);
            if (damaged == 0)
            {
                file = null;
                return crops;
            }

            problem = $"{damaged} of its {slots} images are damaged";
            return null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = error.Message;
            return null;
        }
        finally
        {
            file?.Dispose();
        }
    }

    // Others may give the name to a new file of the same content while this one is open.
    private static FileStream OpenShared(string path) => InputFile.Open(path);

    private static ulong[]? ReadTables(SafeFileHandle file, UInt128 key, int slots, int cropBytes, string?[] failures)
    {
        byte[] header = new byte[HeaderBytes];
        if (!ReadAll(file, header, 0)) return null;
        long trailerLength = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(40));
        long trailerStart = HeaderBytes + ((long)slots * cropBytes);
        byte[] expected = BuildHeader(key, slots, cropBytes, trailerLength, BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(48)));
        if (!header.AsSpan().SequenceEqual(expected) || trailerLength != RandomAccess.GetLength(file) - trailerStart || trailerLength < 0
            || trailerLength > LongestTrailer(slots, failures.Length))
        {
            return null;
        }

        byte[] trailer = new byte[trailerLength];
        if (!ReadAll(file, trailer, trailerStart)) return null;
        return XxHash3.HashToUInt64(trailer) == BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(48)) ? ParseTrailer(trailer, slots, failures) : null;
    }

    private static bool ReadAll(SafeFileHandle file, Span<byte> bytes, long at)
    {
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(file, bytes, at);
            if (count == 0) return false;
            bytes = bytes[count..];
            at += count;
        }

        return true;
    }

    /// <summary>A file with more than the hashes and a reason for each image is none of ours; so nothing large is allocated for it.</summary>
    private static long LongestTrailer(int slots, int images) =>
        Math.Min(int.MaxValue, ((long)slots * sizeof(ulong)) + ((long)images * (LongestReasonBytes + 16)));

    private static byte[] BuildHeader(UInt128 key, int slots, int cropBytes, long trailerLength, ulong trailerHash)
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), cropBytes);
        BinaryPrimitives.WriteUInt128LittleEndian(header.AsSpan(16), key);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(32), slots);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(40), trailerLength);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(48), trailerHash);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(56), XxHash3.HashToUInt64(header.AsSpan(0, 56)));
        return header;
    }

    private static byte[] BuildTrailer(ulong[] hashes, string?[] failures)
    {
        using MemoryStream trailer = new();
        using BinaryWriter writer = new(trailer, Encoding.UTF8);
        foreach (ulong hash in hashes)
        {
            writer.Write(hash);
        }

        for (int i = 0; i < failures.Length; i++)
        {
            if (failures[i] is string reason)
            {
                writer.Write(i);
                writer.Write(reason.Length <= LongestReasonBytes / 4 ? reason : reason[..(LongestReasonBytes / 4)]);
            }
        }

        writer.Flush();
        return trailer.ToArray();
    }

    private static ulong[]? ParseTrailer(byte[] trailer, int slots, string?[] failures)
    {
        if (trailer.Length < (long)slots * sizeof(ulong))
        {
            return null;
        }

        using BinaryReader reader = new(new MemoryStream(trailer), Encoding.UTF8);
        ulong[] hashes = new ulong[slots];
        for (int i = 0; i < slots; i++)
        {
            hashes[i] = reader.ReadUInt64();
        }

        try
        {
            while (reader.BaseStream.Position < trailer.Length)
            {
                int index = reader.ReadInt32();
                string reason = reader.ReadString();
                if ((uint)index >= (uint)failures.Length)
                {
                    return null;
                }

                failures[index] = reason;
            }
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            // A checksum that holds says who wrote the bytes, not that they make sense: the length of a text may be no number, or lead beyond the end.
            return null;
        }

        return hashes;
    }

    /// <summary>Writes a file beside its final name and gives it that name when it is complete; disposing earlier removes it.</summary>
    public sealed class Writer : ICropWriter
    {
        private readonly string _path;
        private readonly string _temporary;
        private readonly UInt128 _key;
        private readonly int _cropBytes;
        private readonly FileStream _file;
        private readonly ulong[] _hashes;

        /// <summary>Creates the file and reserves its space, so that a full disk shows now and not after an hour of decoding.</summary>
        /// <exception cref="IOException">The file cannot be created or there is no space for it.</exception>
        /// <exception cref="UnauthorizedAccessException">The folder does not allow it.</exception>
        public Writer(string path, UInt128 key, int slots, int cropBytes)
        {
            _path = path;
            _key = key;
            _cropBytes = cropBytes;
            _temporary = TemporaryFile.NameFor(path);
            _file = TemporaryFile.Create(_temporary, HeaderBytes + ((long)slots * cropBytes));
            TemporaryFile.DeleteAbandoned(Path.GetDirectoryName(_temporary)!, "*.prepared", _file);
            _hashes = new ulong[slots];
        }

        public void Write(int slot, ReadOnlySpan<byte> crop)
        {
            _hashes[slot] = XxHash3.HashToUInt64(crop);
            RandomAccess.Write(_file.SafeFileHandle, crop, HeaderBytes + ((long)slot * _cropBytes));
        }

        public CropStore Complete(string?[] failures)
        {
            byte[] trailer = BuildTrailer(_hashes, failures);
            RandomAccess.Write(_file.SafeFileHandle, trailer, HeaderBytes + ((long)_hashes.Length * _cropBytes));
            RandomAccess.Write(_file.SafeFileHandle, BuildHeader(_key, _hashes.Length, _cropBytes, trailer.Length, XxHash3.HashToUInt64(trailer)), 0);
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
            File.Move(_temporary, AtomicFile.Target(_path), overwrite: true);
            _file.Dispose();
            return new FileCrops(OpenShared(_path), HeaderBytes, _cropBytes, _hashes);
        }

        public void Dispose()
        {
            _file.Dispose();
            File.Delete(_temporary);
        }
    }
}
