using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// The entries of a zip archive in memory (PKWARE APPNOTE 6.3, zip64 included). Unlike <see cref="ZipArchive"/> it hands out stored entries where they
/// lie, and checks that no two share bytes. Checksums are checked when an entry is opened.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50, EndSignature = 0x06054b50, End64Signature = 0x06064b50,
        Locator64Signature = 0x07064b50;
    private const int EntryBytes = 46, LocalBytes = 30, EndBytes = 22, End64Bytes = 56, Locator64Bytes = 20;
    private const ushort Zip64Field = 1, Stored = 0, Deflated = 8, Encrypted = 1;
    private const int MaxEntries = 2 * ModelLimits.WeightTensors;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly string _name;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Reads the directory; no contents yet.</summary>
    /// <exception cref="ModelFormatException">The directory is damaged or too large.</exception>
    public ZipDirectory(ReadOnlyMemory<byte> file, string name)
    {
        _file = file;
        _name = name;
        (long count, long offset, long bytes, long end) = FindDirectory();
        if (count > MaxEntries) throw Error("", $"the archive has {count} entries; at most {MaxEntries} are accepted");
        if (offset < 0 || bytes < 0 || offset > end || bytes > end - offset)
        {
            throw Error("", $"the directory should be at byte {offset}, which is not before the archive's end");
        }

        ReadOnlySpan<byte> directory = file.Span.Slice((int)offset, (int)bytes);
        for (long i = 0; i < count; i++) directory = directory[AddEntry(directory, i, offset)..];
        CheckOverlaps();
    }

    /// <summary>Names of all entries, in no particular order.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>The contents of an entry: a part of the file, or new memory for a compressed one.</summary>
    /// <param name="entryName">The entry.</param>
    /// <param name="charge">Told how many bytes will be allocated, before they are.</param>
    /// <returns>Null where there is no such entry.</returns>
    /// <exception cref="ModelFormatException">The contents are damaged or compressed in a way that is not read.</exception>
    public ReadOnlyMemory<byte>? Open(string entryName, Action<long, string> charge)
    {
        if (!_entries.TryGetValue(entryName, out Entry? entry)) return null;
        ReadOnlyMemory<byte> packed = _file.Slice((int)entry.Start, (int)(entry.End - entry.Start));
        ReadOnlyMemory<byte> contents = entry.Method == Stored ? packed : Inflate(entryName, packed, entry.Bytes, charge);
        if (Crc32.HashToUInt32(contents.Span) != entry.Crc) throw Error(entryName, "the checksum differs, so the file is damaged; download or copy it again");
        return contents;
    }

    private ReadOnlyMemory<byte> Inflate(string entryName, ReadOnlyMemory<byte> packed, long bytes, Action<long, string> charge)
    {
        charge(bytes, PlaceOf(entryName));
        byte[] contents = new byte[bytes];
        try
        {
            using DeflateStream stream = new(new ReadOnlyMemoryStream(packed), CompressionMode.Decompress);
            stream.ReadExactly(contents);
            if (stream.ReadByte() >= 0) throw Error(entryName, $"it unpacks to more than the {bytes} bytes that the directory says");
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new ModelFormatException(_name, PlaceOf(entryName), $"it does not unpack to the {bytes} bytes that the directory says", e);
        }

        return contents;
    }

    /// <summary>The number of entries, the place and length of the directory, and where the records behind it begin.</summary>
    private (long Count, long Offset, long Bytes, long End) FindDirectory()
    {
        ReadOnlySpan<byte> file = _file.Span;
        int from = Math.Max(0, file.Length - EndBytes - ushort.MaxValue);
        int end = file[from..Math.Max(from, file.Length - EndBytes + sizeof(uint))].LastIndexOf("PK\x05\x06"u8);
        if (end < 0) throw Error("", "the archive has no end; the file is cut off");
        end += from;
        int locator = end - Locator64Bytes;
        if (locator < 0 || U32(file, locator) != Locator64Signature) return (U16(file, end + 10), U32(file, end + 16), U32(file, end + 12), end);
        long end64 = S64(file, locator + 8);
        if (end64 < 0 || end64 > locator - End64Bytes || U32(file, (int)end64) != End64Signature)
        {
            throw Error("", $"the archive's end should be at byte {end64} and is not");
        }

        int at = (int)end64;
        return (S64(file, at + 32), S64(file, at + 48), S64(file, at + 40), end64);
    }

    /// <summary>Adds the first entry of what is left of the directory and returns its length.</summary>
    private int AddEntry(ReadOnlySpan<byte> directory, long index, long directoryOffset)
    {
        if (directory.Length < EntryBytes || U32(directory, 0) != EntrySignature) throw Error("", $"entry {index} of the directory is damaged");
        int nameBytes = U16(directory, 28), extraBytes = U16(directory, 30), length = EntryBytes + nameBytes + extraBytes + U16(directory, 32);
        if (directory.Length < length) throw Error("", $"entry {index} of the directory is cut off");
        string name = Encoding.UTF8.GetString(directory.Slice(EntryBytes, nameBytes));
        long packed = U32(directory, 20), bytes = U32(directory, 24), offset = U32(directory, 42);
        ReadZip64(directory.Slice(EntryBytes + nameBytes, extraBytes), ref bytes, ref packed, ref offset);
        int method = U16(directory, 10);
        if ((U16(directory, 8) & Encrypted) != 0 || method is not (Stored or Deflated))
        {
            throw Error(name, "it is encrypted, or compressed with a method other than deflate");
        }

        if (bytes is < 0 or > int.MaxValue || packed is < 0 or > int.MaxValue || (method == Stored && packed != bytes))
        {
            throw Error(name, $"its sizes, {packed} packed and {bytes} unpacked, are not possible");
        }

        ReadOnlySpan<byte> file = _file.Span;
        if (offset < 0 || offset > directoryOffset - LocalBytes || U32(file, (int)offset) != LocalSignature)
        {
            throw Error(name, $"it should begin at byte {offset} and does not");
        }

        long start = offset + LocalBytes + U16(file, (int)offset + 26) + U16(file, (int)offset + 28);
        if (start + packed > directoryOffset) throw Error(name, $"it takes {packed} bytes from byte {start}, beyond the last entry's end");
        if (!_entries.TryAdd(name, new Entry(method, offset, start, start + packed, bytes, U32(directory, 16)))) throw Error(name, "the name occurs twice");
        return length;
    }

    /// <summary>Replaces the sizes and the offset that do not fit 32 bits; the extra field has those alone, in this order.</summary>
    private static void ReadZip64(ReadOnlySpan<byte> extra, ref long bytes, ref long packed, ref long offset)
    {
        while (extra.Length >= 4)
        {
            int length = U16(extra, 2);
            if (length > extra.Length - 4) return;
            ReadOnlySpan<byte> field = extra.Slice(4, length);
            if (U16(extra, 0) == Zip64Field)
            {
                Replace(ref field, ref bytes);
                Replace(ref field, ref packed);
                Replace(ref field, ref offset);
            }

            extra = extra[(4 + length)..];
        }
    }

    private static void Replace(ref ReadOnlySpan<byte> field, ref long value)
    {
        if (value != uint.MaxValue || field.Length < sizeof(long)) return;
        value = S64(field, 0);
        field = field[sizeof(long)..];
    }

    private void CheckOverlaps()
    {
        List<(long Offset, long End, string Name)> places = [];
        foreach ((string name, Entry entry) in _entries) places.Add((entry.Offset, entry.End, name));
        places.Sort(static (a, b) => a.Offset.CompareTo(b.Offset));
        for (int i = 1; i < places.Count; i++)
        {
            if (places[i].Offset < places[i - 1].End) throw Error(places[i].Name, $"it shares bytes with '{places[i - 1].Name}'");
        }
    }

    private static string PlaceOf(string entryName) => entryName.Length == 0 ? "archive" : $"entry '{entryName}'";

    private ModelFormatException Error(string entryName, string problem) => new(_name, PlaceOf(entryName), problem);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long S64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private sealed record Entry(int Method, long Offset, long Start, long End, long Bytes, uint Crc);
}
