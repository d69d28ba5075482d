using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Thomas.Kernels.Simd;
using V = System.Runtime.Intrinsics.Vector128<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// The register tile of <see cref="QuantizedTile"/> for Arm64's dot product by element: 8 rows of two vectors, sixteen bytes of each row at a time.
/// </summary>
/// <remarks>
/// Sixteen bytes take 64 dot products of 16 multiply-adds, 8 loads of x and 8 of w; 16 sums, 8 vectors of x, 2 of w and what x is combined with fit the 32
/// registers. <c>.ci/arm64-loops</c> counts them.
/// </remarks>
internal static unsafe class QuantizedTileNeon
{
    private const int Bytes = 16;

    /// <summary>Computes tiles of TRows rows (at most 8) and TVectors vectors (1 or 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TVectors, TFlips>(QuantizedTileArgs* t)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
        where TFlips : struct, IConstant
    {
        V c0, d0, c1, d1, c2, d2, c3, d3, c4, d4, c5, d5, c6, d6, c7, d7;
        byte** rows = t->Rows;
        byte* y = t->Y;
        int* sums = t->Sums, rowSums = t->RowSums;
        for (int tiles = t->Count; tiles > 0; tiles--)
        {
            byte* w = t->W;
            nint step1 = t->StrideW, step2 = 2 * step1, step3 = 3 * step1, step4 = 4 * step1;
            V flip = Vector128.Create(t->Flip);
            c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = Vector128.Load(t->Starts);
            d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = TVectors.Value > 1 ? Vector128.Load(t->Starts + 4) : c0;
            int* offset = t->Offsets;
            for (int units = t->Units; units > 0; units -= t->RunUnits, offset += t->RunUnits)
            {
                nint k = *offset, end = k + (t->RunUnits * sizeof(int));
                byte* a0 = rows[0];
                byte* a1 = TRows.Value > 1 ? rows[1] : rows[0];
                byte* a2 = TRows.Value > 2 ? rows[2] : rows[0];
                byte* a3 = TRows.Value > 3 ? rows[3] : rows[0];
                byte* a4 = TRows.Value > 4 ? rows[4] : rows[0];
                byte* a5 = TRows.Value > 5 ? rows[5] : rows[0];
                byte* a6 = TRows.Value > 6 ? rows[6] : rows[0];
                byte* a7 = TRows.Value > 7 ? rows[7] : rows[0];
                for (; k <= end - Bytes; k += Bytes)
                {
                    V x0 = Load<TRows, TFlips>(0, a0 + k, flip);
                    V x1 = Load<TRows, TFlips>(1, a1 + k, flip);
                    V x2 = Load<TRows, TFlips>(2, a2 + k, flip);
                    V x3 = Load<TRows, TFlips>(3, a3 + k, flip);
                    V x4 = Load<TRows, TFlips>(4, a4 + k, flip);
                    V x5 = Load<TRows, TFlips>(5, a5 + k, flip);
                    V x6 = Load<TRows, TFlips>(6, a6 + k, flip);
                    V x7 = Load<TRows, TFlips>(7, a7 + k, flip);
                    V w0 = Vector128.Load((int*)w), w1 = TVectors.Value > 1 ? Vector128.Load((int*)(w + Bytes)) : w0;
                    Step<TRows, TVectors>(0, x0, 0, w0, w1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 0, w0, w1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 0, w0, w1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 0, w0, w1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 0, w0, w1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 0, w0, w1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 0, w0, w1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 0, w0, w1, ref c7, ref d7);
                    w0 = Vector128.Load((int*)(w + step1));
                    w1 = TVectors.Value > 1 ? Vector128.Load((int*)(w + step1 + Bytes)) : w0;
                    Step<TRows, TVectors>(0, x0, 1, w0, w1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 1, w0, w1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 1, w0, w1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 1, w0, w1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 1, w0, w1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 1, w0, w1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 1, w0, w1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 1, w0, w1, ref c7, ref d7);
                    w0 = Vector128.Load((int*)(w + step2));
                    w1 = TVectors.Value > 1 ? Vector128.Load((int*)(w + step2 + Bytes)) : w0;
                    Step<TRows, TVectors>(0, x0, 2, w0, w1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 2, w0, w1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 2, w0, w1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 2, w0, w1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 2, w0, w1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 2, w0, w1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 2, w0, w1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 2, w0, w1, ref c7, ref d7);
                    w0 = Vector128.Load((int*)(w + step3));
                    w1 = TVectors.Value > 1 ? Vector128.Load((int*)(w + step3 + Bytes)) : w0;
                    Step<TRows, TVectors>(0, x0, 3, w0, w1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 3, w0, w1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 3, w0, w1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 3, w0, w1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 3, w0, w1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 3, w0, w1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 3, w0, w1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 3, w0, w1, ref c7, ref d7);
                    w += step4;
                }

                for (; k < end; k += sizeof(int), w += step1)
                {
                    V w0 = Vector128.Load((int*)w), w1 = TVectors.Value > 1 ? Vector128.Load((int*)(w + Bytes)) : w0;
                    Step<TRows, TVectors>(0, LoadFew<TRows, TFlips>(0, a0 + k, flip), 0, w0, w1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, LoadFew<TRows, TFlips>(1, a1 + k, flip), 0, w0, w1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, LoadFew<TRows, TFlips>(2, a2 + k, flip), 0, w0, w1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, LoadFew<TRows, TFlips>(3, a3 + k, flip), 0, w0, w1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, LoadFew<TRows, TFlips>(4, a4 + k, flip), 0, w0, w1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, LoadFew<TRows, TFlips>(5, a5 + k, flip), 0, w0, w1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, LoadFew<TRows, TFlips>(6, a6 + k, flip), 0, w0, w1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, LoadFew<TRows, TFlips>(7, a7 + k, flip), 0, w0, w1, ref c7, ref d7);
                }
            }

            V none = default;
            if (rowSums != null)
            {
                int* factors = t->ColumnFactors;
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(0, rowSums, factors, ref c0, ref d0, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(1, rowSums, factors, ref c1, ref d1, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(2, rowSums, factors, ref c2, ref d2, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(3, rowSums, factors, ref c3, ref d3, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(4, rowSums, factors, ref c4, ref d4, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(5, rowSums, factors, ref c5, ref d5, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(6, rowSums, factors, ref c6, ref d6, ref none);
                QuantizedTile.AddSums<Ints128, V, TRows, TVectors>(7, rowSums, factors, ref c7, ref d7, ref none);
                rowSums += TRows.Value;
            }

            rows += TRows.Value;
            if (sums != null)
            {
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(0, sums, t->StrideSums, c0, d0, c0);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(1, sums, t->StrideSums, c1, d1, c1);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(2, sums, t->StrideSums, c2, d2, c2);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(3, sums, t->StrideSums, c3, d3, c3);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(4, sums, t->StrideSums, c4, d4, c4);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(5, sums, t->StrideSums, c5, d5, c5);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(6, sums, t->StrideSums, c6, d6, c6);
                QuantizedTile.StoreSums<Ints128, V, TRows, TVectors>(7, sums, t->StrideSums, c7, d7, c7);
                sums += TRows.Value * t->StrideSums;
                continue;
            }

            Ints128.LoadGrid(&t->Grid, out V zero, out V lower, out V upper, out V bias);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(0, t->Ratios, ref c0, ref d0, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(1, t->Ratios, ref c1, ref d1, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(2, t->Ratios, ref c2, ref d2, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(3, t->Ratios, ref c3, ref d3, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(4, t->Ratios, ref c4, ref d4, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(5, t->Ratios, ref c5, ref d5, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(6, t->Ratios, ref c6, ref d6, ref none);
            QuantizedTile.Finish<Ints128, V, TRows, TVectors>(7, t->Ratios, ref c7, ref d7, ref none);
            if (TVectors.Value == 1)
            {
                QuantizedTile.StoreColumn<Ints128, V, TRows>(0, zero, lower, upper, bias, y, t->StrideY, c0, c1, c2, c3);
                QuantizedTile.StoreColumn<Ints128, V, TRows>(4, zero, lower, upper, bias, y, t->StrideY, c4, c5, c6, c7);
            }
            else
            {
                QuantizedTile.StoreRows<Ints128, V, TRows>(0, zero, lower, upper, bias, y, t->StrideY, c0, d0, c1, d1);
                QuantizedTile.StoreRows<Ints128, V, TRows>(2, zero, lower, upper, bias, y, t->StrideY, c2, d2, c3, d3);
                QuantizedTile.StoreRows<Ints128, V, TRows>(4, zero, lower, upper, bias, y, t->StrideY, c4, d4, c5, d5);
                QuantizedTile.StoreRows<Ints128, V, TRows>(6, zero, lower, upper, bias, y, t->StrideY, c6, d6, c7, d7);
            }

            y += TRows.Value * t->StrideY;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load<TRows, TFlips>(int row, byte* a, V flip)
        where TRows : struct, IConstant
        where TFlips : struct, IConstant
    {
        if (row >= TRows.Value) return default;
        V x = Vector128.Load((int*)a);
        return TFlips.Value != 0 ? x ^ flip : x;
    }

    /// <summary>Four bytes of a row, in the first element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LoadFew<TRows, TFlips>(int row, byte* a, V flip)
        where TRows : struct, IConstant
        where TFlips : struct, IConstant
    {
        if (row >= TRows.Value) return default;
        V x = Vector128.CreateScalarUnsafe(*(int*)a);
        return TFlips.Value != 0 ? x ^ flip : x;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRows, TVectors>(int row, V x, [ConstantExpected(Max = (byte)3)] byte lane, V w0, V w1, ref V c, ref V d)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        c = Dp.DotProductBySelectedQuadruplet(c, w0.AsSByte(), x.AsSByte(), lane);
        if (TVectors.Value > 1) d = Dp.DotProductBySelectedQuadruplet(d, w1.AsSByte(), x.AsSByte(), lane);
    }
}
