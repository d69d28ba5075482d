using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>Reads the blocks of a scan (ITU-T T.81, annexes F and G).</summary>
internal sealed class JpegScan(JpegFile file)
{
    private const int BlockLength = 64, MostDcBits = 15;

    private readonly JpegBits _bits = file.Bits;
    private int _empty;
    private int _unitsLeft = file.RestartInterval;
    private int _restarts;

    /// <summary>To be called at the first block of a scan.</summary>
    public void Begin()
    {
        (_unitsLeft, _restarts) = (file.RestartInterval, 0);
        Reset();
    }

    /// <summary>To be called before each unit, that is a block of the only component, or the blocks of all that belong together.</summary>
    public void BeginUnit()
    {
        _bits.Check();
        if (file.RestartInterval == 0) return;
        if (_unitsLeft == 0)
        {
            file.Restart(_restarts++);
            _unitsLeft = file.RestartInterval;
            Reset();
        }

        _unitsLeft--;
    }

    /// <summary>Reads a block of a scan that has all there is.</summary>
    public void ReadWhole(JpegComponent component, Span<short> block)
    {
        block.Clear();
        ReadOnlySpan<byte> order = JpegFile.Order;
        component.Prediction += _bits.Value(DcBits(component));
        block[0] = (short)component.Prediction;
        JpegHuffman table = component.Ac!;
        for (int at = 1; at < BlockLength; at++)
        {
            int symbol = _bits.Symbol(table), zeros = symbol >> 4, bits = symbol & 15;
            if (bits == 0)
            {
                if (zeros < 15) return;
                at += 15;
                continue;
            }

            at += zeros;
            if (at >= BlockLength) throw ImageFormat.Damaged();
            block[order[at]] = (short)_bits.Value(bits);
        }
    }

    /// <summary>Adds what the scan of a progressive image knows of a block.</summary>
    public void ReadPart(JpegComponent component, Span<short> block)
    {
        if (file.First > 0)
        {
            if (file.BitsBefore == 0) ReadFirst(component.Ac!, block);
            else Refine(component.Ac!, block);
        }
        else if (file.BitsBefore == 0)
        {
            component.Prediction += _bits.Value(DcBits(component));
            block[0] = (short)(component.Prediction << file.BitsAfter);
        }
        else
        {
            block[0] |= (short)(_bits.Number(1) << file.BitsAfter);
        }
    }

    private int DcBits(JpegComponent component) => _bits.Symbol(component.Dc!) is <= MostDcBits and int bits ? bits : throw ImageFormat.Damaged();

    private void Reset()
    {
        _empty = 0;
        foreach (JpegComponent component in file.Scanned) component.Prediction = 0;
    }

    private void ReadFirst(JpegHuffman table, Span<short> block)
    {
        if (_empty > 0)
        {
            _empty--;
            return;
        }

        ReadOnlySpan<byte> order = JpegFile.Order;
        for (int at = file.First; at <= file.Last; at++)
        {
            int symbol = _bits.Symbol(table), zeros = symbol >> 4, bits = symbol & 15;
            if (bits == 0 && zeros < 15)
            {
                _empty = EmptyBlocks(zeros) - 1;
                return;
            }

            at += zeros;
            if (bits == 0) continue;
            if (at >= BlockLength) throw ImageFormat.Damaged();
            block[order[at]] = (short)(_bits.Value(bits) << file.BitsAfter);
        }
    }

    // This block and so many others have no new values.
    private int EmptyBlocks(int bits) => (1 << bits) + _bits.Number(bits);

    private void Refine(JpegHuffman table, Span<short> block)
    {
        ReadOnlySpan<byte> order = JpegFile.Order;
        int at = file.First;
        while (_empty == 0 && at <= file.Last)
        {
            int symbol = _bits.Symbol(table), zeros = symbol >> 4, bits = symbol & 15, value = 0;
            if (bits == 0)
            {
                if (zeros < 15)
                {
                    _empty = EmptyBlocks(zeros);
                    break;
                }
            }
            else
            {
                if (bits != 1) throw ImageFormat.Damaged();
                value = _bits.Number(1) != 0 ? 1 << file.BitsAfter : -1 << file.BitsAfter;
            }

            // A new value stands behind so many values that are still zero; those that are not get another bit each.
            for (; at <= file.Last; at++)
            {
                ref short old = ref block[order[at]];
                if (old != 0) RefineValue(ref old);
                else if (zeros-- == 0) break;
            }

            if (value != 0 && at <= file.Last) block[order[at]] = (short)value;
            at++;
        }

        if (_empty == 0) return;
        for (; at <= file.Last; at++)
        {
            ref short old = ref block[order[at]];
            if (old != 0) RefineValue(ref old);
        }

        _empty--;
    }

    private void RefineValue(ref short value)
    {
        int bit = 1 << file.BitsAfter;
        if (_bits.Number(1) != 0 && (value & bit) == 0) value += (short)(value > 0 ? bit : -bit);
    }
}
