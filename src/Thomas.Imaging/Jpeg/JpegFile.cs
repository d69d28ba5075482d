using System;
using System.Buffers.Binary;
using SkiaSharp;

namespace Thomas.Imaging.Jpeg;

/// <summary>The segments of a JPEG (ITU-T T.81, annex B): tables, the frame, and where its scans are.</summary>
internal sealed class JpegFile
{
    private const int Start = 0xD8, End = 0xD9, Scan = 0xDA, Quantizations = 0xDB, Restarts = 0xDD, HuffmanTables = 0xC4;
    private const int MostSampling = 4, MostTables = 4, TableLength = 64;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly ushort[]?[] _quantizations = new ushort[MostTables][];
    private readonly JpegHuffman?[] _dc = new JpegHuffman[MostTables];
    private readonly JpegHuffman?[] _ac = new JpegHuffman[MostTables];
    private int _at = 2;
    private bool _hasOrientation;

    /// <summary>Reads up to the first scan.</summary>
    /// <exception cref="ImageFormatException">There is none, the file is damaged, or of a kind that is not read.</exception>
    public JpegFile(ReadOnlyMemory<byte> file)
    {
        _file = file;
        Bits = new JpegBits(file);
        if (!NextScan() || Components.Length == 0) throw ImageFormat.Damaged();
    }

    /// <summary>The order of a block's coefficients in the file.</summary>
    public static ReadOnlySpan<byte> Order =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>Whether values come in several scans, each with more of their bits.</summary>
    public bool IsProgressive { get; private set; }

    public JpegComponent[] Components { get; private set; } = [];

    /// <summary>The largest <see cref="JpegComponent.Horizontal"/>.</summary>
    public int MostHorizontal { get; private set; } = 1;

    /// <summary>The largest <see cref="JpegComponent.Vertical"/>.</summary>
    public int MostVertical { get; private set; } = 1;

    /// <summary>The kind of colors in Adobe's segment; -1 without it.</summary>
    public int AdobeTransform { get; private set; } = -1;

    public bool IsJfif { get; private set; }

    public SKEncodedOrigin Origin { get; private set; } = SKEncodedOrigin.TopLeft;

    /// <summary>Units between two restarts; 0 for none.</summary>
    public int RestartInterval { get; private set; }

    /// <summary>The bits of the current scan.</summary>
    public JpegBits Bits { get; }

    /// <summary>The components of the current scan.</summary>
    public JpegComponent[] Scanned { get; private set; } = [];

    /// <summary>The first coefficient in the current scan.</summary>
    public int First { get; private set; }

    /// <summary>The last coefficient in the current scan.</summary>
    public int Last { get; private set; }

    /// <summary>How many of the coefficients' lowest bits earlier scans left out; 0 if there were none.</summary>
    public int BitsBefore { get; private set; }

    /// <summary>How many of the coefficients' lowest bits the current scan leaves out.</summary>
    public int BitsAfter { get; private set; }

