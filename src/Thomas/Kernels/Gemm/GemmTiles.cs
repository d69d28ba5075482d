using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using Thomas.Runtime;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Cuts one panel of C into register tiles: full tiles first, then smaller ones of exact height. A panel with columns missing on the
/// right goes through a scratch tile, so nothing outside C is touched.
/// </summary>
internal static unsafe class GemmTiles
{
    private const int MaxTile = 14 * 32;

    /// <summary>Rows of the tier's full tile.</summary>
    public static int Rows => CpuFeatures.Tier switch
    {
        InstructionTier.Avx512 => 14,
        InstructionTier.Neon => 8,
        InstructionTier.Scalar => 4,
        _ => 6,
    };

    /// <summary>Runs all tiles of a panel.</summary>
    /// <param name="tile">Arguments of the first row; moved down tile by tile.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Valid columns of the panel.</param>
    public static void Run(GemmTileArgs tile, int rows, int columns)
    {
        int half = CpuFeatures.VectorLength;
        bool whole = columns == half || columns == 2 * half;
        while (rows > 0)
        {
            int height = TileHeight(rows);
            if (whole)
                RunTile(&tile, height, columns > half);
            else
                RunPartialTile(&tile, height, columns);
            tile.A += height * tile.StrideA;
            tile.C += height * tile.StrideC;
            if (tile.Residual != null)
                tile.Residual += height * tile.StrideResidual;
            rows -= height;
        }
    }

    private static int TileHeight(int rows)
    {
        if (rows >= Rows)
            return Rows;
        if (CpuFeatures.Tier == InstructionTier.Avx512 && rows >= 7)
            return 7;
        return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
    }

    private static void RunPartialTile(GemmTileArgs* tile, int height, int columns)
    {
        float* result = stackalloc float[MaxTile];
        float* residual = stackalloc float[MaxTile];
        int width = PackedMatrix.PanelWidth;
        GemmTileArgs scratch = *tile;
        scratch.C = result;
        scratch.StrideC = scratch.StrideResidual = width;
        if (tile->Bias == null)
            CopyRows(tile->C, tile->StrideC, result, width, height, columns);
        if (tile->Residual != null)
        {
            scratch.Residual = residual;
            CopyRows(tile->Residual, tile->StrideResidual, residual, width, height, columns);
        }

        RunTile(&scratch, height, columns > CpuFeatures.VectorLength);
        CopyRows(result, width, tile->C, tile->StrideC, height, columns);
    }

    private static void CopyRows(float* source, nint sourceStride, float* target, nint targetStride, int rows, int columns)
    {
        for (int i = 0; i < rows; i++)
            Memory.Copy(source + (i * sourceStride), target + (i * targetStride), columns);
    }

    private static void RunTile(GemmTileArgs* tile, int height, bool two)
    {
        switch (CpuFeatures.Tier)
        {
            case InstructionTier.Avx512: RunTile<Simd512, V512>(tile, height, two); break;
            case InstructionTier.Avx2: RunTile<Simd256, V256>(tile, height, two); break;
            case InstructionTier.Neon: RunNeonTile(tile, height, two); break;
            case InstructionTier.Vector128: RunTile<Simd128, V128>(tile, height, two); break;
            default: RunTile<Simd1, float>(tile, height, two); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunTile<TSimd, TVec>(GemmTileArgs* tile, int height, bool two)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (two)
            RunTile<TSimd, TVec, C2>(tile, height);
        else
            RunTile<TSimd, TVec, C1>(tile, height);
    }

    private static void RunTile<TSimd, TVec, TVectors>(GemmTileArgs* tile, int height)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 14: GemmTile.Run<TSimd, TVec, C14, TVectors>(tile); break;
            case 7: GemmTile.Run<TSimd, TVec, C7, TVectors>(tile); break;
            case 6: GemmTile.Run<TSimd, TVec, C6, TVectors>(tile); break;
            case 4: GemmTile.Run<TSimd, TVec, C4, TVectors>(tile); break;
            case 2: GemmTile.Run<TSimd, TVec, C2, TVectors>(tile); break;
            default: GemmTile.Run<TSimd, TVec, C1, TVectors>(tile); break;
        }
    }

    private static void RunNeonTile(GemmTileArgs* tile, int height, bool two)
    {
        if (two)
            RunNeonTile<C2>(tile, height);
        else
            RunNeonTile<C1>(tile, height);
    }

    private static void RunNeonTile<TVectors>(GemmTileArgs* tile, int height)
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 8: GemmTileNeon.Run<C8, TVectors>(tile); break;
            case 4: GemmTileNeon.Run<C4, TVectors>(tile); break;
            case 2: GemmTileNeon.Run<C2, TVectors>(tile); break;
            default: GemmTileNeon.Run<C1, TVectors>(tile); break;
        }
    }
}
