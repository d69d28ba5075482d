using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>Cuts the results of a panel of columns into register tiles, all about equally high, and picks the code of each.</summary>
internal static unsafe class QuantizedTiles
{
    /// <summary>Results of a tile that does not fit: at most 8 rows of a vector of 16, 6 of 2 vectors or 4 of 3.</summary>
    private const int MostResults = 8 * 32;

    /// <summary>Whether the weights of a pair's first number are stored before those of its second; see <see cref="QuantizedTileNeonPairs"/>.</summary>
    public static bool SplitsPairs(QuantizedOperandForm form) => form == QuantizedOperandForm.Pairs && CpuFeatures.Tier == InstructionTier.Neon;

    /// <summary>Vectors that a panel may be wide.</summary>
    public static int MostVectors(QuantizedOperandForm form) => form == QuantizedOperandForm.UnsignedBytes ? 3 : 2;

    /// <summary>Rows of the highest tile so many vectors wide.</summary>
    public static int Rows(QuantizedOperandForm form, int vectors) => (form, vectors) switch
    {
        (QuantizedOperandForm.UnsignedBytes, 3) => 4,
        (QuantizedOperandForm.UnsignedBytes, 2) => 6,
        (QuantizedOperandForm.UnsignedBytes, _) => 8,
        (QuantizedOperandForm.SignedBytes, _) => 8,
        _ when CpuFeatures.Tier is InstructionTier.Avx512 or InstructionTier.Neon => 8,
        _ => 4,
    };

    /// <summary>Runs all tiles of a panel.</summary>
    /// <param name="form">What the operands are.</param>
    /// <param name="t">Arguments of the first tile; changed.</param>
    /// <param name="rows">Rows of results.</param>
    /// <param name="columns">Valid columns of the panel.</param>
    /// <param name="lanes">Columns of a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedOperandForm form, QuantizedTileArgs* t, int rows, int columns, int lanes)
    {
        int vectors = (columns + lanes - 1) / lanes, most = Rows(form, vectors);
        bool fits = t->Sums != null || columns % lanes == 0;
        int tiles = (rows + most - 1) / most, height = rows / tiles, higher = rows % tiles;
        RunStack(form, t, higher, height + 1, vectors, fits ? 0 : columns);
        RunStack(form, t, tiles - higher, height, vectors, fits ? 0 : columns);
    }

