using System;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Cuts one panel of C into register tiles: full tiles first, then smaller ones of exact height. Columns missing on the right are cut
/// into shorter and shorter vectors down to four floats; the last one to three go through a scratch tile, so nothing outside C is touched.
/// </summary>
internal static unsafe class GemmTiles
{
    private const int MaxScratch = 14 * 4;

    /// <summary>Rows of the tier's full tile.</summary>
    public static int Rows => CpuFeatures.Tier switch
    {
        InstructionTier.Avx512 => 14,
        InstructionTier.Neon => 8,
        InstructionTier.Scalar => 4,
        _ => 6,
    };

    /// <summary>Runs all tiles of a panel.</summary>
    /// <param name="tile">Arguments of the panel's first tile.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Valid columns of the panel.</param>
    public static void Run(GemmTileArgs tile, int rows, int columns)
    {
        while (columns > 0)
        {
            int width = TileWidth(columns);
            GemmTileArgs strip = tile;
            for (int left = rows; left > 0;)
            {
                int height = TileHeight(left);
                if (width <= columns)
                    RunTile(&strip, height, width);
                else
                    RunPartialTile(&strip, height, width, columns);
                strip.A += height * strip.StrideA;
                strip.C += height * strip.StrideC;
                if (strip.Residual != null)
                    strip.Residual += height * strip.StrideResidual;
                left -= height;
            }

            tile.B += width;
            tile.C += width;
            if (tile.Bias != null)
                tile.Bias += width;
            if (tile.Residual != null)
                tile.Residual += width;
            columns -= width;
        }
    }

    /// <summary>The widest tile that fits, but no less than four floats (one without vector hardware).</summary>
    private static int TileWidth(int columns)
    {
        int width = PackedMatrix.PanelWidth, smallest = Math.Min(4, CpuFeatures.VectorLength);
        while (width > smallest && width > columns)
            width /= 2;
        return width;
    }

    private static int TileHeight(int rows)
    {
        if (rows >= Rows)
            return Rows;
        if (CpuFeatures.Tier == InstructionTier.Avx512 && rows >= 7)
            return 7;
        return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
    }

    private static void RunPartialTile(GemmTileArgs* tile, int height, int width, int columns)
    {
        float* result = stackalloc float[MaxScratch];
        float* residual = stackalloc float[MaxScratch];
        GemmTileArgs scratch = *tile;
        scratch.C = result;
        scratch.StrideC = scratch.StrideResidual = width;
        // Columns outside C start as zeros: what they become is dropped, but must not be slow (NaN or denormal leftovers).
        Memory.Fill(result, MaxScratch, 0f);
        Memory.Fill(residual, MaxScratch, 0f);
        if (tile->Bias == null)
            CopyRows(tile->C, tile->StrideC, result, width, height, columns);
        if (tile->Residual != null)
        {
            scratch.Residual = residual;
            CopyRows(tile->Residual, tile->StrideResidual, residual, width, height, columns);
        }

        RunTile(&scratch, height, width);
        CopyRows(result, width, tile->C, tile->StrideC, height, columns);
    }

    private static void CopyRows(float* source, nint sourceStride, float* target, nint targetStride, int rows, int columns)
    {
        for (int i = 0; i < rows; i++)
            Memory.Copy(source + (i * sourceStride), target + (i * targetStride), columns);
    }

    private static void RunTile(GemmTileArgs* tile, int height, int width)
    {
        switch (CpuFeatures.Tier)
        {
            case InstructionTier.Avx512:
                switch (width)
                {
                    case 32: RunTile<Simd512, V512, C2>(tile, height); break;
                    case 16: RunTile<Simd512, V512, C1>(tile, height); break;
                    case 8: RunTile<Simd256, V256, C1>(tile, height); break;
                    default: RunTile<Simd128, V128, C1>(tile, height); break;
                }

                break;
            case InstructionTier.Avx2:
                switch (width)
                {
                    case 16: RunTile<Simd256, V256, C2>(tile, height); break;
                    case 8: RunTile<Simd256, V256, C1>(tile, height); break;
                    default: RunTile<Simd128, V128, C1>(tile, height); break;
                }

                break;
            case InstructionTier.Neon:
                if (width == 8)
                    RunNeonTile<C2>(tile, height);
                else
                    RunNeonTile<C1>(tile, height);
                break;
            case InstructionTier.Vector128:
                if (width == 8)
                    RunTile<Simd128, V128, C2>(tile, height);
                else
                    RunTile<Simd128, V128, C1>(tile, height);
                break;
            default:
                if (width == 2)
                    RunTile<Simd1, float, C2>(tile, height);
                else
                    RunTile<Simd1, float, C1>(tile, height);
                break;
        }
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
