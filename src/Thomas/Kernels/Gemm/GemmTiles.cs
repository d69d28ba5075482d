using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Cuts C into register tiles, all about equally high. Columns missing on the right are cut into shorter and shorter vectors down to four
/// floats; the last one to three go through a scratch tile, so nothing outside C is touched. What runs between tiles is optimized at once, here and in the
/// callers: in small networks its first, unoptimized form would take longer than the tiles.
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

    /// <summary>Runs all tiles of a panel, from top to bottom.</summary>
    /// <param name="tile">Arguments of the panel's first tile.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Valid columns of the panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(GemmTileArgs tile, int rows, int columns)
    {
        for (int width; columns > 0; columns -= width)
        {
            width = TileWidth(columns);
            RunStrip(tile, rows, width, columns);
            MoveRight(&tile, width, width);
        }
    }

    /// <summary>
    /// Runs the tiles of packed panels row of tiles by row of tiles, each from left to right, so that C is written from front to back. For a B that the caches
    /// hold. What is narrower than a panel comes last.
    /// </summary>
    /// <param name="tile">Arguments of the first panel's first tile.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Columns of C.</param>
    /// <param name="panelFloats">Floats from one panel to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPanels(GemmTileArgs tile, int rows, int columns, nint panelFloats)
    {
        int width = PackedMatrix.PanelWidth, panels = columns / width, tiles = TilesFor(rows);
        GemmTileSteps steps = new() { Count = panels, B = panelFloats, C = width, Residual = width };
        GemmTileArgs first = tile;
        for (int left = panels > 0 ? rows : 0, height; left > 0; left -= height, tiles--)
        {
            height = (left + tiles - 1) / tiles;
            RunTiles(&first, &steps, height, width);
            MoveDown(&first, height);
        }

        MoveRight(&tile, panels * panelFloats, panels * width);
        Run(tile, rows, columns - (panels * width));
    }

    /// <summary>Tiles for so many rows; their heights differ by one at most, so none is much lower than the others.</summary>
    private static int TilesFor(int rows) => (rows + Rows - 1) / Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunStrip(GemmTileArgs tile, int rows, int width, int columns)
    {
        int tiles = TilesFor(rows), height = rows / tiles, higher = rows % tiles;
        RunStack(&tile, higher, height + 1, width, columns);
        RunStack(&tile, tiles - higher, height, width, columns);
    }

    /// <summary>Tiles of one height below each other; moves the tile past them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunStack(GemmTileArgs* tile, int tiles, int height, int width, int columns)
    {
        if (tiles == 0) return;
        if (width <= columns)
        {
            GemmTileSteps steps = new() { Count = tiles, A = height * tile->StrideA, C = height * tile->StrideC, Residual = height * tile->StrideResidual };
            RunTiles(tile, &steps, height, width);
            MoveDown(tile, tiles * height);
            return;
        }

        for (; tiles > 0; tiles--)
        {
            RunPartialTile(tile, height, width, columns);
            MoveDown(tile, height);
        }
    }

    private static void MoveDown(GemmTileArgs* tile, int rows)
    {
        tile->A += rows * tile->StrideA;
        tile->C += rows * tile->StrideC;
        if (tile->Residual != null) tile->Residual += rows * tile->StrideResidual;
    }

    private static void MoveRight(GemmTileArgs* tile, nint stepB, int columns)
    {
        tile->B += stepB;
        if (tile->Bias != null) tile->Bias += stepB;
        tile->C += columns;
        if (tile->Residual != null) tile->Residual += columns;
    }

    /// <summary>The widest tile that fits, but no less than four floats (one without vector hardware).</summary>
    private static int TileWidth(int columns)
    {
        int width = PackedMatrix.PanelWidth, smallest = Math.Min(4, CpuFeatures.VectorLength);
        while (width > smallest && width > columns)
            width /= 2;
        return width;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
        if (tile->Bias == null) CopyRows(tile->C, tile->StrideC, result, width, height, columns);
        if (tile->Residual != null)
        {
            scratch.Residual = residual;
            CopyRows(tile->Residual, tile->StrideResidual, residual, width, height, columns);
        }

        GemmTileSteps one = new() { Count = 1 };
        RunTiles(&scratch, &one, height, width);
        CopyRows(result, width, tile->C, tile->StrideC, height, columns);
    }

    private static void CopyRows(float* source, nint sourceStride, float* target, nint targetStride, int rows, int columns)
    {
        for (int i = 0; i < rows; i++)
            Memory.Copy(source + (i * sourceStride), target + (i * targetStride), columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTiles(GemmTileArgs* tile, GemmTileSteps* steps, int height, int width)
    {
        switch (CpuFeatures.Tier)
        {
            case InstructionTier.Avx512:
                switch (width)
                {
                    case 32: RunTiles<Simd512, V512, C2>(tile, steps, height); break;
                    case 16: RunTiles<Simd512, V512, C1>(tile, steps, height); break;
                    case 8: RunTiles<Simd256, V256, C1>(tile, steps, height); break;
                    default: RunTiles<Simd128, V128, C1>(tile, steps, height); break;
                }

                break;
            case InstructionTier.Avx2:
                switch (width)
                {
                    case 16: RunTiles<Simd256, V256, C2>(tile, steps, height); break;
                    case 8: RunTiles<Simd256, V256, C1>(tile, steps, height); break;
                    default: RunTiles<Simd128, V128, C1>(tile, steps, height); break;
                }

                break;
            case InstructionTier.Neon:
                if (width == 8) RunNeonTiles<C2>(tile, steps, height);
                else RunNeonTiles<C1>(tile, steps, height);
                break;
            case InstructionTier.Vector128:
                if (width == 8) RunTiles<Simd128, V128, C2>(tile, steps, height);
                else RunTiles<Simd128, V128, C1>(tile, steps, height);
                break;
            default:
                if (width == 2) RunTiles<Simd1, float, C2>(tile, steps, height);
                else RunTiles<Simd1, float, C1>(tile, steps, height);
                break;
        }
    }

    private static void RunTiles<TSimd, TVec, TVectors>(GemmTileArgs* tile, GemmTileSteps* steps, int height)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TVectors : struct, IConstant
    {
        if (CpuFeatures.Tier == InstructionTier.Avx512 && height > 6)
        {
            RunTallTiles<TSimd, TVec, TVectors>(tile, steps, height);
            return;
        }

        switch (height)
        {
            case 6: GemmTile.Run<TSimd, TVec, C6, TVectors>(tile, steps); break;
            case 5: GemmTile.Run<TSimd, TVec, C5, TVectors>(tile, steps); break;
            case 4: GemmTile.Run<TSimd, TVec, C4, TVectors>(tile, steps); break;
            case 3: GemmTile.Run<TSimd, TVec, C3, TVectors>(tile, steps); break;
            case 2: GemmTile.Run<TSimd, TVec, C2, TVectors>(tile, steps); break;
            default: GemmTile.Run<TSimd, TVec, C1, TVectors>(tile, steps); break;
        }
    }

    private static void RunTallTiles<TSimd, TVec, TVectors>(GemmTileArgs* tile, GemmTileSteps* steps, int height)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 14: GemmTile.Run<TSimd, TVec, C14, TVectors>(tile, steps); break;
            case 13: GemmTile.Run<TSimd, TVec, C13, TVectors>(tile, steps); break;
            case 12: GemmTile.Run<TSimd, TVec, C12, TVectors>(tile, steps); break;
            case 11: GemmTile.Run<TSimd, TVec, C11, TVectors>(tile, steps); break;
            case 10: GemmTile.Run<TSimd, TVec, C10, TVectors>(tile, steps); break;
            case 9: GemmTile.Run<TSimd, TVec, C9, TVectors>(tile, steps); break;
            case 8: GemmTile.Run<TSimd, TVec, C8, TVectors>(tile, steps); break;
            default: GemmTile.Run<TSimd, TVec, C7, TVectors>(tile, steps); break;
        }
    }

    private static void RunNeonTiles<TVectors>(GemmTileArgs* tile, GemmTileSteps* steps, int height)
        where TVectors : struct, IConstant
    {
        switch (height)
        {
            case 8: GemmTileNeon.Run<C8, TVectors>(tile, steps); break;
            case 7: GemmTileNeon.Run<C7, TVectors>(tile, steps); break;
            case 6: GemmTileNeon.Run<C6, TVectors>(tile, steps); break;
            case 5: GemmTileNeon.Run<C5, TVectors>(tile, steps); break;
            case 4: GemmTileNeon.Run<C4, TVectors>(tile, steps); break;
            case 3: GemmTileNeon.Run<C3, TVectors>(tile, steps); break;
            case 2: GemmTileNeon.Run<C2, TVectors>(tile, steps); break;
            default: GemmTileNeon.Run<C1, TVectors>(tile, steps); break;
        }
    }
}
