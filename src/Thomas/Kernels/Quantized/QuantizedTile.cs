using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>Arguments of register tiles; see <see cref="QuantizedTile"/>.</summary>
internal unsafe struct QuantizedTileArgs
{
    /// <summary>Where each of the tiles' rows of x begins.</summary>
    public byte** Rows;

    /// <summary>Where in a row each four bytes of the sum lie.</summary>
    public int* Offsets;

    /// <summary>Four bytes of the sum, at least one.</summary>
    public int Units;

    /// <summary>How many of them lie beside each other, run by run.</summary>
    public int RunUnits;

    /// <summary>Combined with four bytes of x (exclusive or).</summary>
    public int Flip;

    /// <summary>The weights: for every four bytes of a row, as many of each column.</summary>
    public byte* W;

    /// <summary>Bytes from one such row of weights to the next.</summary>
    public nint StrideW;

    /// <summary>What the columns' sums start with.</summary>
    public int* Starts;

    /// <summary>The columns' ratios.</summary>
    public float* Ratios;

    /// <summary>The sum of each row of x, or null where they do not count.</summary>
    public int* RowSums;

    /// <summary>The columns' factors of the rows' sums.</summary>
    public int* ColumnFactors;

    /// <summary>Where results are put.</summary>
    public ByteGrid Grid;

    /// <summary>First result.</summary>
    public byte* Y;

    /// <summary>Bytes from one row of results to the next.</summary>
    public nint StrideY;

    /// <summary>Receives the sums instead; or null.</summary>
    public int* Sums;

    /// <summary>Numbers from one row of sums to the next.</summary>
    public nint StrideSums;

    /// <summary>Tiles, one below the other.</summary>
    public int Count;
}

