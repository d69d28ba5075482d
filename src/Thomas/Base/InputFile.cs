using System;
using System.Buffers;
using System.IO;
using System.IO.Hashing;
using System.Text;
using System.Threading;

namespace Thomas;

/// <summary>
/// The one place that opens files for reading. Only regular files (and links to them) are opened, since opening a named pipe waits for a writer and a device
/// may never end; a file is bounded in size, and one that changes its length while it is read is refused.
/// </summary>
/// <remarks>
/// A pipe, a device, a socket and most files of <c>/proc</c> have no length, whereas a regular file with something in it has one. So nothing without a length
/// is ever opened; <see cref="SpecialFile"/> finds out what it is, without opening it.
/// </remarks>
internal static class InputFile
{
    /// <summary>Most bytes of a model or a weight file: what one array can hold.</summary>
    public const long ModelBytes = 0x7FFFFFC7;

    /// <summary>Most bytes of a list of class names.</summary>
    public const long NamesBytes = 1 << 20;

    /// <summary>Most bytes of a CSV manifest.</summary>
    public const long ManifestBytes = 256 << 20;

    /// <summary>Most bytes of the program's own settings.</summary>
    public const long SettingsBytes = 1 << 20;

    private const int PieceBytes = 4 << 20, HashedBytes = 64 << 10;

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it should be, for the message: "model", "weights".</param>
    /// <param name="maximumBytes">Longer files are refused before anything is read.</param>
    /// <param name="cancellation">Ends the work between two pieces of a few MiB.</param>
    /// <exception cref="ThomasException">The file cannot be read; the message says why, and what to do.</exception>
    public static byte[] Read(string path, string kind, long maximumBytes = ModelBytes, CancellationToken cancellation = default)
    {
        try
        {
            return ReadAll(path, maximumBytes, cancellation);
        }
        catch (Exception e) when (IsReadError(e))
        {
            throw new ThomasException($"Cannot read the {kind} '{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads a stream from where it stands to its end; <paramref name="name"/> stands for the file in messages.</summary>
    /// <exception cref="ThomasException">The stream cannot be read, or is too long.</exception>
    public static ReadOnlyMemory<byte> Read(Stream stream, string name, string kind)
    {
        try
        {
            // A stream that knows its length is read in one piece; a buffer that grows would copy the weights again and again.
            long length = stream.CanSeek ? stream.Length - stream.Position : 0;
            CheckLength(length, ModelBytes);
            MemoryStream copy = new((int)length);
            byte[] piece = new byte[64 << 10];
            int read;
            while ((read = stream.Read(piece)) > 0)
            {
                CheckLength(copy.Length + read, ModelBytes);
                copy.Write(piece, 0, read);
            }

            return copy.GetBuffer().AsMemory(0, (int)copy.Length);
        }
        catch (Exception e) when (IsReadError(e))
        {
            throw new ThomasException($"Cannot read the {kind} '{name}': {e.Message}", e);
        }
    }

    /// <summary>Reads a file whole. A regular file without contents gives an empty array.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maximumBytes">Longer files are refused before anything is read.</param>
    /// <param name="cancellation">Ends the work between two pieces of a few MiB.</param>
    /// <exception cref="IOException">It is missing, not a regular file, too long, or changes while it is read; the message does not name it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] ReadAll(string path, long maximumBytes, CancellationToken cancellation = default)
    {
        if (CheckedLength(path, maximumBytes, out string real) == 0) return [];
        using FileStream file = OpenRegular(real, maximumBytes);
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)file.Length);
        Fill(file, bytes, cancellation);
        return bytes;
    }

    /// <summary>Reads a file whole into memory of the shared pool, for files that are read one after the other.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maximumBytes">Longer files are refused before anything is read.</param>
    /// <param name="rented">What to give back to the pool, whether this returns or throws; null for nothing.</param>
    /// <exception cref="IOException">As <see cref="ReadAll"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static ReadOnlyMemory<byte> ReadRented(string path, long maximumBytes, ref byte[]? rented)
    {
        if (CheckedLength(path, maximumBytes, out string real) == 0) return default;
        using FileStream file = OpenRegular(real, maximumBytes);
        int length = (int)file.Length;
        rented = ArrayPool<byte>.Shared.Rent(length);
        Fill(file, rented.AsSpan(0, length));
        return rented.AsMemory(0, length);
    }

    /// <summary>XXH3 (128 bits) of a file's bytes, which are never held whole.</summary>
    /// <exception cref="IOException">As <see cref="ReadAll"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static UInt128 Hash(string path, long maximumBytes)
    {
        XxHash128 hash = new();
        if (CheckedLength(path, maximumBytes, out string real) == 0) return hash.GetCurrentHashAsUInt128();
        using FileStream file = OpenRegular(real, maximumBytes);
        long left = file.Length;
        byte[] piece = ArrayPool<byte>.Shared.Rent(HashedBytes);
        try
        {
            for (int read; (read = file.Read(piece)) > 0; left -= read) hash.Append(piece.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }

        return left == 0
            ? hash.GetCurrentHashAsUInt128()
            : throw new IOException($"it became {(left > 0 ? "shorter" : "longer")} while being read; try again when it is complete");
    }

    /// <summary>Reads a text file in UTF-8, or in UTF-16 with its mark at the beginning, as spreadsheets write it.</summary>
    /// <exception cref="IOException">As <see cref="ReadAll"/>; or it is not text, or a page that was downloaded in place of the file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static string ReadText(string path, long maximumBytes, CancellationToken cancellation = default)
    {
        ReadOnlySpan<byte> bytes = ReadAll(path, maximumBytes, cancellation);
        if (FileKind.Recognize(bytes) is { Family: FileFamily.Text, Remedy: not null } page) throw new IOException($"this is {page.Name}; {page.Remedy}");
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        try
        {
            bool isBigEndian = bytes is [0xFE, 0xFF, ..];
            if (isBigEndian || bytes is [0xFF, 0xFE, ..])
            {
                return new UnicodeEncoding(isBigEndian, byteOrderMark: false, throwOnInvalidBytes: true).GetString(bytes[2..]);
            }

            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new IOException(FileKind.DescribeInsteadOf(bytes, "a text file") ?? "it is not UTF-8 text; save it as UTF-8", e);
        }
    }

    /// <summary>Reads the beginning of a file, or all of it if it is shorter.</summary>
    /// <exception cref="IOException">It is missing or not a regular file; the message does not name it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] ReadStart(string path, int bytes)
    {
        if (CheckedLength(path, long.MaxValue, out string real) == 0) return [];
        using FileStream file = OpenRegular(real, long.MaxValue);
        byte[] start = new byte[(int)Math.Min(bytes, file.Length)];
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return start[..read];
    }

    /// <summary>Opens a file that is read piece by piece.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maximumBytes">Longer files are refused.</param>
    /// <exception cref="IOException">It is missing, empty, not a regular file or too long; the message does not name it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream Open(string path, long maximumBytes = long.MaxValue)
    {
        if (CheckedLength(path, maximumBytes, out string real) == 0) throw new IOException("it is empty (0 bytes)");
        return OpenRegular(real, maximumBytes);
    }

    /// <summary>The length of a regular file, through links, without opening it.</summary>
    /// <exception cref="IOException">It is missing or not a regular file; the message does not name it.</exception>
    public static long LengthOf(string path) => CheckedLength(path, long.MaxValue, out _);

    /// <summary>Whether an exception says that a file cannot be read.</summary>
    public static bool IsReadError(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    // Others may replace the file or give it another name meanwhile.
    private static FileStream OpenRegular(string path, long maximumBytes)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            CheckLength(file.Length, maximumBytes);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The length of a regular file, found without opening it; 0 is an empty one.</summary>
    private static long CheckedLength(string path, long maximumBytes, out string real)
    {
        FileInfo file = new(path);
        if (file.Exists && file.Attributes.HasFlag(FileAttributes.ReparsePoint)) file = Target(file);
        real = file.FullName;
        if (file.Attributes is not (FileAttributes)(-1) && file.Attributes.HasFlag(FileAttributes.Directory))
        {
            throw new IOException("it is a folder, not a file");
        }

        if (!file.Exists) ThrowMissing(real);
        long length = file.Length;
        CheckLength(length, maximumBytes);
        if (length == 0 && SpecialFile.Describe(real) is string special)
        {
            throw new IOException($"it is {special}, not a regular file; save its contents to a file and give that");
        }

        return length;
    }

    /// <summary>A file in a folder that may not be entered seems not to exist; opening it tells the two apart.</summary>
    private static void ThrowMissing(string path)
    {
        try
        {
            File.OpenHandle(path).Dispose();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException("there is no such file", e);
        }
    }

    private static FileInfo Target(FileInfo link)
    {
        FileSystemInfo? target;
        try
        {
            target = link.ResolveLinkTarget(returnFinalTarget: true);
        }
        catch (FileNotFoundException)
        {
            target = null;
        }

        // A reparse point that is no link, such as a file that lives in the cloud.
        if (target is null) return link;
        if (target.Exists || Directory.Exists(target.FullName)) return new FileInfo(target.FullName);
        string name = target.Name;
        throw new IOException(
            name.StartsWith("pipe:[", StringComparison.Ordinal) || name.StartsWith("socket:[", StringComparison.Ordinal)
                ? $"it is a {name[..name.IndexOf(':')]}, not a regular file; save its contents to a file and give that"
                : $"it is a link to '{target.FullName}', which does not exist");
    }

    private static void Fill(FileStream file, Span<byte> bytes, CancellationToken cancellation = default)
    {
        while (bytes.Length > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = file.Read(bytes[..Math.Min(PieceBytes, bytes.Length)]);
            if (read == 0) throw new IOException("it became shorter while being read; try again when it is complete");
            bytes = bytes[read..];
        }

        if (file.ReadByte() >= 0) throw new IOException("it became longer while being read; try again when it is complete");
    }

    private static void CheckLength(long length, long maximumBytes)
    {
        if (length > maximumBytes) throw new IOException($"it is longer than {ByteSize.Format(maximumBytes)}, the limit for such a file");
    }
}