    /// <summary>Goes to the next scan.</summary>
    /// <returns>False if the image ends.</returns>
    /// <exception cref="ImageFormatException">The file is damaged, cut off, or of a kind that is not read.</exception>
    public bool NextScan()
    {
        ReadOnlySpan<byte> bytes = _file.Span;
        while (true)
        {
            while (_at < bytes.Length && bytes[_at] != 0xFF) _at++;
            while (_at < bytes.Length && bytes[_at] == 0xFF) _at++;
            if (_at >= bytes.Length) throw ImageFormat.CutOff();
            int marker = bytes[_at++];
            if (marker == End) return false;
            if (marker is 0 or 1 or (>= 0xD0 and <= Start)) continue;
            if (_at + 2 > bytes.Length) throw ImageFormat.CutOff();
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[_at..]);
            if (length < 2) throw ImageFormat.Damaged();
            if (_at + length > bytes.Length) throw ImageFormat.CutOff();
            ReadOnlySpan<byte> segment = bytes.Slice(_at + 2, length - 2);
            _at += length;
            if (marker == Scan)
            {
                ReadScan(segment);
                Bits.Start(_at);
                return true;
            }

            Read(marker, segment);
        }
    }

    /// <summary>After the last bits of a scan that were read: goes on behind them.</summary>
    public void EndScan() => _at = Bits.End();

    /// <summary>Goes over the marker of a restart, and starts anew behind it.</summary>
    /// <param name="number">How many restarts there were before in the scan.</param>
    /// <exception cref="ImageFormatException">There is none, or another one.</exception>
    public void Restart(int number)
    {
        Bits.Check();
        int at = Bits.End();
        if (at + 2 > _file.Length) throw ImageFormat.CutOff();
        if (_file.Span[at + 1] != 0xD0 + (number & 7)) throw ImageFormat.Damaged();
        Bits.Start(at + 2);
    }

    private static ImageFormatException Unsupported(string what) =>
        new($"This is a JPEG image that cannot be read ({what}); save it as an ordinary JPEG or as PNG.");

    private void Read(int marker, ReadOnlySpan<byte> segment)
    {
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2:
                ReadFrame(segment, marker == 0xC2);
                break;
            case HuffmanTables:
                ReadHuffman(segment);
                break;
            case > 0xC2 and <= 0xCF:
                throw Unsupported(marker is 0xC3 or 0xC7 or 0xCB or 0xCF ? "it is compressed without loss" : "its compression is of a rare kind");
            case Quantizations:
                ReadQuantization(segment);
                break;
            case Restarts:
                if (segment.Length != 2) throw ImageFormat.Damaged();
                RestartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                break;
            case 0xE0:
                IsJfif |= segment.StartsWith("JFIF\0"u8);
                break;
            case 0xE1 when !_hasOrientation && segment.StartsWith("Exif\0\0"u8):
                (Origin, _hasOrientation) = (ExifOrientation.FromTiff(segment), true);
                break;
            case 0xEE when segment.Length >= 12 && segment.StartsWith("Adobe"u8):
                AdobeTransform = segment[11];
                break;
        }
    }

    private void ReadFrame(ReadOnlySpan<byte> segment, bool isProgressive)
    {
        if (Components.Length > 0 || segment.Length < 6 || segment.Length != 6 + (3 * segment[5])) throw ImageFormat.Damaged();
        if (segment[0] != 8) throw Unsupported($"it has {segment[0]} bits a channel");
        if (segment[5] is not (1 or 3 or 4)) throw Unsupported($"it has {segment[5]} channels");
        IsProgressive = isProgressive;
        (Height, Width) = (BinaryPrimitives.ReadUInt16BigEndian(segment[1..]), BinaryPrimitives.ReadUInt16BigEndian(segment[3..]));
        if (Width == 0 || Height == 0) throw new ImageFormatException($"The header claims {Width}x{Height} pixels.");
        JpegComponent[] components = new JpegComponent[segment[5]];
        for (int i = 0; i < components.Length; i++)
        {
            ReadOnlySpan<byte> entry = segment.Slice(6 + (3 * i), 3);
            (int horizontal, int vertical) = (entry[1] >> 4, entry[1] & 15);
            if (horizontal is 0 or > MostSampling || vertical is 0 or > MostSampling || entry[2] >= MostTables) throw ImageFormat.Damaged();

            // Where there is only one, its blocks come row by row whatever it says.
            components[i] = components.Length == 1 ? new JpegComponent(entry[0], 1, 1, entry[2]) : new JpegComponent(entry[0], horizontal, vertical, entry[2]);
            MostHorizontal = Math.Max(MostHorizontal, components[i].Horizontal);
            MostVertical = Math.Max(MostVertical, components[i].Vertical);
        }

        foreach (JpegComponent component in components)
        {
            if (MostHorizontal % component.Horizontal != 0 || MostVertical % component.Vertical != 0) throw Unsupported("its channels have odd sizes");
            component.Measure(Width, Height, MostHorizontal, MostVertical);
        }

        Components = components;
    }

    private void ReadQuantization(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            int number = segment[0] & 15, bytes = (segment[0] >> 4) + 1;
            if (number >= MostTables || bytes > 2 || segment.Length < 1 + (TableLength * bytes)) throw ImageFormat.Damaged();
            ushort[] table = new ushort[TableLength];
            for (int i = 0; i < TableLength; i++)
            {
                table[Order[i]] = bytes == 1 ? segment[1 + i] : BinaryPrimitives.ReadUInt16BigEndian(segment[(1 + (2 * i))..]);
            }

            _quantizations[number] = table;
            segment = segment[(1 + (TableLength * bytes))..];
        }
    }

    private void ReadHuffman(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            if (segment.Length < 17) throw ImageFormat.Damaged();
            int number = segment[0] & 15, kind = segment[0] >> 4, symbols = 0;
            foreach (byte count in segment.Slice(1, 16)) symbols += count;
            if (number >= MostTables || kind > 1 || symbols > 256 || segment.Length < 17 + symbols) throw ImageFormat.Damaged();
            (kind == 0 ? _dc : _ac)[number] = new JpegHuffman(segment.Slice(1, 16), segment.Slice(17, symbols));
            segment = segment[(17 + symbols)..];
        }
    }

    private void ReadScan(ReadOnlySpan<byte> segment)
    {
        int count = segment.IsEmpty ? 0 : segment[0];
        if (count is 0 or > 4 || count > Components.Length || segment.Length != 4 + (2 * count)) throw ImageFormat.Damaged();
        ReadOnlySpan<byte> range = segment[(1 + (2 * count))..];
        (First, Last, BitsBefore, BitsAfter) = IsProgressive ? (range[0], range[1], range[2] >> 4, range[2] & 15) : (0, TableLength - 1, 0, 0);
        if (IsProgressive) CheckProgress(count);
        Scanned = new JpegComponent[count];
        int blocks = 0;
        for (int i = 0; i < count; i++)
        {
            int id = segment[1 + (2 * i)];
            JpegComponent component = Array.Find(Components, c => c.Id == id) ?? throw ImageFormat.Damaged();
            if (Array.IndexOf(Scanned, component) >= 0) throw ImageFormat.Damaged();
            Scanned[i] = component;
            int dc = segment[2 + (2 * i)] >> 4, ac = segment[2 + (2 * i)] & 15;
            if (dc >= MostTables || ac >= MostTables) throw ImageFormat.Damaged();

            // A scan that goes on with the values at the blocks' corners needs no table for them, and one with nothing else none for the rest.
            (component.Dc, component.Ac) = (_dc[dc], _ac[ac]);
            if ((First == 0 && BitsBefore == 0 && component.Dc is null) || (Last > 0 && component.Ac is null)) throw ImageFormat.Damaged();
            component.Quantization ??= _quantizations[component.Table] ?? throw ImageFormat.Damaged();
            blocks += component.Horizontal * component.Vertical;
        }

        if (count > 1 && blocks > 10) throw ImageFormat.Damaged();
    }

    private void CheckProgress(int components)
    {
        bool isRight = First == 0 ? Last == 0 : components == 1 && Last >= First && Last < TableLength;
        if (!isRight || BitsAfter > 13 || (BitsBefore > 0 && BitsBefore != BitsAfter + 1)) throw ImageFormat.Damaged();
    }
}
