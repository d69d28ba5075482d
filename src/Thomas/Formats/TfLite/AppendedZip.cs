using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.Text;

namespace Thomas.Formats.TfLite;

/// <summary>The zip archive that TFLite metadata appends to a model file for its label files. Archives of unknown origin are read within bounds.</summary>
internal static class AppendedZip
{
    private const int EndRecordBytes = 22;
    private const int MaxCommentBytes = ushort.MaxValue;
    private const int MaxDirectoryBytes = 1 << 16;
    private const int MaxTextBytes = 4 << 20;

    // A zip cannot name an earlier time; a fixed one makes the same model the same bytes.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// The text of an entry, or of the only .txt entry where no name is given; null where there is none, with the problem if something is wrong.
    /// </summary>
    public static string? ReadText(ReadOnlyMemory<byte> file, string? entryName, out string? problem)
    {
        problem = null;
        int end = FindEndRecord(file.Span);
        if (end < 0)
        {
            problem = entryName is null ? null : "the archive that should contain it is missing";
            return null;
        }

        if (!DirectoryIsBounded(file.Span, end))
        {
            problem = "the archive's directory is damaged or too large";
            return null;
        }

        try
        {
            using ZipArchive archive = new(new ReadOnlyMemoryStream(file), ZipArchiveMode.Read);
            ZipArchiveEntry? entry = Find(archive, entryName);
            if (entry is not null) return ReadEntry(entry, out problem);
            problem = entryName is null ? null : $"the archive has no entry '{entryName}'";
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            problem = e.Message;
        }

        return null;
    }

    /// <summary>Appends an archive with one uncompressed entry: TFLite's readers take it from the mapped file. Offsets count from the stream's start.</summary>
    public static void Append(Stream stream, string entryName, string text)
    {
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        ZipArchiveEntry entry = archive.CreateEntry(entryName, CompressionLevel.NoCompression);
        entry.LastWriteTime = Epoch;
        using Stream content = entry.Open();
        content.Write(Encoding.UTF8.GetBytes(text));
    }

    private static int FindEndRecord(ReadOnlySpan<byte> file)
    {
        int start = Math.Max(0, file.Length - EndRecordBytes - MaxCommentBytes);
        int at = file[start..].LastIndexOf("PK\x05\x06"u8);
        return at >= 0 && start + at <= file.Length - EndRecordBytes ? start + at : -1;
    }

    /// <summary>The library holds every directory entry in memory, so the directory's size bounds what a hostile archive can cost.</summary>
    private static bool DirectoryIsBounded(ReadOnlySpan<byte> file, int end)
    {
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(file[(end + 16)..]);
        return offset <= end && end - offset <= MaxDirectoryBytes;
    }

    private static ZipArchiveEntry? Find(ZipArchive archive, string? entryName)
    {
        if (entryName is not null) return archive.GetEntry(entryName);
        ZipArchiveEntry? only = null;
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith(".txt", StringComparison.OrdinalIgnoreCase)) continue;
            if (only is not null) return null;
            only = entry;
        }

        return only;
    }

    private static string? ReadEntry(ZipArchiveEntry entry, out string? problem)
    {
        problem = null;
        using Stream stream = entry.Open();
        using MemoryStream content = new();
        byte[] part = new byte[1 << 14];
        for (int count; (count = stream.Read(part)) > 0;)
        {
            content.Write(part, 0, count);
            if (content.Length <= MaxTextBytes) continue;
            problem = $"'{entry.FullName}' is larger than {MaxTextBytes} bytes";
            return null;
        }

        return Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length);
    }
}
