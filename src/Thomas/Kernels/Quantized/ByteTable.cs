using System;

namespace Thomas.Kernels.Quantized;

/// <summary>Any function of one 8-bit number, as a table: y = table[x], by the bits of x.</summary>
internal sealed unsafe class ByteTable
{
    private const int Entries = 256;

    private readonly byte[] _table = new byte[Entries];

    /// <summary>Computes the table.</summary>
    /// <param name="xIsSigned">Whether x is int8, else uint8.</param>
    /// <param name="function">Gives the result for each number that x can be; its lowest 8 bits count.</param>
    public ByteTable(bool xIsSigned, Func<int, int> function)
    {
        for (int i = 0; i < Entries; i++) _table[i] = (byte)function(xIsSigned ? (sbyte)i : i);
    }

    /// <summary>The entries by the bits of x.</summary>
    public ReadOnlySpan<byte> Entry => _table;

    /// <summary>Does a run of elements; y may be x.</summary>
    public void Run(byte* x, byte* y, nint count)
    {
        fixed (byte* table = _table)
        {
            for (nint i = 0; i < count; i++) y[i] = table[x[i]];
        }
    }
}
