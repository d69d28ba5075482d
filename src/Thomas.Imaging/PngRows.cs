using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;

namespace Thomas.Imaging;

/// <summary>
/// Reads a PNG a row at a time (PNG specification, third edition), interlaced or not, so that a large image can be reduced while it is read; Skia holds all of
/// its pixels. Values are those of Skia: 16-bit samples keep their higher byte.
/// </summary>
internal sealed class PngRows : IRowSource
{
    // Interlaced files hold seven smaller images: first column, first row, distance between columns, between rows.
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private readonly ReadOnlyMemory<byte> _png;
    private readonly int _bitDepth;
    private readonly int _colorType;
    private readonly uint[]? _table;
    private readonly ulong _transparent = ulong.MaxValue;
    private readonly int _firstData;

    private PngRows(ReadOnlyMemory<byte> png)
    {
        _png = png;
        ReadOnlySpan<byte> header = Chunk(Signature.Length, out int first, out int end);
        if (first != ChunkType("IHDR"u8) || header.Length != 13) throw Damaged();
        Width = BinaryPrimitives.ReadInt32BigEndian(header);
        Height = BinaryPrimitives.ReadInt32BigEndian(header[4..]);
        (_bitDepth, _colorType, IsInterlaced) = (header[8], header[9], header[12] == 1);
        if (Width < 1 || Height < 1) throw new ImageFormatException($"The header claims {(uint)Width}x{(uint)Height} pixels.");
        if (!IsKnown(_colorType, _bitDepth) || header[10] != 0 || header[11] != 0 || header[12] > 1) throw Damaged();
        ReadOnlySpan<byte> palette = default;
        ReadOnlySpan<byte> transparency = default;
        while (true)
        {
            _firstData = end;
            ReadOnlySpan<byte> data = Chunk(end, out int type, out end);
            if (type == ChunkType("IDAT"u8)) break;
            if (type == ChunkType("PLTE"u8)) palette = data;
            if (type == ChunkType("tRNS"u8)) transparency = data;
        }

        if (_colorType == 3) _table = PaletteTable(palette, transparency);
        else if (_colorType == 0 && _bitDepth <= 8) _table = GrayTable(_bitDepth, transparency);
        else if (_colorType == 0 && transparency.Length == 2) _transparent = BinaryPrimitives.ReadUInt16BigEndian(transparency);
        else if (_colorType == 2 && transparency.Length == 6)
        {
            _transparent = ((ulong)BinaryPrimitives.ReadUInt16BigEndian(transparency) << 32) | BinaryPrimitives.ReadUInt32BigEndian(transparency[2..]);
        }
    }

    /// <summary>Stored width.</summary>
    public int Width { get; }

    /// <summary>Stored height.</summary>
    public int Height { get; }

    /// <summary>Whether rows come in seven passes.</summary>
    public bool IsInterlaced { get; }

    /// <summary>Bytes that reading holds beside the sink's.</summary>
    public long Cost => (2 * RowBytes(Width)) + ((long)Width * sizeof(uint)) + (1 << 17);

