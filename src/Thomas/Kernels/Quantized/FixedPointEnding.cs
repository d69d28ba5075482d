using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>Sums to results by <see cref="RequantizationRule.FixedPoint"/>, from memory: it needs too many registers to be done where the sums are made.</summary>
internal static unsafe class FixedPointEnding
{
    /// <summary>Does rows of sums.</summary>
    /// <param name="sums">The sums; rows of whole vectors.</param>
    /// <param name="stride">Numbers from one row to the next.</param>
    /// <param name="header">See <see cref="QuantizedHeader"/>.</param>
    /// <param name="width">Numbers of a row of the header.</param>
    /// <param name="grid">Where results are put.</param>
    /// <param name="y">First result.</param>
    /// <param name="strideY">Bytes from one row of results to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Results of a row.</param>
    public static void Run(int* sums, nint stride, int* header, int width, ByteGrid* grid, byte* y, nint strideY, int rows, int columns)
    {
        switch (CpuFeatures.VectorLength)
        {
            case >= 16 when width % 16 == 0:
                Run<Ints512, System.Runtime.Intrinsics.Vector512<int>>(sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            case >= 8:
                Run<Ints256, System.Runtime.Intrinsics.Vector256<int>>(sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            case 4:
                Run<Ints128, System.Runtime.Intrinsics.Vector128<int>>(sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            default:
                Run<Ints1, int>(sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TSimd, TVec>(int* sums, nint stride, int* header, int width, ByteGrid* grid, byte* y, nint strideY, int rows, int columns)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        byte* last = stackalloc byte[64];
        TVec least = TSimd.Create(grid->Least), most = TSimd.Create(grid->Most);
        int* multipliers = header + width;
        for (int i = 0; i < rows; i++, sums += stride, y += strideY)
        {
            for (int j = 0; j < columns; j += TSimd.Length)
            {
                TVec steps = TSimd.FixedPoint(TSimd.Load(sums + j), multipliers + j, multipliers + width + j, multipliers + (2 * width) + j);
                steps = TSimd.Min(TSimd.Max(steps, least), most);
                if (j + TSimd.Length <= columns)
                {
                    TSimd.StoreBytes(steps, grid, y + j);
                    continue;
                }

                TSimd.StoreBytes(steps, grid, last);
                Buffer.MemoryCopy(last, y + j, columns - j, columns - j);
            }
        }
    }
}
