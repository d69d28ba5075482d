using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;

namespace Thomas.Training;

/// <summary>
/// The file that holds the images of a session: a header, then a record for each change, which is on the disk before the change counts. Nobody else may write
/// to it meanwhile.
/// </summary>
/// <remarks>
/// Header: magic (8 bytes), major and minor version (int16 each), features (int32). Record: magic and length of the contents (int32 each), XXH3 (64 bits) of
/// those two and the contents, the contents. All little-endian. A record that a crash or a power failure has cut off is the last one and no longer than a
/// record can be; anything else that does not fit its checksum is damage, and the file is left as it is.
/// </remarks>
internal sealed class SessionLog : IDisposable
{
    /// <summary>Version of the format: readers of the same major version can read it.</summary>
    public const short Major = 1, Minor = 0;

    /// <summary>Bytes before the first record.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of a record before its contents.</summary>
    public const int FrameBytes = 16;

    private const ulong Magic = 0x474F_4C53_4553_4854; // "THSESLOG"
    private const uint RecordMagic = 0x4345_5254; // "TREC"

    private readonly FileStream _file;
    private readonly Func<Stream, Stream>? _wrap;

    private SessionLog(FileStream file, Func<Stream, Stream>? wrap)
    {
        _file = file;
        _wrap = wrap;
    }

    /// <summary>Bytes that are good.</summary>
    public long Length { get; private set; }

