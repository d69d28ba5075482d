using System;
using System.Collections.Generic;
using System.Numerics;
using Thomas.Imaging.Jpeg;

namespace Thomas.Tests.Imaging;

/// <summary>
/// Writes JPEG files of made-up coefficients in every way of writing them: baseline or progressive with any script of scans, interleaved or not, any sampling,
/// with restarts, with short or long codes, with the segments that say what the channels are.
/// </summary>
internal sealed class JpegMaker
{
    private readonly List<byte> _file = [];
    private readonly List<short[][]> _blocks = [];
    private ulong _bits;
    private int _bitCount;
    private int _empty;
    private readonly List<int> _corrections = [];

    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>For each channel its blocks beside and below each other in a unit.</summary>
    public required (int H, int V)[] Sampling { get; init; }

    /// <summary>Names of the channels; 1, 2, 3 unless told otherwise.</summary>
    public byte[] Ids { get; init; } = [1, 2, 3, 4];

    /// <summary>Scans: channels, first and last coefficient, bits left out before and now. Null for one baseline scan of all.</summary>
    public (int[] Channels, int First, int Last, int Before, int After)[]? Scans { get; init; }

    public bool IsProgressive { get; init; }

    public int RestartInterval { get; init; }

    /// <summary>Whether most codes have 12 bits instead of 8.</summary>
    public bool HasLongCodes { get; init; }

    public bool HasJfif { get; init; }

    public int? AdobeTransform { get; init; }

    /// <summary>Whether the marker at the end is missing.</summary>
    public bool HasNoEnd { get; init; }

    private int MostH
    {
        get
        {
            int most = 1;
            foreach ((int h, _) in Sampling) most = Math.Max(most, h);
            return most;
        }
    }

    private int MostV
    {
        get
        {
            int most = 1;
            foreach ((_, int v) in Sampling) most = Math.Max(most, v);
            return most;
        }
    }

    private int UnitsX => (Width + (8 * MostH) - 1) / (8 * MostH);

    private int UnitsY => (Height + (8 * MostV) - 1) / (8 * MostV);

    public byte[] Make(ulong seed)
    {
        Rng rng = new(seed);
        foreach ((int h, int v) in Sampling) _blocks.Add(RandomBlocks(rng, UnitsX * h * UnitsY * v));
        _file.AddRange([0xFF, 0xD8]);
        if (HasJfif) Segment(0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        if (AdobeTransform is int transform) Segment(0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, (byte)transform]);
        byte[] table = new byte[65];
        for (int i = 1; i < table.Length; i++) table[i] = (byte)(2 + (i / 4));
        Segment(0xDB, table);
        List<byte> frame = [8, (byte)(Height >> 8), (byte)Height, (byte)(Width >> 8), (byte)Width, (byte)Sampling.Length];
        for (int c = 0; c < Sampling.Length; c++) frame.AddRange([Ids[c], (byte)((Sampling[c].H << 4) | Sampling[c].V), 0]);
        Segment((byte)(IsProgressive ? 0xC2 : 0xC0), [.. frame]);
        Segment(0xC4, [0x00, .. DcTable(), 0x10, .. AcTable()]);
        if (RestartInterval > 0) Segment(0xDD, [(byte)(RestartInterval >> 8), (byte)RestartInterval]);
        int[] all = new int[Sampling.Length];
        for (int c = 0; c < all.Length; c++) all[c] = c;
        foreach ((int[] channels, int first, int last, int before, int after) in Scans ?? [(all, 0, 63, 0, 0)])
        {
            WriteScan(channels, first, last, before, after);
        }

        if (!HasNoEnd) _file.AddRange([0xFF, 0xD9]);
        return [.. _file];
    }