/// <summary>
/// Register tiles of integer products: sums of x[i,k] * w[k,j], and their results. x is read in place by a pointer for each row, four bytes at a time: four
/// 8-bit numbers or two 16-bit ones. Of w there are up to three vectors of columns. Tests on constants are resolved at compile time.
/// </summary>
/// <remarks>
/// 4 rows of 3 vectors or 6 of 2 make 12 sums: with what they are made of, all that the 16 registers hold which AVX-VNNI can reach, and enough to hide its
/// latency of five cycles at two a cycle. The sums are named locals, because only such stay in registers.
/// </remarks>
internal static unsafe class QuantizedTile
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TSimd, TDot, TVec, TRows, TVectors, TFlips>(QuantizedTileArgs* t)
        where TSimd : struct, IIntSimd<TVec>
        where TDot : struct, IDot<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
        where TFlips : struct, IConstant
    {
        TVec c0, d0, e0, c1, d1, e1, c2, d2, e2, c3, d3, e3, c4, d4, c5, d5, c6, d6, c7, d7;
        byte** rows = t->Rows;
        byte* y = t->Y;
        int* sums = t->Sums, rowSums = t->RowSums;
        for (int tiles = t->Count; tiles > 0; tiles--)
        {
            byte* w = t->W;
            nint strideW = t->StrideW;
            int* offset = t->Offsets;
            int* end = offset + t->Units;
            TVec flip = TSimd.Create(t->Flip);
            c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = TSimd.Load(t->Starts);
            d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = TVectors.Value > 1 ? TSimd.Load(t->Starts + TSimd.Length) : c0;
            e0 = e1 = e2 = e3 = TVectors.Value > 2 ? TSimd.Load(t->Starts + (2 * TSimd.Length)) : c0;
            byte* a0 = rows[0];
            byte* a1 = TRows.Value > 1 ? rows[1] : a0;
            byte* a2 = TRows.Value > 2 ? rows[2] : a0;
            byte* a3 = TRows.Value > 3 ? rows[3] : a0;
            byte* a4 = TRows.Value > 4 ? rows[4] : a0;
            byte* a5 = TRows.Value > 5 ? rows[5] : a0;
            byte* a6 = TRows.Value > 6 ? rows[6] : a0;
            byte* a7 = TRows.Value > 7 ? rows[7] : a0;
            for (; offset < end; offset++)
            {
                nint k = *offset;
                TVec w0 = TSimd.Load(w);
                TVec w1 = TVectors.Value > 1 ? TSimd.Load(w + (sizeof(int) * TSimd.Length)) : w0;
                TVec w2 = TVectors.Value > 2 ? TSimd.Load(w + (2 * sizeof(int) * TSimd.Length)) : w0;
                w += strideW;
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(0, a0 + k, flip, w0, w1, w2, ref c0, ref d0, ref e0);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(1, a1 + k, flip, w0, w1, w2, ref c1, ref d1, ref e1);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(2, a2 + k, flip, w0, w1, w2, ref c2, ref d2, ref e2);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(3, a3 + k, flip, w0, w1, w2, ref c3, ref d3, ref e3);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(4, a4 + k, flip, w0, w1, w2, ref c4, ref d4, ref e0);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(5, a5 + k, flip, w0, w1, w2, ref c5, ref d5, ref e0);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(6, a6 + k, flip, w0, w1, w2, ref c6, ref d6, ref e0);
                Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(7, a7 + k, flip, w0, w1, w2, ref c7, ref d7, ref e0);
            }

            if (rowSums != null)
            {
                int* factors = t->ColumnFactors;
                AddSums<TSimd, TVec, TRows, TVectors>(0, rowSums, factors, ref c0, ref d0, ref e0);
                AddSums<TSimd, TVec, TRows, TVectors>(1, rowSums, factors, ref c1, ref d1, ref e1);
                AddSums<TSimd, TVec, TRows, TVectors>(2, rowSums, factors, ref c2, ref d2, ref e2);
                AddSums<TSimd, TVec, TRows, TVectors>(3, rowSums, factors, ref c3, ref d3, ref e3);
                AddSums<TSimd, TVec, TRows, TVectors>(4, rowSums, factors, ref c4, ref d4, ref e0);
                AddSums<TSimd, TVec, TRows, TVectors>(5, rowSums, factors, ref c5, ref d5, ref e0);
                AddSums<TSimd, TVec, TRows, TVectors>(6, rowSums, factors, ref c6, ref d6, ref e0);
                AddSums<TSimd, TVec, TRows, TVectors>(7, rowSums, factors, ref c7, ref d7, ref e0);
                rowSums += TRows.Value;
            }

            rows += TRows.Value;
            if (sums != null)
            {
                StoreSums<TSimd, TVec, TRows, TVectors>(0, sums, t->StrideSums, c0, d0, e0);
                StoreSums<TSimd, TVec, TRows, TVectors>(1, sums, t->StrideSums, c1, d1, e1);
                StoreSums<TSimd, TVec, TRows, TVectors>(2, sums, t->StrideSums, c2, d2, e2);
                StoreSums<TSimd, TVec, TRows, TVectors>(3, sums, t->StrideSums, c3, d3, e3);
                StoreSums<TSimd, TVec, TRows, TVectors>(4, sums, t->StrideSums, c4, d4, c0);
                StoreSums<TSimd, TVec, TRows, TVectors>(5, sums, t->StrideSums, c5, d5, c0);
                StoreSums<TSimd, TVec, TRows, TVectors>(6, sums, t->StrideSums, c6, d6, c0);
                StoreSums<TSimd, TVec, TRows, TVectors>(7, sums, t->StrideSums, c7, d7, c0);
                sums += TRows.Value * t->StrideSums;
                continue;
            }

            // Four rows at a time where that is wide, else row by row.
            int wide = TDot.EndsWide ? TRows.Value / 4 * 4 : 0;
            if (wide > 0) EndWide<TVec, TVectors>(t, y, c0, d0, e0, c1, d1, e1, c2, d2, e2, c3, d3, e3);
            if (wide > 4) EndWide<TVec, TVectors>(t, y + (4 * t->StrideY), c4, d4, c4, c5, d5, c4, c6, d6, c4, c7, d7, c4);
            if (wide < TRows.Value)
            {
                if (wide == 0)
                {
                    Finish<TSimd, TVec, TRows, TVectors>(0, t->Ratios, ref c0, ref d0, ref e0);
                    Finish<TSimd, TVec, TRows, TVectors>(1, t->Ratios, ref c1, ref d1, ref e1);
                    Finish<TSimd, TVec, TRows, TVectors>(2, t->Ratios, ref c2, ref d2, ref e2);
                    Finish<TSimd, TVec, TRows, TVectors>(3, t->Ratios, ref c3, ref d3, ref e3);
                }

                Finish<TSimd, TVec, TRows, TVectors>(4, t->Ratios, ref c4, ref d4, ref e0);
                Finish<TSimd, TVec, TRows, TVectors>(5, t->Ratios, ref c5, ref d5, ref e0);
                Finish<TSimd, TVec, TRows, TVectors>(6, t->Ratios, ref c6, ref d6, ref e0);
                Finish<TSimd, TVec, TRows, TVectors>(7, t->Ratios, ref c7, ref d7, ref e0);

                // Not before, or the sums would lack registers.
                TSimd.LoadGrid(&t->Grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
                if (TVectors.Value == 1)
                {
                    if (wide == 0) StoreColumn<TSimd, TVec, TRows>(0, zero, lower, upper, bias, y, t->StrideY, c0, c1, c2, c3);
                    StoreColumn<TSimd, TVec, TRows>(4, zero, lower, upper, bias, y, t->StrideY, c4, c5, c6, c7);
                }
                else
                {
                    if (wide == 0)
                    {
                        StoreRows<TSimd, TVec, TRows>(0, zero, lower, upper, bias, y, t->StrideY, c0, d0, c1, d1);
                        StoreRows<TSimd, TVec, TRows>(2, zero, lower, upper, bias, y, t->StrideY, c2, d2, c3, d3);
                    }

                    StoreRows<TSimd, TVec, TRows>(4, zero, lower, upper, bias, y, t->StrideY, c4, d4, c5, d5);
                    StoreRows<TSimd, TVec, TRows>(6, zero, lower, upper, bias, y, t->StrideY, c6, d6, c7, d7);
                    if (TVectors.Value > 2 && wide == 0)
                    {
                        StoreColumn<TSimd, TVec, TRows>(0, zero, lower, upper, bias, y + (2 * TSimd.Length), t->StrideY, e0, e1, e2, e3);
                    }
                }
            }

            y += TRows.Value * t->StrideY;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TSimd, TDot, TVec, TRows, TVectors, TFlips>(
        int row, byte* a, TVec flip, TVec w0, TVec w1, TVec w2, ref TVec c, ref TVec d, ref TVec e)
        where TSimd : struct, IIntSimd<TVec>
        where TDot : struct, IDot<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
        where TFlips : struct, IConstant
    {
        if (row >= TRows.Value) return;
        TVec x = TSimd.Create(*(int*)a);
        if (TFlips.Value != 0) x = TSimd.Xor(x, flip);
        c = TDot.Add(c, x, w0);
        if (TVectors.Value > 1) d = TDot.Add(d, x, w1);
        if (TVectors.Value > 2) e = TDot.Add(e, x, w2);
    }

    /// <summary>What the zero points of the weights add to a row's sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddSums<TSimd, TVec, TRows, TVectors>(int row, int* rowSums, int* factors, ref TVec c, ref TVec d, ref TVec e)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        TVec sum = TSimd.Create(rowSums[row]);
        c = TSimd.Add(c, TSimd.Multiply(sum, TSimd.Load(factors)));
        if (TVectors.Value > 1) d = TSimd.Add(d, TSimd.Multiply(sum, TSimd.Load(factors + TSimd.Length)));
        if (TVectors.Value > 2) e = TSimd.Add(e, TSimd.Multiply(sum, TSimd.Load(factors + (2 * TSimd.Length))));
    }

    /// <summary>The sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums<TSimd, TVec, TRows, TVectors>(int row, int* sums, nint stride, TVec c, TVec d, TVec e)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        sums += row * stride;
        TSimd.Store(c, sums);
        if (TVectors.Value > 1) TSimd.Store(d, sums + TSimd.Length);
        if (TVectors.Value > 2) TSimd.Store(e, sums + (2 * TSimd.Length));
    }

    /// <summary>Four rows of 256-bit sums become results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EndWide<TVec, TVectors>(
        QuantizedTileArgs* t, byte* y, TVec c0, TVec d0, TVec e0, TVec c1, TVec d1, TVec e1, TVec c2, TVec d2, TVec e2, TVec c3, TVec d3, TVec e3)
        where TVec : unmanaged
        where TVectors : struct, IConstant
    {
        float* ratios = t->Ratios;
        nint stride = t->StrideY;
        bool clips = t->Grid.Clips;
        Ints512.LoadGrid(&t->Grid, out V512 zero, out V512 lower, out V512 upper, out V512 bias);
        if (TVectors.Value == 1)
        {
            WideEnding.FourRows(Of(c0), Of(c1), Of(c2), Of(c3), ratios, zero, lower, upper, bias, clips, y, stride);
            return;
        }

        WideEnding.FourRows(Of(c0), Of(d0), Of(c1), Of(d1), Of(c2), Of(d2), Of(c3), Of(d3), ratios, zero, lower, upper, bias, clips, y, stride);
        if (TVectors.Value > 2) WideEnding.FourRows(Of(e0), Of(e1), Of(e2), Of(e3), ratios + 16, zero, lower, upper, bias, clips, y + 16, stride);

        static V256 Of(TVec sums) => Unsafe.BitCast<TVec, V256>(sums);
    }

    /// <summary>A row's sums become steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish<TSimd, TVec, TRows, TVectors>(int row, float* ratios, ref TVec c, ref TVec d, ref TVec e)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        c = TSimd.Steps(c, ratios);
        if (TVectors.Value > 1) d = TSimd.Steps(d, ratios + TSimd.Length);
        if (TVectors.Value > 2) e = TSimd.Steps(e, ratios + (2 * TSimd.Length));
    }

    /// <summary>Two rows of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRows<TSimd, TVec, TRows>(
        int row, TVec zero, TVec lower, TVec upper, TVec bias, byte* y, nint stride, TVec c0, TVec d0, TVec c1, TVec d1)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
    {
        if (row >= TRows.Value) return;
        y += row * stride;
        if (row + 1 < TRows.Value)
        {
            TSimd.StoreTwoPairs(c0, d0, c1, d1, zero, lower, upper, bias, y, stride);
            return;
        }

        TSimd.StoreBytes(c0, zero, lower, upper, bias, y);
        TSimd.StoreBytes(d0, zero, lower, upper, bias, y + TSimd.Length);
    }

    /// <summary>Four rows of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreColumn<TSimd, TVec, TRows>(
        int row, TVec zero, TVec lower, TVec upper, TVec bias, byte* y, nint stride, TVec c0, TVec c1, TVec c2, TVec c3)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
    {
        if (row >= TRows.Value) return;
        y += row * stride;
        if (row + 3 < TRows.Value)
        {
            TSimd.StoreFour(c0, c1, c2, c3, zero, lower, upper, bias, y, stride);
            return;
        }

        TSimd.StoreBytes(c0, zero, lower, upper, bias, y);
        if (row + 1 < TRows.Value) TSimd.StoreBytes(c1, zero, lower, upper, bias, y + stride);
        if (row + 2 < TRows.Value) TSimd.StoreBytes(c2, zero, lower, upper, bias, y + (2 * stride));
    }
}
