using System;
using System.Formats.Tar;
using System.IO;

namespace Thomas;

/// <summary>
/// Tells pipes, devices and sockets from regular files without opening them, which might never return. .NET has no call that says it; but the tar writer looks
/// at the type before anything else and puts it into the header that it writes first. So it is given a stream that takes the header and nothing else.
/// </summary>
internal static class SpecialFile
{
    /// <summary>The code of an <see cref="IOException"/> that no call of the system has caused: the writer knows no type for sockets.</summary>
    private const int NotFromSystem = unchecked((int)0x80131620);

    /// <summary>What a file is if it is not a regular one: "a named pipe (FIFO)"; null for regular files.</summary>
    /// <param name="path">The file; links are not followed.</param>
    public static string? Describe(string path)
    {
        // What has a length is a regular file.
        FileInfo file = new(path);
        if (!file.Exists || file.Length > 0) return null;

        // Regular files of these folders may wait for what comes, so not even their end may be read.
        using HeaderStream header = new(mayReadOn: !path.StartsWith("/proc/", StringComparison.Ordinal) && !path.StartsWith("/sys/", StringComparison.Ordinal));
        try
        {
            using TarWriter writer = new(header, TarEntryFormat.Ustar, leaveOpen: true);
            writer.WriteEntry(path, "file");
        }
        catch (IOException) when (header.Type is not null)
        {
            // The header is here; the rest was refused.
        }
        catch (IOException e) when (e.HResult == NotFromSystem)
        {
            return "a socket";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or InvalidOperationException)
        {
            // Opening it will say what is wrong.
            return null;
        }

        return (TarEntryType?)header.Type switch
        {
            TarEntryType.Fifo => "a named pipe (FIFO)",
            TarEntryType.CharacterDevice or TarEntryType.BlockDevice => "a device",
            _ => null,
        };
    }

    private sealed class HeaderStream(bool mayReadOn) : Stream
    {
        private const int TypeOffset = 156;

        public byte? Type { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            // An archive ends with zeros, even without an entry; they are ignored.
            if (Type is not null || buffer.Length <= TypeOffset || buffer[TypeOffset] == 0) return;
            Type = buffer[TypeOffset];
            if (!mayReadOn) throw new IOException("Only the header is wanted.");
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
