using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace Thomas.Training;

/// <summary>
/// Feature matrices kept in files, so that the frozen part of a network runs once over a data set, not once a run. A file is one matrix, found by a
/// key that names everything the features depend on: the model's contents, the preprocessing, the images, the augmented views.
/// </summary>
/// <remarks>
/// Files are checked in full while they are read into memory, where nobody else can change them; a damaged one counts as absent and is replaced. They are
/// written whole or not at all, so several processes may share a folder. Layout, little-endian: magic, key length, samples, features and views
/// (int32 each after the 8-byte magic), 128-bit XXH3 of everything else, zeros up to byte 64; the key in UTF-8, an int32 label per sample, zeros up
/// to a multiple of 64; the rows.
/// </remarks>
internal sealed unsafe class FeatureCache
{
    private const ulong Magic = 0x3130_5441_4546_4854; // "THFEAT01"
    private const int HeaderBytes = 64;
    private const int ChecksumOffset = 24;
    private const int MaxKeyBytes = 1 << 16;

    private readonly string _folder;

    /// <summary>Uses a folder, which is created when the first file is saved.</summary>
    /// <param name="folder">Path of the folder.</param>
    public FeatureCache(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _folder = folder;
    }

    /// <summary>The file that belongs to a key, existing or not.</summary>
    /// <param name="key">The key.</param>
    /// <returns>Its path; the name is a hash of the key.</returns>
    public string PathOf(string key)
    {
        UInt128 hash = XxHash128.HashToUInt128(KeyBytes(key));
        return Path.Combine(_folder, hash.ToString("x32", CultureInfo.InvariantCulture) + ".features");
    }

    /// <summary>Opens the matrix of a key.</summary>
    /// <param name="key">The key under which it was saved.</param>
    /// <param name="problem">Why an existing file was not used; null if there is none or it is good.</param>
    /// <returns>A read-only matrix that the caller disposes, or null.</returns>
    public FeatureMatrix? TryLoad(string key, out string? problem)
    {
        problem = null;
        byte[] keyBytes = KeyBytes(key);
        string path = PathOf(key);
        try
        {
            if (!File.Exists(path)) return null;
            using FileStream stream = InputFile.Open(path);
            return Open(stream, keyBytes, out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or OutOfMemoryException)
        {
            problem = e.Message;
            return null;
        }
    }

    /// <summary>Saves a matrix under a key, replacing what was there.</summary>
    /// <param name="key">Everything that the features depend on, at most 64 KiB of UTF-8.</param>
    /// <param name="matrix">The features.</param>
    /// <exception cref="ThomasException">The file cannot be written; nothing is left behind.</exception>
    public void Save(string key, FeatureMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        byte[] head = BuildHead(KeyBytes(key), matrix);
        XxHash128 hash = new();
        hash.Append(head);
        AppendRows(hash, matrix.Pointer, matrix.LengthBytes);
        BinaryPrimitives.WriteUInt128LittleEndian(head.AsSpan(ChecksumOffset), hash.GetCurrentHashAsUInt128());
        string path = PathOf(key);
        try
        {
            Directory.CreateDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ThomasException($"Cannot create the folder '{_folder}': {e.Message}", e);
        }

        AtomicFile.Write(path, stream =>
        {
            TemporaryFile.DeleteAbandoned(Path.GetFullPath(_folder), "*.features", (FileStream)stream);
            stream.Write(head);
            for (long at = 0; at < matrix.LengthBytes; at += 1 << 20)
                stream.Write(new ReadOnlySpan<byte>((byte*)matrix.Pointer + at, (int)Math.Min(1 << 20, matrix.LengthBytes - at)));
        });
        GC.KeepAlive(matrix);
    }

    /// <summary>Opens the matrix of a key or, where it is absent or damaged, computes and saves it.</summary>
    /// <param name="key">Everything that the features depend on, at most 64 KiB of UTF-8.</param>
    /// <param name="compute">Computes the matrix.</param>
    /// <param name="warn">
    /// Told when a file was damaged and when the new one could not be written; neither stops the work, which only takes longer.
    /// </param>
    /// <returns>The matrix, which the caller disposes.</returns>
    public FeatureMatrix GetOrCompute(string key, Func<FeatureMatrix> compute, Action<string>? warn = null) =>
        GetOrCompute(key, compute, static _ => null, warn);

    /// <summary>As the other, but a file must also hold what it should.</summary>
    /// <param name="key">Everything that the features depend on.</param>
    /// <param name="compute">Computes the matrix.</param>
    /// <param name="check">Says what is wrong with a matrix from a file; null where nothing is.</param>
    /// <param name="warn">Told what does not stop the work.</param>
    internal FeatureMatrix GetOrCompute(string key, Func<FeatureMatrix> compute, Func<FeatureMatrix, string?> check, Action<string>? warn)
    {
        ArgumentNullException.ThrowIfNull(compute);
        FeatureMatrix? cached = TryLoad(key, out string? problem);
        if (cached is not null && (problem = check(cached)) is null) return cached;
        cached?.Dispose();
        if (problem is not null) warn?.Invoke($"The feature cache '{PathOf(key)}' cannot be used and is rebuilt: {problem}");
        FeatureMatrix computed = compute();
        try
        {
            Save(key, computed);
        }
        catch (ThomasException e)
        {
            warn?.Invoke($"The features could not be cached for the next run: {e.Message}");
        }

        return computed;
    }

    private static byte[] KeyBytes(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        return bytes.Length <= MaxKeyBytes ? bytes : throw new ArgumentException($"The key has {bytes.Length} bytes; at most {MaxKeyBytes} fit.", nameof(key));
    }

    /// <summary>All that stands before the rows, the checksum still zero.</summary>
    private static byte[] BuildHead(byte[] key, FeatureMatrix matrix)
    {
        byte[] head = new byte[RowsOffset(key.Length, matrix.Samples)];
        Span<byte> span = head;
        BinaryPrimitives.WriteUInt64LittleEndian(span, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], matrix.Samples);
        BinaryPrimitives.WriteInt32LittleEndian(span[16..], matrix.Features);
        BinaryPrimitives.WriteInt32LittleEndian(span[20..], matrix.Views);
        key.CopyTo(span[HeaderBytes..]);
        MemoryMarshal.AsBytes(matrix.Labels).CopyTo(span[(HeaderBytes + key.Length)..]);
        return head;
    }