    /// <summary>Writes a log in place of a former one.</summary>
    /// <exception cref="OutputException">It cannot be written; the former one is still there.</exception>
    public static void Create(string path, int features, IEnumerable<byte[]> records) => AtomicFile.Write(path, stream =>
    {
        byte[] header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(8), Major);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(10), Minor);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), features);
        stream.Write(header);
        foreach (byte[] record in records) stream.Write(Frame(record));
    });

    /// <summary>Opens a log and reads all of it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="features">Features of an image.</param>
    /// <param name="apply">Gets the contents of each record; throws <see cref="InvalidDataException"/> if they make no sense.</param>
    /// <param name="wrap">Stands between this and the file, for tests; null for none.</param>
    /// <param name="notice">What was cut off; null if nothing was.</param>
    /// <exception cref="DataException">It cannot be read or is damaged; the message names the place. It is left as it is.</exception>
    public static SessionLog Open(string path, int features, Action<byte[]> apply, Func<Stream, Stream>? wrap, out string? notice)
    {
        SessionLog? log = null;
        try
        {
            InputFile.LengthOf(path);
            log = new SessionLog(OpenFile(path), wrap);
            log.ReadHeader(features);
            log.ReadRecords(features, apply);
            notice = log.CutTail(features);
            SessionLog result = log;
            log = null;
            return result;
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            throw new DataException($"Cannot open the session's images '{path}': {e.Message}", e);
        }
        finally
        {
            log?.Dispose();
        }
    }

    /// <summary>Reads a log that another may be writing to, up to the first record that is not whole.</summary>
    /// <exception cref="DataException">It cannot be read or is damaged.</exception>
    public static void Scan(string path, int features, Action<byte[]> apply)
    {
        try
        {
            InputFile.LengthOf(path);
            using SessionLog log = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0), null);
            log.ReadHeader(features);
            log.ReadRecords(features, apply);
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            throw new DataException($"Cannot read the session's images '{path}': {e.Message}", e);
        }
    }

    /// <summary>Opens a log that has just been written.</summary>
    public static SessionLog Reopen(string path, Func<Stream, Stream>? wrap)
    {
        FileStream file = OpenFile(path);
        return new SessionLog(file, wrap) { Length = file.Length };
    }

    /// <summary>Adds a record and waits until it is on the disk.</summary>
    /// <exception cref="OutputException">It cannot be written; the log is what it was.</exception>
    public void Append(byte[] contents)
    {
        try
        {
            // What an earlier attempt left, if even that could not be taken back at once.
            if (_file.Length != Length) _file.SetLength(Length);
            _file.Position = Length;
            byte[] framed = Frame(contents);
            if (_wrap is null) _file.Write(framed);
            else _wrap(_file).Write(framed);
            _file.Flush(flushToDisk: true);
            Length += framed.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            TryTakeBack();
            string what = $"Cannot write to the session's images '{_file.Name}': {e.Message}.";
            throw new OutputException($"{what} Nothing was changed, and the session can still be used; free some disk space, then try again.", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static FileStream OpenFile(string path) => new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);

    private static byte[] Frame(byte[] contents)
    {
        byte[] framed = new byte[FrameBytes + contents.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(framed, RecordMagic);
        BinaryPrimitives.WriteInt32LittleEndian(framed.AsSpan(4), contents.Length);
        contents.CopyTo(framed, FrameBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(framed.AsSpan(8), ChecksumOf(framed));
        return framed;
    }

    private static ulong ChecksumOf(ReadOnlySpan<byte> framed)
    {
        XxHash3 hash = new();
        hash.Append(framed[..8]);
        hash.Append(framed[FrameBytes..]);
        return hash.GetCurrentHashAsUInt64();
    }

    private void TryTakeBack()
    {
        try
        {
            _file.SetLength(Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // The next change tries again; the next start cuts it off.
        }
    }

    private void ReadHeader(int features)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (_file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(header) != Magic)
        {
            throw Damaged(0, "it does not begin with the signature of such a file");
        }

        short major = BinaryPrimitives.ReadInt16LittleEndian(header[8..]), minor = BinaryPrimitives.ReadInt16LittleEndian(header[10..]);
        if (major != Major) throw SessionManifest.OtherVersion(_file.Name, FormattableString.Invariant($"{major}.{minor}"), Major);
        int found = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        if (found != features) throw Damaged(12, $"it holds {found} features per image, the model has {features}");
        Length = HeaderBytes;
    }

    /// <summary>Reads good records up to the end or the first other one.</summary>
    private void ReadRecords(int features, Action<byte[]> apply)
    {
        while (TryRead(Length, features) is byte[] contents)
        {
            try
            {
                apply(contents);
            }
            catch (InvalidDataException e)
            {
                throw Damaged(Length, $"a record is invalid ({e.Message})", e);
            }

            Length += FrameBytes + contents.Length;
        }
    }

    /// <summary>The contents of a record; null if there is no good one at that place.</summary>
    private byte[]? TryRead(long offset, int features)
    {
        if (_file.Length - offset < FrameBytes) return null;
        Span<byte> frame = stackalloc byte[FrameBytes];
        _file.Position = offset;
        _file.ReadExactly(frame);
        if (BinaryPrimitives.ReadUInt32LittleEndian(frame) != RecordMagic) return null;
        int length = BinaryPrimitives.ReadInt32LittleEndian(frame[4..]);
        if (length < 1 || length > SessionRecord.LongestOf(features) || length > _file.Length - offset - FrameBytes) return null;
        byte[] contents = new byte[length];
        _file.ReadExactly(contents);
        XxHash3 hash = new();
        hash.Append(frame[..8]);
        hash.Append(contents);
        return hash.GetCurrentHashAsUInt64() == BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]) ? contents : null;
    }

    /// <summary>Cuts off a record that was not written to its end, and says so.</summary>
    private string? CutTail(int features)
    {
        long left = _file.Length - Length;
        if (left == 0) return null;
        int longest = FrameBytes + SessionRecord.LongestOf(features);
        if (left > longest || HasGoodRecordAfter(Length, features)) throw Damaged(Length, "a record does not fit its checksum");
        _file.SetLength(Length);
        _file.Flush(flushToDisk: true);
        return $"'{_file.Name}': the last record (offset {Length}, {left} bytes) is incomplete, as after a crash or a power failure. It was removed; "
            + "only the change being written at that moment is lost.";
    }

    /// <summary>Whether a good record follows a bad one, which then is not the one that was under way.</summary>
    private bool HasGoodRecordAfter(long offset, int features)
    {
        byte[] rest = new byte[(int)(_file.Length - offset)];
        _file.Position = offset;
        _file.ReadExactly(rest);
        for (int i = 1; i + FrameBytes < rest.Length; i++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(rest.AsSpan(i)) == RecordMagic && TryRead(offset + i, features) is not null) return true;
        }

        return false;
    }

    private DataException Damaged(long offset, string how, Exception? cause = null) =>
        new($"The session's images '{_file.Name}' are damaged at offset {offset}: {how}. Nothing was changed; restore a copy of the session's folder, or "
        + $"start a new session.", cause);
}
