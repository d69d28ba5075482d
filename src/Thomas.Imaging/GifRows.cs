using System;
using System.Buffers.Binary;

namespace Thomas.Imaging;

/// <summary>Reads the first frame of a GIF (87a and 89a) a row at a time, with what is around it transparent.</summary>
internal sealed class GifRows : IRowSource
{
    private const int Header = 13, FrameHeader = 9, Extension = 0x21, Frame = 0x2C, GraphicControl = 0xF9;
    private const uint Opaque = 0xFF000000;

    // Interlaced frames come in four passes: first row, distance between rows.
    private static readonly (int First, int Step)[] Passes = [(0, 8), (4, 8), (2, 4), (1, 2)];

    private readonly ReadOnlyMemory<byte> _file;
    private readonly uint[] _colors = new uint[256];
    private readonly int _left;
    private readonly int _top;
    private readonly int _frameWidth;
    private readonly int _frameHeight;
    private readonly bool _isInterlaced;
    private readonly int _data;

    private GifRows(ReadOnlyMemory<byte> file)
    {
        _file = file;
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < Header) throw ImageFormat.CutOff();
        int at = Header, transparent = -1;
        ReadOnlySpan<byte> palette = Palette(bytes[10], ref at);
        while (true)
        {
            if (at >= bytes.Length) throw ImageFormat.CutOff();
            int kind = bytes[at++];
            if (kind == Frame) break;
            if (kind != Extension) throw ImageFormat.Damaged();
            if (at + 6 > bytes.Length) throw ImageFormat.CutOff();
            if (bytes[at] == GraphicControl && bytes[at + 1] >= 4) transparent = (bytes[at + 2] & 1) != 0 ? bytes[at + 5] : -1;
            at++;
            SkipBlocks(ref at);
        }

        if (at + FrameHeader > bytes.Length) throw ImageFormat.CutOff();
        ReadOnlySpan<byte> frame = bytes.Slice(at, FrameHeader);
        (_left, _top) = (BinaryPrimitives.ReadUInt16LittleEndian(frame), BinaryPrimitives.ReadUInt16LittleEndian(frame[2..]));
        (_frameWidth, _frameHeight) = (BinaryPrimitives.ReadUInt16LittleEndian(frame[4..]), BinaryPrimitives.ReadUInt16LittleEndian(frame[6..]));
        _isInterlaced = (frame[8] & 0x40) != 0;
        at += FrameHeader;
        ReadOnlySpan<byte> own = Palette(frame[8], ref at);
        _data = at;
        SetColors(own.IsEmpty ? palette : own, transparent);

        // A frame beyond the screen makes the screen larger, as in Skia.
        Width = Math.Max(BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]), _left + _frameWidth);
        Height = Math.Max(BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]), _top + _frameHeight);
        if (Width < 1 || Height < 1) throw new ImageFormatException($"The header claims {Width}x{Height} pixels.");
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public int Height { get; }

    /// <inheritdoc/>
    public bool AnyOrder => _isInterlaced;

    /// <inheritdoc/>
    public long Cost => ((long)Width * (sizeof(uint) + 1)) + GifData.Cost;

    /// <summary>Whether a file is a GIF.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8);

    /// <summary>Opens a file that <see cref="Recognizes"/>.</summary>
    /// <exception cref="ImageFormatException">It is damaged or cut off before the first frame's pixels.</exception>
    public static GifRows Open(ReadOnlyMemory<byte> file) => new(file);

    /// <inheritdoc/>
    public void Read(PixelSink sink)
    {
        uint[] pixels = new uint[Width];
        for (int y = 0; y < _top; y++) sink.Add(y, 0, 1, pixels);
        byte[] indexes = new byte[_frameWidth];
        GifData data = new(_file[_data..]);
        foreach ((int first, int step) in _isInterlaced ? Passes : [(0, 1)])
        {
            for (int y = first; y < _frameHeight; y += step)
            {
                data.Fill(indexes);
                for (int x = 0; x < indexes.Length; x++) pixels[_left + x] = _colors[indexes[x]];
                sink.Add(_top + y, 0, 1, pixels);
            }
        }

        Array.Clear(pixels);
        for (int y = _top + _frameHeight; y < Height; y++) sink.Add(y, 0, 1, pixels);
    }

    private ReadOnlySpan<byte> Palette(byte flags, ref int at)
    {
        if ((flags & 0x80) == 0) return default;
        int length = 3 << ((flags & 7) + 1);
        if (at + length > _file.Length) throw ImageFormat.CutOff();
        at += length;
        return _file.Span.Slice(at - length, length);
    }

    private void SkipBlocks(ref int at)
    {
        ReadOnlySpan<byte> bytes = _file.Span;
        while (at < bytes.Length && bytes[at] != 0) at += bytes[at] + 1;
        at++;
    }

    private void SetColors(ReadOnlySpan<byte> palette, int transparent)
    {
        Array.Fill(_colors, Opaque);
        for (int i = 0; i * 3 < palette.Length; i++)
        {
            _colors[i] = palette[i * 3] | ((uint)palette[(i * 3) + 1] << 8) | ((uint)palette[(i * 3) + 2] << 16) | Opaque;
        }

        if (transparent >= 0) _colors[transparent] = 0;
    }
}