    // A few low coefficients with values that stay within what 8 bits can show, and now and then a high one.
    private static short[][] RandomBlocks(Rng rng, int count)
    {
        short[][] blocks = new short[count][];
        for (int i = 0; i < count; i++)
        {
            blocks[i] = new short[64];
            blocks[i][0] = (short)(rng.Next(300) - 150);
            for (int k = 1; k < 64; k++)
            {
                int range = k < 10 ? 24 : 6;
                if (rng.Next(k < 10 ? 3 : 12) == 0) blocks[i][JpegFile.Order[k]] = (short)(rng.Next((2 * range) + 1) - range);
            }
        }

        return blocks;
    }

    private void Segment(byte marker, byte[] data)
    {
        int length = data.Length + 2;
        _file.AddRange([0xFF, marker, (byte)(length >> 8), (byte)length, .. data]);
    }

    // All symbols in their order: 15 codes of 4 bits and one of 5, or one of 2 bits and the rest of 11.
    private byte[] DcTable() => HasLongCodes ? Table((2, 1), (11, 15)) : Table((4, 15), (5, 1));

    private void DcSymbol(int symbol)
    {
        if (HasLongCodes) Bits(symbol == 0 ? 0 : (1 << 9) + symbol - 1, symbol == 0 ? 2 : 11);
        else Bits(symbol < 15 ? symbol : 15 << 1, symbol < 15 ? 4 : 5);
    }

    // 255 codes of 8 bits and one of 9, or 8 of 4 bits and the rest of 12.
    private byte[] AcTable() => HasLongCodes ? Table((4, 8), (12, 248)) : Table((8, 255), (9, 1));

    private void Symbol(int symbol)
    {
        if (HasLongCodes) Bits(symbol < 8 ? symbol : (8 << 8) + symbol - 8, symbol < 8 ? 4 : 12);
        else Bits(symbol < 255 ? symbol : 255 << 1, symbol < 255 ? 8 : 9);
    }

    private static byte[] Table(params ReadOnlySpan<(int Bits, int Count)> codes)
    {
        List<byte> table = [.. new byte[16]];
        foreach ((int bits, int count) in codes)
        {
            table[bits - 1] = (byte)count;
            for (int i = 0; i < count; i++) table.Add((byte)(table.Count - 16));
        }

        return [.. table];
    }

    private void Bits(int value, int count)
    {
        _bits = (_bits << count) | (uint)(value & ((1 << count) - 1));
        _bitCount += count;
        while (_bitCount >= 8)
        {
            _bitCount -= 8;
            byte next = (byte)(_bits >> _bitCount);
            _file.Add(next);
            if (next == 0xFF) _file.Add(0);
        }
    }

    private void Value(int value, int size) => Bits(value < 0 ? value + (1 << size) - 1 : value, size);