    private int BitsPerPixel => _bitDepth * (_colorType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 });

    /// <inheritdoc/>
    public bool AnyOrder => IsInterlaced;

    private static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether a file is a PNG.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.StartsWith(Signature);

    /// <summary>Opens a file that <see cref="Recognizes"/>.</summary>
    /// <exception cref="ImageFormatException">The file ends or is damaged before the first row.</exception>
    public static PngRows Open(ReadOnlyMemory<byte> png) => new(png);

    /// <summary>Passes all pixels on.</summary>
    /// <exception cref="ImageFormatException">The file is cut off or damaged.</exception>
    public void Read(PixelSink sink)
    {
        try
        {
            using ZLibStream rows = new(new DataStream(this), CompressionMode.Decompress);
            byte[] current = new byte[RowBytes(Width)];
            byte[] previous = new byte[current.Length];
            uint[] pixels = new uint[Width];
            foreach ((int x, int y, int stepX, int stepY) in IsInterlaced ? Passes : [(0, 0, 1, 1)])
            {
                int columns = (Width - x + stepX - 1) / stepX;
                if (columns < 1) continue;
                int length = (int)RowBytes(columns);
                Array.Clear(previous);
                for (int row = y; row < Height; row += stepY)
                {
                    if (rows.ReadAtLeast(current.AsSpan(0, length), length, throwOnEndOfStream: false) < length) throw CutOff();
                    Unfilter(current.AsSpan(0, length), previous);
                    Expand(current.AsSpan(1), pixels.AsSpan(0, columns));
                    sink.Add(row, x, stepX, pixels.AsSpan(0, columns));
                    (current, previous) = (previous, current);
                }
            }
        }
        catch (InvalidDataException)
        {
            throw Damaged();
        }
    }

    private static ImageFormatException CutOff() => ImageFormat.CutOff();

    private static ImageFormatException Damaged() => ImageFormat.Damaged();

    // Gray, RGB, palette, gray with alpha, RGB with alpha.
    private static bool IsKnown(int colorType, int bitDepth) => colorType switch
    {
        0 => bitDepth is 1 or 2 or 4 or 8 or 16,
        3 => bitDepth is 1 or 2 or 4 or 8,
        2 or 4 or 6 => bitDepth is 8 or 16,
        _ => false,
    };

    private static int ChunkType(ReadOnlySpan<byte> letters) => BinaryPrimitives.ReadInt32BigEndian(letters);

    // Length, four letters, data, checksum. Chunks without which an image can be read (the first letter is small) may be damaged.
    private ReadOnlySpan<byte> Chunk(int at, out int type, out int end)
    {
        ReadOnlySpan<byte> rest = _png.Span[at..];
        if (rest.Length < 12) throw CutOff();
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        type = BinaryPrimitives.ReadInt32BigEndian(rest[4..]);
        if (length > rest.Length - 12) throw CutOff();
        end = at + 12 + (int)length;
        bool critical = (rest[4] & 0x20) == 0;
        if (critical && Crc32.HashToUInt32(rest.Slice(4, (int)length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + (int)length)..])) throw Damaged();
        return rest.Slice(8, (int)length);
    }

    private long RowBytes(int columns) => 1 + ((((long)columns * BitsPerPixel) + 7) / 8);

    private static uint[] PaletteTable(ReadOnlySpan<byte> palette, ReadOnlySpan<byte> alphas)
    {
        int colors = Math.Min(256, palette.Length / 3);
        if (colors == 0) throw Damaged();
        if (alphas.Length > colors) alphas = default;
        uint[] table = new uint[256];
        for (int i = 0; i < 256; i++)
        {
            // Indexes beyond the palette are an error in the file; as in Skia they get its last color.
            int color = Math.Min(i, colors - 1);
            uint alpha = color < alphas.Length ? alphas[color] : 255u;
            table[i] = palette[color * 3] | ((uint)palette[(color * 3) + 1] << 8) | ((uint)palette[(color * 3) + 2] << 16) | (alpha << 24);
        }

        return table;
    }

    private static uint[] GrayTable(int bitDepth, ReadOnlySpan<byte> transparent)
    {
        int levels = 1 << bitDepth;
        uint[] table = new uint[256];
        for (int i = 0; i < levels; i++)
        {
            uint level = (uint)(i * 255 / (levels - 1));
            bool clear = transparent.Length == 2 && (BinaryPrimitives.ReadUInt16BigEndian(transparent) & (levels - 1)) == i;
            table[i] = (level * 0x010101) | (clear ? 0 : 0xFF000000);
        }

        return table;
    }

    private void Unfilter(Span<byte> row, ReadOnlySpan<byte> above)
    {
        int filter = row[0];
        int distance = Math.Max(1, BitsPerPixel / 8);
        row = row[1..];
        above = above.Slice(1, row.Length);
        switch (filter)
        {
            case 0:
                break;
            case 1:
                for (int i = distance; i < row.Length; i++) row[i] += row[i - distance];
                break;
            case 2:
                for (int i = 0; i < row.Length; i++) row[i] += above[i];
                break;
            case 3:
                for (int i = 0; i < row.Length; i++) row[i] += (byte)(((i < distance ? 0 : row[i - distance]) + above[i]) / 2);
                break;
            case 4:
                for (int i = 0; i < Math.Min(distance, row.Length); i++) row[i] += above[i];
                for (int i = distance; i < row.Length; i++) row[i] += Paeth(row[i - distance], above[i], above[i - distance]);
                break;
            default:
                throw Damaged();
        }
    }

    /// <summary>Of the three neighbors the one nearest to left + above - aboveLeft.</summary>
    internal static byte Paeth(int left, int above, int aboveLeft)
    {
        int toLeft = Math.Abs(above - aboveLeft);
        int toAbove = Math.Abs(left - aboveLeft);
        int toAboveLeft = Math.Abs(left + above - (2 * aboveLeft));
        return (byte)(toLeft <= toAbove && toLeft <= toAboveLeft ? left : toAbove <= toAboveLeft ? above : aboveLeft);
    }

    private void Expand(ReadOnlySpan<byte> row, Span<uint> pixels)
    {
        if (_table is not null)
        {
            ExpandIndexes(row, pixels);
            return;
        }

        int bytes = _bitDepth / 8;
        int channels = BitsPerPixel / _bitDepth;
        bool isGray = _colorType is 0 or 4;
        bool hasAlpha = _colorType is 4 or 6;
        for (int i = 0; i < pixels.Length; i++)
        {
            ReadOnlySpan<byte> pixel = row.Slice(i * channels * bytes, channels * bytes);
            uint red = pixel[0];
            uint green = isGray ? red : pixel[bytes];
            uint blue = isGray ? red : pixel[2 * bytes];
            uint alpha = hasAlpha ? pixel[(channels - 1) * bytes] : _transparent != ulong.MaxValue && Samples(pixel, channels) == _transparent ? 0u : 255u;
            pixels[i] = red | (green << 8) | (blue << 16) | (alpha << 24);
        }
    }

    private void ExpandIndexes(ReadOnlySpan<byte> row, Span<uint> pixels)
    {
        uint[] table = _table!;
        int perByte = 8 / _bitDepth;
        int mask = (1 << _bitDepth) - 1;
        for (int i = 0, at = 0; i < pixels.Length; at++)
        {
            int bits = row[at];
            int last = Math.Min(pixels.Length, i + perByte);
            for (int shift = 8 - _bitDepth; i < last; i++, shift -= _bitDepth)
            {
                pixels[i] = table[(bits >> shift) & mask];
            }
        }
    }

    private ulong Samples(ReadOnlySpan<byte> pixel, int channels)
    {
        ulong samples = 0;
        for (int c = 0; c < channels; c++)
        {
            samples = (samples << 16) | (_bitDepth == 16 ? BinaryPrimitives.ReadUInt16BigEndian(pixel[(c * 2)..]) : pixel[c]);
        }

        return samples;
    }

    /// <summary>The compressed rows: the data of all IDAT chunks, one after the other.</summary>
    private sealed class DataStream(PngRows png) : Stream
    {
        private int _next = png._firstData;
        private int _at;
        private int _left;
        private bool _ended;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            while (_left == 0 && !_ended)
            {
                _at = _next + 8;
                _left = png.Chunk(_next, out int type, out _next).Length;
                if (type != ChunkType("IDAT"u8)) (_left, _ended) = (0, true);
            }

            int taken = Math.Min(buffer.Length, _left);
            png._png.Span.Slice(_at, taken).CopyTo(buffer);
            (_at, _left) = (_at + taken, _left - taken);
            return taken;
        }

        public override void Flush()
        {
            // Nothing is written.
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
