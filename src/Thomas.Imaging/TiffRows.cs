using System;

using SkiaSharp;

namespace Thomas.Imaging;

/// <summary>
/// Reads the first image of a TIFF file a row at a time (TIFF 6.0): gray, palette, RGB and CMYK of 1 to 16 bits, in strips or tiles, uncompressed or packed
/// with LZW, Deflate or PackBits. Samples of 16 bits keep their higher byte.
/// </summary>
internal sealed class TiffRows : IRowSource
{
    private const int MostSamples = 64, FirstData = 8;
    private const int Gray0White = 0, Gray = 1, Rgb = 2, Palette = 3, Cmyk = 5;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly TiffTags _tags;
    private readonly int _bits;
    private readonly int _samples;
    private readonly int _colors;
    private readonly uint _photometric;
    private readonly uint _compression;
    private readonly bool _isPlanar;
    private readonly bool _isPredicted;
    private readonly bool _isTiled;
    private readonly int _chunkWidth;
    private readonly int _chunkHeight;
    private readonly bool _hasAlpha;
    private readonly bool _isPremultiplied;
    private readonly uint[] _palette = [];

    private TiffRows(ReadOnlyMemory<byte> file)
    {
        _file = file;
        _tags = new TiffTags(file);
        if ((_tags.Value(254) & 1) != 0) throw Unsupported("it begins with a preview, as raw files of cameras do");
        (uint width, uint height) = (_tags.Value(256), _tags.Value(257));
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue) throw new ImageFormatException($"The header claims {width}x{height} pixels.");
        (Width, Height) = ((int)width, (int)height);
        _compression = _tags.Value(259, 1);
        _photometric = _tags.Value(262, Gray);
        uint samples = _tags.Value(277, 1);
        if (samples > MostSamples) throw Unsupported($"it has {samples} samples per pixel");
        _samples = (int)samples;
        _colors = _photometric switch
        {
            Rgb => 3,
            Cmyk => 4,
            Gray0White or Gray or Palette => 1,
            _ => throw Unsupported($"its colors are of kind {_photometric}"),
        };
        _bits = (int)_tags.Value(258, 1);
        for (uint i = 1; i < _tags.Count(258); i++)
        {
            if (_tags.Value(258, 1, i) != _bits) throw Unsupported("its channels have different numbers of bits");
        }

