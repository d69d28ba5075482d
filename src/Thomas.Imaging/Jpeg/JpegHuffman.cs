using System;

namespace Thomas.Imaging.Jpeg;

/// <summary>A table of codes of 1 to 16 bits (ITU-T T.81, annex C).</summary>
internal sealed class JpegHuffman
{
    /// <summary>Codes up to this length are found at one look.</summary>
    public const int LookBits = 9;

    private const int LongestCode = 16;

    private readonly ushort[] _look = new ushort[1 << LookBits];
    private readonly int[] _firstBeyond = new int[LongestCode + 1];
    private readonly int[] _offset = new int[LongestCode + 1];
    private readonly byte[] _symbols;

    /// <param name="counts">How many codes there are of each length, from 1 to 16.</param>
    /// <param name="symbols">What they stand for, in order of the codes.</param>
    /// <exception cref="ImageFormatException">There are more codes of a length than can be.</exception>
    public JpegHuffman(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= LongestCode; length++)
        {
            int count = counts[length - 1];
            if (code + count > 1 << length) throw ImageFormat.Damaged();
            _offset[length] = index - code;
            for (int i = 0; i < count; i++, code++, index++)
            {
                if (length > LookBits) continue;
                int free = LookBits - length;
                _look.AsSpan(code << free, 1 << free).Fill((ushort)((length << 8) | symbols[index]));
            }

            // Left-aligned, so that it is compared with the next 16 bits of the file whatever the length.
            _firstBeyond[length] = code << (LongestCode - length);
            code <<= 1;
        }
    }

    /// <summary>The code at the beginning of 16 bits: its length in the upper byte, its symbol in the lower; 0 if there is none.</summary>
    public int Find(int bits)
    {
        int found = _look[bits >> (LongestCode - LookBits)];
        return found != 0 ? found : FindLong(bits);
    }

    private int FindLong(int bits)
    {
        for (int length = LookBits + 1; length <= LongestCode; length++)
        {
            if (bits < _firstBeyond[length]) return (length << 8) | _symbols[(bits >> (LongestCode - length)) + _offset[length]];
        }

        return 0;
    }
}
