using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Thomas.Imaging;

/// <summary>The first directory of a TIFF file (TIFF 6.0): numbers by tag, read where they lie, so that no count in the file makes anything large.</summary>
internal sealed class TiffTags
{
    private const int EntryBytes = 12;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly Dictionary<int, (int Type, uint Count, int At)> _entries = [];

    /// <exception cref="ImageFormatException">The file ends before the directory does.</exception>
    public TiffTags(ReadOnlyMemory<byte> file)
    {
        _file = file;
        IsBigEndian = file.Span[0] == (byte)'M';
        long directory = Read(4, 4);
        if (directory < 8) throw new ImageFormatException("This is a TIFF image whose directory is damaged.");
        long count = Read(directory, 2);
        for (int i = 0; i < count; i++)
        {
            long at = directory + 2 + ((long)i * EntryBytes);
            (int type, uint length) = ((int)Read(at + 2, 2), Read(at + 4, 4));
            long size = SizeOf(type) * (long)length, values = size <= 4 ? at + 8 : Read(at + 8, 4);
            if (size == 0) continue;
            if (values + size > file.Length) throw CutOff();
            _entries.TryAdd((int)Read(at, 2), (type, length, (int)values));
        }
    }

    /// <summary>Whether numbers begin with their highest byte; samples of 16 bits do too then.</summary>
    public bool IsBigEndian { get; }

    /// <summary>Whether a file is a TIFF file of the usual kind; BigTIFF and Canon's raw files are not.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) =>
        file.Length >= 8 && (file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8)) && !(file.Length > 10 && file[8..].StartsWith("CR\u0002"u8));

    /// <summary>How many numbers a tag has; 0 if it is not there or has none.</summary>
    public uint Count(int tag) => _entries.TryGetValue(tag, out (int Type, uint Count, int At) entry) ? entry.Count : 0;

    /// <summary>A number of a tag.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="otherwise">The number if the tag is not there.</param>
    /// <param name="index">Which of its numbers.</param>
    /// <exception cref="ImageFormatException">The tag has fewer numbers.</exception>
    public uint Value(int tag, uint otherwise = 0, uint index = 0)
    {
        if (!_entries.TryGetValue(tag, out (int Type, uint Count, int At) entry)) return otherwise;
        if (index >= entry.Count) throw new ImageFormatException(ImageFormat.DescribeFailure(SkiaSharp.SKCodecResult.ErrorInInput));
        int size = SizeOf(entry.Type);
        return Read(entry.At + (index * (long)size), size);
    }

    public static ImageFormatException CutOff() => new(ImageFormat.DescribeFailure(SkiaSharp.SKCodecResult.IncompleteInput));

    // Whole numbers without a sign: BYTE, SHORT, LONG. Nothing else is read.
    private static int SizeOf(int type) => type switch { 1 => 1, 3 => 2, 4 => 4, _ => 0 };

    private uint Read(long at, int bytes)
    {
        if (at + bytes > _file.Length) throw CutOff();
        ReadOnlySpan<byte> number = _file.Span.Slice((int)at, bytes);
        return bytes switch
        {
            1 => number[0],
            2 => IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(number) : BinaryPrimitives.ReadUInt16LittleEndian(number),
            _ => IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(number) : BinaryPrimitives.ReadUInt32LittleEndian(number),
        };
    }
}
