using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>The bits of a scan. A marker ends them; what is read beyond are zeros, which <see cref="Check"/> finds out.</summary>
internal sealed class JpegBits(ReadOnlyMemory<byte> file)
{
    private const int WordBits = 64;

    private ulong _word;
    private int _count;
    private int _missing;
    private int _at;

    /// <summary>Starts at a place in the file.</summary>
    public void Start(int at) => (_word, _count, _missing, _at) = (0, 0, 0, at);

    /// <summary>Where the scan, or the part of it before a restart, ends: at the next marker, which is never read over, or at the end of the file.</summary>
    public int End()
    {
        ReadOnlySpan<byte> bytes = file.Span;
        int at = _at;
        while (at + 1 < bytes.Length && !(bytes[at] == 0xFF && bytes[at + 1] is not (0 or 0xFF))) at++;
        return at + 1 < bytes.Length ? at : bytes.Length;
    }

    /// <summary>Throws if more bits were read than there are.</summary>
    /// <exception cref="ImageFormatException">They were.</exception>
    public void Check()
    {
        if (_count < _missing) throw ImageFormat.CutOff();
    }

    /// <summary>Reads a code.</summary>
    /// <exception cref="ImageFormatException">It is not in the table.</exception>
    public int Symbol(JpegHuffman table)
    {
        if (_count < 32) Fill();
        int found = table.Find((int)(_word >> 48));
        if (found == 0)
        {
            Check();
            throw ImageFormat.Damaged();
        }

        Skip(found >> 8);
        return found & 255;
    }

    /// <summary>Reads a number of up to 16 bits.</summary>
    public int Number(int bits)
    {
        if (bits == 0) return 0;
        if (_count < 32) Fill();
        int number = (int)(_word >> (WordBits - bits));
        Skip(bits);
        return number;
    }

    /// <summary>Reads a value whose size in bits is known: the lower half of the numbers stands for negative values.</summary>
    public int Value(int bits)
    {
        int number = Number(bits);
        return bits == 0 || number >= 1 << (bits - 1) ? number : number - (1 << bits) + 1;
    }

    private void Skip(int bits)
    {
        _word <<= bits;
        _count -= bits;
    }

    private void Fill()
    {
        ReadOnlySpan<byte> bytes = file.Span;
        while (_count <= WordBits - 8)
        {
            if (_at >= bytes.Length || (bytes[_at] == 0xFF && (_at + 1 >= bytes.Length || bytes[_at + 1] != 0)))
            {
                _missing += 8;
            }
            else
            {
                _word |= (ulong)bytes[_at] << (WordBits - 8 - _count);
                _at += bytes[_at] == 0xFF ? 2 : 1;
            }

            _count += 8;
        }
    }
}
