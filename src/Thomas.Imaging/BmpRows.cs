using System;
using System.Buffers.Binary;
using System.Numerics;

namespace Thomas.Imaging;

/// <summary>Reads a BMP a row at a time: palettes of 1 to 8 bits, 16, 24 and 32 bits with or without masks. Those with run lengths are not read.</summary>
internal sealed class BmpRows : IRowSource
{
    private const int FileHeader = 14, CoreHeader = 12, InfoHeader = 40, MasksHeader = 52, AlphaHeader = 108;
    private const int Plain = 0, Masks = 3, AlphaMasks = 6;
    private const uint Opaque = 0xFF000000;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly int _bits;
    private readonly int _data;
    private readonly bool _isTopDown;
    private readonly uint[] _palette = [];
    private readonly (uint Red, uint Green, uint Blue, uint Alpha) _masks;

    private BmpRows(ReadOnlyMemory<byte> file)
    {
        _file = file;
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < FileHeader + CoreHeader) throw ImageFormat.CutOff();
        uint data = BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]), header = BinaryPrimitives.ReadUInt32LittleEndian(bytes[FileHeader..]);
        bool isCore = header == CoreHeader;
        if (!isCore && header is < InfoHeader or > 1024) throw ImageFormat.Damaged();
        if (bytes.Length < FileHeader + header) throw ImageFormat.CutOff();
        long height = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]) : BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]);
        Width = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]) : BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]);
        (_isTopDown, height) = (height < 0, Math.Abs(height));
        if (Width < 1 || height is < 1 or > int.MaxValue) throw new ImageFormatException($"The header claims {Width}x{height} pixels.");
        Height = (int)height;
        _bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(isCore ? 24 : 28)..]);
        uint compression = isCore ? Plain : BinaryPrimitives.ReadUInt32LittleEndian(bytes[30..]);
        if (_bits is not (1 or 2 or 4 or 8 or 16 or 24 or 32)) throw Unsupported($"it has {_bits} bits a pixel");
        if (compression is 1 or 2) throw Unsupported("it is packed in runs");
        if (compression is not (Plain or Masks or AlphaMasks)) throw Unsupported("its compression is of a rare kind");
        bool hasMasks = compression != Plain;
        if (hasMasks && _bits is not (16 or 32)) throw ImageFormat.Damaged();
        int masks = hasMasks && header < MasksHeader ? (compression == AlphaMasks ? 16 : 12) : 0;
        int palette = FileHeader + (int)header + masks;
        if (bytes.Length < palette || data > bytes.Length) throw ImageFormat.CutOff();

        // The transparency of headers before the fourth version is not looked at, as in Skia.
        if (hasMasks) _masks = ReadMasks(bytes[(FileHeader + InfoHeader)..], header >= AlphaHeader || compression == AlphaMasks);
        else if (_bits == 16) _masks = (0x7C00, 0x3E0, 0x1F, 0);
        else if (_bits == 32) _masks = (0xFF0000, 0xFF00, 0xFF, 0);
        uint colors = isCore ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[46..]);
        if (_bits <= 8) _palette = ReadPalette(bytes[palette..], isCore ? 3 : 4, colors, (int)data - palette);
        _data = Math.Max((int)data, palette);
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public int Height { get; }

    /// <summary>Rows come from the top even where they are stored from the bottom: all of them are in the file as they are.</summary>
    public bool AnyOrder => false;

    /// <inheritdoc/>
    public long Cost => (long)Width * sizeof(uint);

    private long Stride => (((long)Width * _bits) + 31) / 32 * 4;

    /// <summary>Whether a file is a BMP.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.StartsWith("BM"u8);

    /// <summary>Opens a file that <see cref="Recognizes"/>.</summary>
    /// <exception cref="ImageFormatException">The header is damaged, or the file is of a kind that is not read.</exception>
    public static BmpRows Open(ReadOnlyMemory<byte> file) => new(file);

    /// <inheritdoc/>
    public void Read(PixelSink sink)
    {
        if (_data + ((Stride * (Height - 1)) + (((long)Width * _bits) + 7) / 8) > _file.Length) throw ImageFormat.CutOff();
        uint[] pixels = new uint[Width];
        for (int y = 0; y < Height; y++)
        {
            long at = _data + (Stride * (_isTopDown ? y : Height - 1 - y));
            Expand(_file.Span[(int)at..], pixels);
            sink.Add(y, 0, 1, pixels);
        }
    }

    private static ImageFormatException Unsupported(string why) => new($"This is a BMP image that cannot be read ({why}); convert it to JPEG or PNG.");

    private static (uint Red, uint Green, uint Blue, uint Alpha) ReadMasks(ReadOnlySpan<byte> bytes, bool hasAlpha)
    {
        uint red = BinaryPrimitives.ReadUInt32LittleEndian(bytes), green = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        uint blue = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        return (red, green, blue, hasAlpha ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) : 0);
    }

    // Blue, green, red and, but in the oldest files, a byte of no meaning. Colors that the file does not have are black.
    private uint[] ReadPalette(ReadOnlySpan<byte> bytes, int step, uint claimed, int room)
    {
        uint[] palette = new uint[1 << _bits];
        Array.Fill(palette, Opaque);
        int count = claimed > 0 && claimed < palette.Length ? (int)claimed : palette.Length;
        count = Math.Min(Math.Min(count, bytes.Length / step), Math.Max(0, room / step));
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> color = bytes.Slice(i * step, 3);
            palette[i] = color[2] | ((uint)color[1] << 8) | ((uint)color[0] << 16) | Opaque;
        }

        return palette;
    }

    private void Expand(ReadOnlySpan<byte> row, Span<uint> pixels)
    {
        if (_bits <= 8)
        {
            int perByte = 8 / _bits, mask = (1 << _bits) - 1;
            for (int x = 0; x < pixels.Length; x++) pixels[x] = _palette[(row[x / perByte] >> (8 - (_bits * ((x % perByte) + 1)))) & mask];
        }
        else if (_bits == 24)
        {
            for (int x = 0; x < pixels.Length; x++) pixels[x] = row[(x * 3) + 2] | ((uint)row[(x * 3) + 1] << 8) | ((uint)row[x * 3] << 16) | Opaque;
        }
        else
        {
            int bytes = _bits / 8;
            for (int x = 0; x < pixels.Length; x++)
            {
                ReadOnlySpan<byte> stored = row.Slice(x * bytes, bytes);
                uint pixel = bytes == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(stored) : BinaryPrimitives.ReadUInt32LittleEndian(stored);
                uint alpha = _masks.Alpha == 0 ? 255 : Channel(pixel, _masks.Alpha);
                pixels[x] = Channel(pixel, _masks.Red) | (Channel(pixel, _masks.Green) << 8) | (Channel(pixel, _masks.Blue) << 16) | (alpha << 24);
            }
        }
    }

    /// <summary>The bits of a mask as a byte.</summary>
    private static uint Channel(uint pixel, uint mask)
    {
        if (mask == 0) return 0;
        int bits = BitOperations.PopCount(mask);
        uint value = (pixel & mask) >> BitOperations.TrailingZeroCount(mask);
        if (bits >= 8) return (value >> (bits - 8)) & 255;
        uint most = (1u << bits) - 1;
        return Math.Min(255, (((value & most) * 255) + (most / 2)) / most);
    }
}