    /// <summary>Tiles of one height below each other; moves on past them.</summary>
    private static void RunStack(QuantizedOperandForm form, QuantizedTileArgs* t, int tiles, int height, int vectors, int partial)
    {
        if (tiles == 0) return;
        if (partial == 0)
        {
            t->Count = tiles;
            RunTiles(form, t, height, vectors);
            t->Rows += tiles * height;
            t->Y += tiles * height * t->StrideY;
            if (t->RowSums != null) t->RowSums += tiles * height;
            if (t->Sums != null) t->Sums += tiles * height * t->StrideSums;
            return;
        }

        byte* results = stackalloc byte[MostResults];
        byte* target = t->Y;
        nint stride = t->StrideY;
        for (t->Count = 1; tiles > 0; tiles--)
        {
            t->Y = results;
            t->StrideY = MostResults / 8;
            RunTiles(form, t, height, vectors);
            for (int i = 0; i < height; i++, target += stride) Buffer.MemoryCopy(results + (i * t->StrideY), target, partial, partial);
            t->Rows += height;
            if (t->RowSums != null) t->RowSums += height;
        }

        t->Y = target;
        t->StrideY = stride;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTiles(QuantizedOperandForm form, QuantizedTileArgs* t, int height, int vectors)
    {
        if (form == QuantizedOperandForm.UnsignedBytes)
        {
            bool isWide = CpuFeatures.Tier == InstructionTier.Avx512;
            switch ((isWide, t->Flip != 0))
            {
                case (true, true): RunVnniTiles<WideVnniDot, C1>(t, height, vectors); break;
                case (true, false): RunVnniTiles<WideVnniDot, C0>(t, height, vectors); break;
                case (false, true): RunVnniTiles<VnniDot, C1>(t, height, vectors); break;
                default: RunVnniTiles<VnniDot, C0>(t, height, vectors); break;
            }

            return;
        }

        if (form == QuantizedOperandForm.SignedBytes)
        {
            RunDotTiles(t, height, vectors);
            return;
        }

        switch (CpuFeatures.Tier)
        {
            case InstructionTier.Avx512:
                if (vectors == 2) RunTiles<Ints512, PairDot512, V512, C2>(t, height);
                else RunTiles<Ints512, PairDot512, V512, C1>(t, height);
                break;
            case InstructionTier.Avx2:
                if (vectors == 2) RunTiles<Ints256, PairDot256, V256, C2>(t, height);
                else RunTiles<Ints256, PairDot256, V256, C1>(t, height);
                break;
            case InstructionTier.Neon:
                if (vectors == 2) RunNeonPairTiles<C2>(t, height);
                else RunNeonPairTiles<C1>(t, height);
                break;
            case InstructionTier.Vector128:
                if (vectors == 2) RunTiles<Ints128, PairDot128, V128, C2>(t, height);
                else RunTiles<Ints128, PairDot128, V128, C1>(t, height);
                break;
            default:
                if (vectors == 2) RunTiles<Ints1, PairDot1, int, C2>(t, height);
                else RunTiles<Ints1, PairDot1, int, C1>(t, height);
                break;
        }
    }

    private static void RunTiles<TSimd, TDot, TVec, TVectors>(QuantizedTileArgs* t, int height)
        where TSimd : struct, IIntSimd<TVec>
        where TDot : struct, IDot<TVec>
        where TVec : unmanaged
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 8: QuantizedTile.Run<TSimd, TDot, TVec, C8, TVectors, C0>(t); break;
            case 7: QuantizedTile.Run<TSimd, TDot, TVec, C7, TVectors, C0>(t); break;
            case 6: QuantizedTile.Run<TSimd, TDot, TVec, C6, TVectors, C0>(t); break;
            case 5: QuantizedTile.Run<TSimd, TDot, TVec, C5, TVectors, C0>(t); break;
            case 4: QuantizedTile.Run<TSimd, TDot, TVec, C4, TVectors, C0>(t); break;
            case 3: QuantizedTile.Run<TSimd, TDot, TVec, C3, TVectors, C0>(t); break;
            case 2: QuantizedTile.Run<TSimd, TDot, TVec, C2, TVectors, C0>(t); break;
            default: QuantizedTile.Run<TSimd, TDot, TVec, C1, TVectors, C0>(t); break;
        }
    }

    private static void RunVnniTiles<TDot, TFlips>(QuantizedTileArgs* t, int height, int vectors)
        where TDot : struct, IDot<V256>
        where TFlips : struct, IConstant
    {
        switch ((vectors, height))
        {
            case (3, 4): QuantizedTile.Run<Ints256, TDot, V256, C4, C3, TFlips>(t); break;
            case (3, 3): QuantizedTile.Run<Ints256, TDot, V256, C3, C3, TFlips>(t); break;
            case (3, 2): QuantizedTile.Run<Ints256, TDot, V256, C2, C3, TFlips>(t); break;
            case (3, _): QuantizedTile.Run<Ints256, TDot, V256, C1, C3, TFlips>(t); break;
            case (2, 6): QuantizedTile.Run<Ints256, TDot, V256, C6, C2, TFlips>(t); break;
            case (2, 5): QuantizedTile.Run<Ints256, TDot, V256, C5, C2, TFlips>(t); break;
            case (2, 4): QuantizedTile.Run<Ints256, TDot, V256, C4, C2, TFlips>(t); break;
            case (2, 3): QuantizedTile.Run<Ints256, TDot, V256, C3, C2, TFlips>(t); break;
            case (2, 2): QuantizedTile.Run<Ints256, TDot, V256, C2, C2, TFlips>(t); break;
            case (2, _): QuantizedTile.Run<Ints256, TDot, V256, C1, C2, TFlips>(t); break;
            case (_, 8): QuantizedTile.Run<Ints256, TDot, V256, C8, C1, TFlips>(t); break;
            case (_, 7): QuantizedTile.Run<Ints256, TDot, V256, C7, C1, TFlips>(t); break;
            case (_, 6): QuantizedTile.Run<Ints256, TDot, V256, C6, C1, TFlips>(t); break;
            case (_, 5): QuantizedTile.Run<Ints256, TDot, V256, C5, C1, TFlips>(t); break;
            case (_, 4): QuantizedTile.Run<Ints256, TDot, V256, C4, C1, TFlips>(t); break;
            case (_, 3): QuantizedTile.Run<Ints256, TDot, V256, C3, C1, TFlips>(t); break;
            case (_, 2): QuantizedTile.Run<Ints256, TDot, V256, C2, C1, TFlips>(t); break;
            default: QuantizedTile.Run<Ints256, TDot, V256, C1, C1, TFlips>(t); break;
        }
    }

    private static void RunNeonPairTiles<TVectors>(QuantizedTileArgs* t, int height)
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 8: QuantizedTileNeonPairs.Run<C8, TVectors>(t); break;
            case 7: QuantizedTileNeonPairs.Run<C7, TVectors>(t); break;
            case 6: QuantizedTileNeonPairs.Run<C6, TVectors>(t); break;
            case 5: QuantizedTileNeonPairs.Run<C5, TVectors>(t); break;
            case 4: QuantizedTileNeonPairs.Run<C4, TVectors>(t); break;
            case 3: QuantizedTileNeonPairs.Run<C3, TVectors>(t); break;
            case 2: QuantizedTileNeonPairs.Run<C2, TVectors>(t); break;
            default: QuantizedTileNeonPairs.Run<C1, TVectors>(t); break;
        }
    }

    private static void RunDotTiles(QuantizedTileArgs* t, int height, int vectors)
    {
        switch ((vectors == 2, t->Flip != 0))
        {
            case (true, true): RunDotTiles<C2, C1>(t, height); break;
            case (true, false): RunDotTiles<C2, C0>(t, height); break;
            case (false, true): RunDotTiles<C1, C1>(t, height); break;
            default: RunDotTiles<C1, C0>(t, height); break;
        }
    }

    private static void RunDotTiles<TVectors, TFlips>(QuantizedTileArgs* t, int height)
        where TVectors : struct, IConstant
        where TFlips : struct, IConstant
    {
        switch (height)
        {
            case 8: QuantizedTileNeon.Run<C8, TVectors, TFlips>(t); break;
            case 7: QuantizedTileNeon.Run<C7, TVectors, TFlips>(t); break;
            case 6: QuantizedTileNeon.Run<C6, TVectors, TFlips>(t); break;
            case 5: QuantizedTileNeon.Run<C5, TVectors, TFlips>(t); break;
            case 4: QuantizedTileNeon.Run<C4, TVectors, TFlips>(t); break;
            case 3: QuantizedTileNeon.Run<C3, TVectors, TFlips>(t); break;
            case 2: QuantizedTileNeon.Run<C2, TVectors, TFlips>(t); break;
            default: QuantizedTileNeon.Run<C1, TVectors, TFlips>(t); break;
        }
    }
}