    private static long RowsOffset(long keyBytes, long samples) => (HeaderBytes + keyBytes + (samples * sizeof(int)) + 63) / 64 * 64;

    private static FeatureMatrix? Open(FileStream stream, byte[] key, out string? problem)
    {
        problem = "it is not a feature cache, or is one of another version";
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes) return null;
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != Magic) return null;
        int keyLength = BinaryPrimitives.ReadInt32LittleEndian(header[8..]), samples = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        int features = BinaryPrimitives.ReadInt32LittleEndian(header[16..]), views = BinaryPrimitives.ReadInt32LittleEndian(header[20..]);

        problem = "its size does not fit its header";
        if (keyLength is < 1 or > MaxKeyBytes || samples < 1 || features < 1 || views < 1) return null;
        long rowsOffset = RowsOffset(keyLength, samples);
        Int128 expected = rowsOffset + ((Int128)samples * views * features * sizeof(float));
        if (stream.Length != expected) return null;

        // Nothing of the size of the rows is allocated before it is known whose they are.
        byte[] head = new byte[rowsOffset];
        stream.Position = 0;
        stream.ReadExactly(head);
        problem = "it belongs to another key";
        if (!head.AsSpan(HeaderBytes, keyLength).SequenceEqual(key)) return null;
        ReadOnlySpan<int> labels = MemoryMarshal.Cast<byte, int>(head.AsSpan(HeaderBytes + keyLength, samples * sizeof(int)));
        problem = "a label in it is negative";
        if (labels.ContainsAnyExceptInRange(0, int.MaxValue)) return null;
        FeatureMatrix? matrix = FeatureMatrix.ForReading(labels, features, views);
        try
        {
            problem = "its checksum is wrong";
            if (!ReadRows(stream, head, matrix)) return null;
            problem = null;
            FeatureMatrix result = matrix;
            matrix = null;
            return result;
        }
        finally
        {
            matrix?.Dispose();
        }
    }

    /// <summary>Reads the rows; whether the checksum of the whole file holds.</summary>
    private static bool ReadRows(FileStream stream, byte[] head, FeatureMatrix matrix)
    {
        UInt128 stored = BinaryPrimitives.ReadUInt128LittleEndian(head.AsSpan(ChecksumOffset));
        head.AsSpan(ChecksumOffset, 16).Clear();
        XxHash128 hash = new();
        hash.Append(head);
        for (long at = 0; at < matrix.LengthBytes; at += 1 << 20)
        {
            Span<byte> part = new((byte*)matrix.Pointer + at, (int)Math.Min(1 << 20, matrix.LengthBytes - at));
            stream.ReadExactly(part);
            hash.Append(part);
        }

        GC.KeepAlive(matrix);
        return hash.GetCurrentHashAsUInt128() == stored;
    }

    private static void AppendRows(XxHash128 hash, void* bytes, long length)
    {
        for (long at = 0; at < length; at += 1 << 20) hash.Append(new ReadOnlySpan<byte>((byte*)bytes + at, (int)Math.Min(1 << 20, length - at)));
    }
}