        if (_samples < _colors) throw new ImageFormatException(ImageFormat.DescribeFailure(SKCodecResult.ErrorInInput));
        if (_bits is not (1 or 2 or 4 or 8 or 16) || (_bits < 8 && _samples > 1) || _tags.Value(339, 1) != 1) throw Unsupported("of its number format");
        if (_tags.Value(266, 1) != 1) throw Unsupported("of its order of bits");
        if (TiffData.Open(default, _compression) is not TiffData probe) throw Unsupported($"its compression is of kind {_compression}");
        probe.Dispose();
        uint predictor = _tags.Value(317, 1);
        if (predictor > 2 || (predictor == 2 && _bits < 8)) throw Unsupported($"of its predictor {predictor}");
        _isPredicted = predictor == 2;
        _isPlanar = _tags.Value(284, 1) == 2 && _samples > 1;
        _isTiled = _tags.Count(324) > 0;
        if (!_isTiled && _tags.Count(273) == 0) throw new ImageFormatException("This is a TIFF image that does not say where its pixels are.");
        _chunkWidth = _isTiled ? Side(322) : Width;
        _chunkHeight = _isTiled ? Side(323) : (int)Math.Clamp(_tags.Value(278, height), 1, height);
        uint extra = _samples > _colors ? _tags.Value(338) : 0;
        (_hasAlpha, _isPremultiplied) = (extra is 1 or 2, extra == 1);
        if (_photometric == Palette) _palette = Colors();
        Origin = _tags.Value(274, 1) is >= 1 and <= 8 and uint origin ? (SKEncodedOrigin)origin : SKEncodedOrigin.TopLeft;
    }

    /// <summary>Stored width.</summary>
    public int Width { get; }

    /// <summary>Stored height.</summary>
    public int Height { get; }

    /// <inheritdoc/>
    public bool AnyOrder => false;

    /// <summary>Where the first row and column belong.</summary>
    public SKEncodedOrigin Origin { get; }

    /// <summary>Bytes that reading holds beside the sink's.</summary>
    public long Cost => ((long)Width * sizeof(uint)) + ((long)Columns * Planes * TiffData.Cost) + (Planes * RowBytes);

    private int Planes => _isPlanar ? _samples : 1;

    private int Columns => (int)(((long)Width + _chunkWidth - 1) / _chunkWidth);

    private int SamplesInRow => _isPlanar ? 1 : _samples;

    private long RowBytes => (((long)_chunkWidth * SamplesInRow * _bits) + 7) / 8;

    /// <summary>Opens a file that <see cref="TiffTags.Recognizes"/>.</summary>
    /// <exception cref="ImageFormatException">The header is damaged, or the file is of a kind that is not read; the message says which.</exception>
    public static TiffRows Open(ReadOnlyMemory<byte> file) => new(file);

    /// <summary>Passes all pixels on, row by row.</summary>
    /// <exception cref="ImageFormatException">The file is cut off or damaged.</exception>
    public void Read(PixelSink sink)
    {
        int rowBytes = checked((int)RowBytes), bands = (int)(((long)Height + _chunkHeight - 1) / _chunkHeight);
        uint[] pixels = new uint[Width];
        byte[][] rows = new byte[Planes][];
        for (int plane = 0; plane < Planes; plane++) rows[plane] = new byte[rowBytes];
        TiffData?[] chunks = new TiffData?[Columns * Planes];
        try
        {
            for (int band = 0; band < bands; band++)
            {
                for (int i = 0; i < chunks.Length; i++)
                {
                    chunks[i]?.Dispose();
                    (int column, int plane) = (i / Planes, i % Planes);
                    chunks[i] = TiffData.Open(Chunk(((long)plane * bands * Columns) + ((long)band * Columns) + column), _compression);
                }

                int first = band * _chunkHeight;
                for (int y = first; y < Height && y - first < _chunkHeight; y++)
                {
                    for (int column = 0; column < Columns; column++)
                    {
                        for (int plane = 0; plane < Planes; plane++)
                        {
                            chunks[(column * Planes) + plane]!.Fill(rows[plane]);
                            if (_isPredicted) Accumulate(rows[plane]);
                        }

                        int x = column * _chunkWidth;
                        Expand(rows, pixels.AsSpan(x, Math.Min(_chunkWidth, Width - x)));
                    }

                    sink.Add(y, 0, 1, pixels);
                }
            }
        }
        finally
        {
            foreach (TiffData? chunk in chunks) chunk?.Dispose();
        }
    }

    private static ImageFormatException Unsupported(string why) =>
        new($"This is a TIFF image that cannot be read ({why}); convert it to JPEG or PNG.");

    private int Side(int tag) => _tags.Value(tag) is > 0 and <= 1 << 16 and uint side
        ? (int)side
        : throw new ImageFormatException(ImageFormat.DescribeFailure(SKCodecResult.ErrorInInput));

    /// <summary>What is stored of a strip or tile. Old files do not say how long a strip is.</summary>
    private ReadOnlyMemory<byte> Chunk(long number)
    {
        uint index = (uint)Math.Min(number, uint.MaxValue), offset = _tags.Value(_isTiled ? 324 : 273, 0, index);
        if (offset >= _file.Length) throw TiffTags.CutOff();

        // Before the header's end there are no pixels.
        if (offset < FirstData) throw new ImageFormatException(ImageFormat.DescribeFailure(SKCodecResult.ErrorInInput));
        ReadOnlyMemory<byte> rest = _file[(int)offset..];
        int counts = _isTiled ? 325 : 279;
        return _tags.Count(counts) == 0 ? rest : rest[..(int)Math.Min(_tags.Value(counts, 0, index), (uint)rest.Length)];
    }

    // Predictor 2: each sample is the difference from the one to its left.
    private void Accumulate(Span<byte> row)
    {
        if (_bits == 8)
        {
            for (int i = SamplesInRow; i < row.Length; i++) row[i] += row[i - SamplesInRow];
            return;
        }

        (int high, int low) = _tags.IsBigEndian ? (0, 1) : (1, 0);
        for (int i = SamplesInRow * 2; i + 1 < row.Length; i += 2)
        {
            int before = i - (SamplesInRow * 2);
            int sum = ((row[i + high] + row[before + high]) << 8) + row[i + low] + row[before + low];
            (row[i + high], row[i + low]) = ((byte)(sum >> 8), (byte)sum);
        }
    }

    private void Expand(byte[][] rows, Span<uint> pixels)
    {
        for (int x = 0; x < pixels.Length; x++)
        {
            uint red, green, blue, alpha = 255;
            switch (_photometric)
            {
                case Rgb:
                    (red, green, blue) = (Sample(rows, x, 0), Sample(rows, x, 1), Sample(rows, x, 2));
                    break;
                case Cmyk:
                    uint light = 255 - Sample(rows, x, 3);
                    red = ((255 - Sample(rows, x, 0)) * light) / 255;
                    green = ((255 - Sample(rows, x, 1)) * light) / 255;
                    blue = ((255 - Sample(rows, x, 2)) * light) / 255;
                    break;
                case Palette:
                    pixels[x] = _palette[Index(rows[0], x * SamplesInRow)];
                    continue;
                default:
                    red = Sample(rows, x, 0);
                    if (_photometric == Gray0White) red = 255 - red;
                    green = blue = red;
                    break;
            }

            if (_hasAlpha) alpha = Sample(rows, x, _colors);
            if (_isPremultiplied && alpha is > 0 and < 255)
            {
                red = Math.Min(255, red * 255 / alpha);
                green = Math.Min(255, green * 255 / alpha);
                blue = Math.Min(255, blue * 255 / alpha);
            }

            pixels[x] = red | (green << 8) | (blue << 16) | (alpha << 24);
        }
    }

    /// <summary>A sample as a byte.</summary>
    private uint Sample(byte[][] rows, int x, int channel)
    {
        byte[] row = rows[_isPlanar ? channel : 0];
        int i = _isPlanar ? x : (x * _samples) + channel;
        return _bits switch
        {
            8 => row[i],
            16 => row[(i * 2) + (_tags.IsBigEndian ? 0 : 1)],
            _ => (uint)(Index(row, i) * 255 / ((1 << _bits) - 1)),
        };
    }

    private int Index(byte[] row, int i)
    {
        if (_bits == 8) return row[i];
        if (_bits == 16) return row[(i * 2) + (_tags.IsBigEndian ? 0 : 1)];
        int at = i * _bits;
        return (row[at >> 3] >> (8 - _bits - (at & 7))) & ((1 << _bits) - 1);
    }

    // All reds, all greens, all blues, of 16 bits; some programs write bytes there.
    private uint[] Colors()
    {
        if (_bits == 16) throw Unsupported("of its number format");
        int count = 1 << _bits;
        if (_tags.Count(320) < 3 * count) throw new ImageFormatException(ImageFormat.DescribeFailure(SKCodecResult.ErrorInInput));
        uint most = 0;
        for (uint i = 0; i < 3 * count; i++) most = Math.Max(most, _tags.Value(320, 0, i));
        int shift = most > 255 ? 8 : 0;
        uint[] colors = new uint[count];
        for (int i = 0; i < count; i++)
        {
            uint red = _tags.Value(320, 0, (uint)i), green = _tags.Value(320, 0, (uint)(count + i)), blue = _tags.Value(320, 0, (uint)((2 * count) + i));
            colors[i] = (red >> shift) | (green >> shift << 8) | (blue >> shift << 16) | 0xFF000000;
        }

        return colors;
    }
}