    private static int SizeOf(int value) => 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));

    private void WriteScan(int[] channels, int first, int last, int before, int after)
    {
        List<byte> header = [(byte)channels.Length];
        foreach (int channel in channels) header.AddRange([Ids[channel], 0x00]);
        Segment(0xDA, [.. header, (byte)first, (byte)last, (byte)((before << 4) | after)]);
        int[] predictions = new int[Sampling.Length];
        int units = 0, restarts = 0;
        foreach ((int channel, short[] block, bool startsUnit) in BlocksOf(channels))
        {
            if (startsUnit && RestartInterval > 0 && units > 0 && units % RestartInterval == 0)
            {
                EndPart();
                _file.AddRange([0xFF, (byte)(0xD0 + (restarts++ & 7))]);
                Array.Clear(predictions);
            }

            if (startsUnit) units++;
            WriteBlock(block, ref predictions[channel], first, last, before, after);
        }

        EndPart();
    }

    private IEnumerable<(int Channel, short[] Block, bool StartsUnit)> BlocksOf(int[] channels)
    {
        if (channels.Length == 1)
        {
            (int h, int v) = Sampling.Length == 1 ? (1, 1) : Sampling[channels[0]];
            int mostH = Sampling.Length == 1 ? 1 : MostH, mostV = Sampling.Length == 1 ? 1 : MostV;
            int columns = ((Width * h) + (8 * mostH) - 1) / (8 * mostH), rows = ((Height * v) + (8 * mostV) - 1) / (8 * mostV);
            int stride = UnitsX * Sampling[channels[0]].H;
            for (int i = 0; i < columns * rows; i++) yield return (channels[0], _blocks[channels[0]][(i / columns * stride) + (i % columns)], true);
            yield break;
        }

        for (int unit = 0; unit < UnitsX * UnitsY; unit++)
        {
            bool isFirst = true;
            foreach (int channel in channels)
            {
                (int h, int v) = Sampling[channel];
                for (int i = 0; i < h * v; i++)
                {
                    int x = (unit % UnitsX * h) + (i % h), y = (unit / UnitsX * v) + (i / h);
                    yield return (channel, _blocks[channel][(y * UnitsX * h) + x], isFirst);
                    isFirst = false;
                }
            }
        }
    }

    private void WriteBlock(short[] block, ref int prediction, int first, int last, int before, int after)
    {
        if (first == 0 && before > 0)
        {
            Bits(block[0] >> after, 1);
            return;
        }

        if (first == 0)
        {
            int value = block[0] >> after, size = SizeOf(value - prediction);
            DcSymbol(size);
            Value(value - prediction, size);
            prediction = value;
            first = 1;
        }

        if (last > 0 && before == 0) WriteValues(block, first, last, after);
        else if (last > 0) Refine(block, first, last, after);
    }

    private void WriteValues(short[] block, int first, int last, int after)
    {
        int zeros = 0;
        for (int k = first; k <= last; k++)
        {
            int value = block[JpegFile.Order[k]] / (1 << after);
            if (value == 0)
            {
                zeros++;
                continue;
            }

            EndEmpty();
            for (; zeros > 15; zeros -= 16) Symbol(0xF0);
            int size = SizeOf(value);
            Symbol((zeros << 4) | size);
            Value(value, size);
            zeros = 0;
        }

        if (zeros == 0) return;
        if (!IsProgressive) Symbol(0);
        else if (++_empty == 0x7FFF) EndEmpty();
    }

    private void Refine(short[] block, int first, int last, int after)
    {
        int[] sizes = new int[64];
        int lastNew = 0, zeros = 0;
        for (int k = first; k <= last; k++)
        {
            sizes[k] = Math.Abs((int)block[JpegFile.Order[k]]) >> after;
            if (sizes[k] == 1) lastNew = k;
        }

        List<int> corrections = [];
        for (int k = first; k <= last; k++)
        {
            if (sizes[k] == 0)
            {
                zeros++;
                continue;
            }

            for (; zeros > 15 && k <= lastNew; zeros -= 16)
            {
                EndEmpty();
                Symbol(0xF0);
                Flush(corrections);
            }

            if (sizes[k] > 1)
            {
                corrections.Add(sizes[k] & 1);
                continue;
            }

            EndEmpty();
            Symbol((zeros << 4) | 1);
            Bits(block[JpegFile.Order[k]] < 0 ? 0 : 1, 1);
            Flush(corrections);
            zeros = 0;
        }

        if (zeros == 0 && corrections.Count == 0) return;
        _empty++;
        _corrections.AddRange(corrections);
        if (_empty == 0x7FFF) EndEmpty();
    }

    private void EndEmpty()
    {
        if (_empty > 0)
        {
            int size = SizeOf(_empty) - 1;
            Symbol(size << 4);
            Bits(_empty, size);
            _empty = 0;
        }

        Flush(_corrections);
    }

    private void Flush(List<int> bits)
    {
        foreach (int bit in bits) Bits(bit, 1);
        bits.Clear();
    }

    private void EndPart()
    {
        EndEmpty();
        if (_bitCount > 0) Bits(0x7F, 8 - _bitCount);
        _bitCount = 0;
    }
}
