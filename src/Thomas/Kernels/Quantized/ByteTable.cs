using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(byte* x, byte* y, nint count)
    {
        fixed (byte* table = _table)
        {
            nint i = 0;
            if (Avx512Vbmi.IsSupported && CpuFeatures.Tier == InstructionTier.Avx512)
            {
                Vector512<byte> t0 = Vector512.Load(table), t1 = Vector512.Load(table + 64), t2 = Vector512.Load(table + 128), t3 = Vector512.Load(table + 192);
                for (; i <= count - 64; i += 64)
                {
                    Vector512<byte> bits = Vector512.Load(x + i);
                    Vector512<byte> low = Avx512Vbmi.PermuteVar64x8x2(t0, bits, t1), high = Avx512Vbmi.PermuteVar64x8x2(t2, bits, t3);
                    Vector512.ConditionalSelect(Vector512.LessThan(bits.AsSByte(), Vector512<sbyte>.Zero).AsByte(), high, low).Store(y + i);
                }
            }

            for (; i <= count - 4; i += 4)
            {
                byte y0 = table[x[i]], y1 = table[x[i + 1]], y2 = table[x[i + 2]], y3 = table[x[i + 3]];
                y[i] = y0;
                y[i + 1] = y1;
                y[i + 2] = y2;
                y[i + 3] = y3;
            }

            for (; i < count; i++) y[i] = table[x[i]];
        }
    }
}
