using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// Sums to results from memory, where that is too much to be done with the registers that hold the sums: by <see cref="RequantizationRule.FixedPoint"/>, and by
/// ratios so large that a product may be no integer of 32 bits.
/// </summary>
internal static unsafe class SumsEnding
{
    /// <summary>Whether a layer's sums become results this way.</summary>
    public static bool IsNeeded(Requantization requantization)
    {
        bool isNeeded = requantization.Rule == RequantizationRule.FixedPoint;
        foreach (float ratio in requantization.Ratios) isNeeded |= !(ratio < 0.999f);
        return isNeeded;
    }

    /// <summary>Does rows of sums.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="sums">The sums; rows of whole vectors.</param>
    /// <param name="stride">Numbers from one row to the next.</param>
    /// <param name="header">See <see cref="QuantizedHeader"/>.</param>
    /// <param name="width">Numbers of a row of the header.</param>
    /// <param name="grid">Where results are put.</param>
    /// <param name="y">First result.</param>
    /// <param name="strideY">Bytes from one row of results to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Results of a row.</param>
    public static void Run(
        RequantizationRule rule, int* sums, nint stride, int* header, int width, ByteGrid* grid, byte* y, nint strideY, int rows, int columns)
    {
        switch (CpuFeatures.VectorLength)
        {
            case >= 16 when width % 16 == 0:
                Run<Ints512, System.Runtime.Intrinsics.Vector512<int>>(rule, sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            case >= 8:
                Run<Ints256, System.Runtime.Intrinsics.Vector256<int>>(rule, sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            case 4:
                Run<Ints128, System.Runtime.Intrinsics.Vector128<int>>(rule, sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
            default:
                Run<Ints1, int>(rule, sums, stride, header, width, grid, y, strideY, rows, columns);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TSimd, TVec>(
        RequantizationRule rule, int* sums, nint stride, int* header, int width, ByteGrid* grid, byte* y, nint strideY, int rows, int columns)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        byte* last = stackalloc byte[64];
        int* factors = header + width;
        TSimd.LoadGrid(grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        for (int i = 0; i < rows; i++, sums += stride, y += strideY)
        {
            for (int j = 0; j < columns; j += TSimd.Length)
            {
                TVec steps = rule == RequantizationRule.Float
                    ? TSimd.Steps(TSimd.Load(sums + j), (float*)factors + j, grid)
                    : TSimd.FixedPoint(TSimd.Load(sums + j), factors + j, factors + width + j, factors + (2 * width) + j);
                if (j + TSimd.Length <= columns)
                {
                    TSimd.StoreBytes(steps, zero, lower, upper, bias, y + j);
                    continue;
                }

                TSimd.StoreBytes(steps, zero, lower, upper, bias, last);
                Buffer.MemoryCopy(last, y + j, columns - j, columns - j);
            }
        }
    }
}
