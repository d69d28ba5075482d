using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Gemm;

/// <summary>Where a <see cref="MatrixProduct"/> reads and writes.</summary>
internal unsafe struct MatrixProductArgs
{
    /// <summary>A, or the input of a convolution (first channel of the group).</summary>
    public float* A;

    /// <summary>Floats from one row of A to the next (of the stored matrix, when it is used transposed); not used by convolutions.</summary>
    public nint StrideA;

    /// <summary>B with its bias, from <see cref="PackedMatrix"/>; or null.</summary>
    public float* PackedB;

    /// <summary>B as it stands, row-major and without bias, when it is not packed; see <see cref="MatrixProduct.CanReadInPlace"/>.</summary>
    public float* B;

    /// <summary>Floats from one row of B to the next, when it is not packed.</summary>
    public nint StrideB;

    /// <summary>The result, row-major; not A's memory.</summary>
    public float* C;

    /// <summary>Floats from one row of C to the next.</summary>
    public nint StrideC;

    /// <summary>
    /// For convolutions whose output pixels do not follow each other: floats from one row of pixels to the next, <see cref="StrideC"/> being those from pixel
    /// to pixel; else 0. Without residual or activation.
    /// </summary>
    public nint RowStrideC;

    /// <summary>Floats from one image to the next, with <see cref="RowStrideC"/>.</summary>
    public nint ImageStrideC;

    /// <summary>A matrix like C, added before the activation, or null. It may be C itself.</summary>
    public float* Residual;

    /// <summary>Floats from one row of the residual to the next.</summary>
    public nint StrideResidual;

    /// <summary>Whether C is read again at once and must not be written past the caches.</summary>
    public bool StaysNear;
}

/// <summary>
/// C[m,n] = f(A[m,k] * B[k,n] + bias[n] + residual[m,n]) over float32 row-major matrices, with A as it stands, transposed, or the
/// windows of a convolution. Serves convolutions, their gradients and dense layers.
/// </summary>
/// <remarks>
/// Every element of C is one sum in the order of k, so the bits depend on neither blocking nor threads. Work items are blocks of rows (see
/// <see cref="BlockSizes"/>; of a convolution two or more rows of pixels), or bands of blocks, times all or some of the panels of B. Inside an item, k goes in
/// blocks. If the panels are small, a row of tiles is done from left to right before the next, and C is written from front to back; else panel by panel, so
/// that a block of B's panel stays in the first-level cache while the rows pass, and a block of A in the second. A is copied only where it must be gathered or
/// padded (see <see cref="WindowRows"/>), or where its stride would put the rows of a tile into the same cache sets. No allocation: an item needs
/// <see cref="WorkspaceBytes"/> of scratch memory.
/// </remarks>
internal sealed unsafe class MatrixProduct
{
    private readonly ConvGeometry _geometry;
    private readonly Left _left;
    private readonly WindowRows? _windows;
    private readonly ActivationFunction _activation;
    private readonly int _m;
    private readonly int _n;
    private readonly int _k;
    private readonly int _blockM;
    private readonly int _blockK;
    private readonly int _itemRows;
    private readonly int _groups;
    private readonly int _panelsPerItem;
    private readonly bool _smallPanels;

    private MatrixProduct(Left left, in ConvGeometry geometry, int m, int n, int k, Activation activation, int threads, BlockSizes? sizes, bool banded = false)
    {
        BlockSizes blocks = sizes ?? BlockSizes.Default;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(m);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        (_left, _geometry, _m, _n, _k, _activation) = (left, geometry, m, n, k, activation.Function);
        _windows = left == Left.Patches ? WindowRows.For(geometry) : null;

        // Of windows, blocks of k are whole window rows; of others, multiples of four.
        _blockK = BlockOfK(k, _windows is null ? 4 : geometry.KernelW * geometry.Channels);
        _blockM = _windows is null ? BlockOfRows(m, banded ? BlockSizes.Default.Rows : blocks.Rows) : _windows.Rows * geometry.OutW;
        _itemRows = banded ? RowBands.OfBlocks(m, n, _blockM).BandRows : _blockM;
        int panels = PackedMatrix.Panels(n), itemsM = (m + _itemRows - 1) / _itemRows;
        int wantedColumns = threads == 1 ? 1 : Math.Max(1, ((4 * threads) + itemsM - 1) / itemsM);
        _panelsPerItem = Math.Max(1, panels / wantedColumns);
        _smallPanels = k <= _blockK && (long)k * _panelsPerItem * PackedMatrix.PanelWidth * sizeof(float) <= blocks.PanelBytes;
        _groups = (panels + _panelsPerItem - 1) / _panelsPerItem;
        Items = itemsM * _groups;
    }

    private enum Left
    {
        Rows,
        Columns,
        Patches,
    }

    /// <summary>Tile and tier, for example <c>f32_gemm_14x32__avx512</c>.</summary>
    public static string KernelName => $"f32_gemm_{GemmTiles.Rows}x{PackedMatrix.PanelWidth}__{CpuFeatures.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>The bands of rows in which moments are given the result of a banded product.</summary>
    public RowBands Bands => new(_m, _n, _itemRows);

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes
    {
        get
        {
            nuint bytes = _windows?.WorkspaceBytes ?? (_left == Left.Columns ? 0 : (nuint)_blockM * (nuint)CopyStride(_blockK) * sizeof(float));
            return (bytes + 63) & ~(nuint)63;
        }
    }

    /// <summary>A product of matrices.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="activation">Applied to the result.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    /// <param name="transposedA">True when A is stored as [k, m].</param>
    /// <param name="blocks">How the work is cut; changes no bit of the result.</param>
    public static MatrixProduct ForMatrix(int m, int n, int k, Activation activation, int threads, bool transposedA = false, BlockSizes? blocks = null)
        => new(transposedA ? Left.Columns : Left.Rows, default, m, n, k, activation, threads, blocks);

    /// <summary>
    /// A convolution of NHWC input with an OHWI filter: m = output pixels, n = output channels, k = kernel rows * columns * input
    /// channels. For groups make one product per group and move the pointers.
    /// </summary>
    /// <param name="geometry">The window.</param>
    /// <param name="outChannels">Output channels (of the group).</param>
    /// <param name="activation">Applied to the result.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    /// <param name="blocks">How the work is cut; changes no bit of the result.</param>
    /// <param name="banded">Whether moments will take in the result, so that an item is a band of <see cref="Bands"/> and has blocks of the default
    /// size.</param>
    public static MatrixProduct ForConvolution(
        in ConvGeometry geometry, int outChannels, Activation activation, int threads, BlockSizes? blocks = null, bool banded = false)
        => new(Left.Patches, geometry, geometry.OutPixels, outChannels, geometry.PatchLength, activation, threads, blocks, banded);

    /// <summary>Whether tiles can read B[k, n] without packing: they read groups of four columns.</summary>
    public static bool CanReadInPlace(int n) => n % Math.Min(4, CpuFeatures.VectorLength) == 0;

    /// <summary>How many steps of k, a multiple of so many, make a block; the residual is added after the first.</summary>
    public static int BlockOfK(int k, int unit = 4)
    {
        int units = (k + unit - 1) / unit, blocks = Math.Min(units, (k + BlockSizes.Depth - 1) / BlockSizes.Depth);
        return (units + blocks - 1) / blocks * unit;
    }

    /// <summary>Does items [begin, end).</summary>
    /// <param name="args">Operands and result.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    /// <param name="moments">Takes in the result of a banded product; null where there is none.</param>
    /// <param name="kept">A copy of the result to make.</param>
    /// <remarks>The items of a block of rows follow each other, so a thread reads mostly rows that it wrote itself in the layer before.</remarks>
    public void RunItems(in MatrixProductArgs args, int begin, int end, byte* workspace, ResultMoments? moments = null, KeptCopy kept = default)
    {
        MatrixProductArgs local = args;
        local.StaysNear = moments is not null || kept.Exists;
        if (_left == Left.Patches && _geometry.IsPointwise) local.StrideA = _geometry.ChannelStride;
        int panels = PackedMatrix.Panels(_n);
        for (int item = begin; item < end; item++)
        {
            int m0 = item / _groups * _itemRows, m1 = Math.Min(m0 + _itemRows, _m), p0 = item % _groups * _panelsPerItem;
            int p1 = Math.Min(p0 + _panelsPerItem, panels), column = p0 * PackedMatrix.PanelWidth;
            if (_m == 1) p0 = RunRow(local, p0, p1);
            for (int m = m0, rows; m < m1; m += rows)
            {
                rows = Math.Min(_blockM, m1 - m);
                RunBlock(&local, m, m + rows, p0, p1, (float*)workspace);
                int columns = Math.Min(p1 * PackedMatrix.PanelWidth, _n) - column;
                moments?.Take(local.C + (m * local.StrideC) + column, m, rows, column, columns);
                kept.Take(local.C + (m * local.StrideC) + column, local.StrideC, rows, columns);
            }
        }
    }

    /// <summary>Of a single row, the groups of panels in [p0, p1) that <see cref="GemmRow"/> can do.</summary>
    /// <returns>The first panel that is left.</returns>
    private int RunRow(in MatrixProductArgs args, int p0, int p1)
    {
        int width = PackedMatrix.PanelWidth, groups = (Math.Min(p1, _n / width) - p0) / GemmRow.Panels;
        if (groups <= 0 || args.PackedB == null || args.Residual != null || args.RowStrideC != 0 || _left == Left.Columns
            || (_left == Left.Patches && !_geometry.IsPointwise))
        {
            return p0;
        }

        float* c = args.C + ((nint)p0 * width);
        GemmRow.Run(args.A, args.PackedB + ((nint)p0 * width * ((nint)_k + 1)), c, _k, groups, _activation.Lower, _activation.Upper);
        int columns = groups * GemmRow.Panels * width;
        if (_activation.NeedsPass) _activation.ApplyRows(c, columns, 1, columns);
        return p0 + (groups * GemmRow.Panels);
    }

    /// <summary>
    /// Rows of a block, so that all blocks but the last have as many tiles and all tiles are about equally high: a last block of one row would cost as much as
    /// four.
    /// </summary>
    private static int BlockOfRows(int m, int wanted)
    {
        int tiles = (m + GemmTiles.Rows - 1) / GemmTiles.Rows, height = (m + tiles - 1) / tiles;
        int blocks = Math.Max(1, ((tiles * GemmTiles.Rows) + (wanted / 2)) / wanted);
        return Math.Min(m, (tiles + blocks - 1) / blocks * height);
    }

    /// <summary>A stride for copied rows: whole cache lines, and no multiple of 1 KiB, which would crowd a few cache sets.</summary>
    private static int CopyStride(int k)
    {
        int stride = (k + 15) & ~15;
        return stride % 256 == 0 ? stride + 16 : stride;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunBlock(MatrixProductArgs* args, int m0, int m1, int p0, int p1, float* workspace)
    {
        int width = PackedMatrix.PanelWidth;
        float* zeros = stackalloc float[width];
        Memory.Fill(zeros, width, 0f);
        _windows?.Prepare(args->A, m0 / _geometry.OutW, m1 / _geometry.OutW, workspace);
        bool packed = args->PackedB != null, together = packed && _smallPanels;
        for (int k0 = 0; k0 < _k; k0 += _blockK)
        {
            int k1 = Math.Min(k0 + _blockK, _k);
            bool last = k1 == _k;
            GemmTileArgs tile = PrepareA(args, m0, m1, k0, k1, workspace);
            tile.StrideB = packed ? width : args->StrideB;
            tile.StrideC = args->StrideC;
            tile.StrideResidual = args->StrideResidual;
            tile.Streams = last && k0 == 0 && !args->StaysNear && !_activation.NeedsPass
                && StreamingStores.Pay(args->A, args->C, args->StrideC, _n, (long)_m * _n * sizeof(float));
            tile.Lower = last ? _activation.Lower : float.NegativeInfinity;
            tile.Upper = last ? _activation.Upper : float.PositiveInfinity;
            for (int p = p0; p < p1; p = together ? p1 : p + 1)
            {
                nint offset = (nint)p * width;
                float* bias = packed ? args->PackedB + (offset * ((nint)_k + 1)) : zeros;
                tile.Bias = k0 == 0 ? bias : null;
                tile.B = packed ? bias + (((nint)k0 + 1) * width) : args->B + (k0 * args->StrideB) + offset;
                tile.C = args->C + offset;

                // In the first block, so that the residual may be C itself.
                tile.Residual = k0 == 0 && args->Residual != null ? args->Residual + offset : null;
                int columns = Math.Min(together ? (p1 - p0) * width : width, _n - (int)offset);
                RunRows(tile, args, m0, m1, k0, columns, together, last && _activation.NeedsPass, workspace);
            }
        }
    }

    /// <summary>Rows [m0, m1) of some columns: at once, or by rows of pixels where these do not follow each other at equal distances.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunRows(GemmTileArgs tile, MatrixProductArgs* args, int m0, int m1, int k0, int columns, bool together, bool pass, float* workspace)
    {
        nint panelFloats = PackedMatrix.PanelWidth * ((nint)_k + 1);
        bool byPixelRows = _windows is not null || args->RowStrideC != 0;
        float* a = tile.A, c = tile.C, residual = tile.Residual;
        for (int m = m0, count; m < m1; m += count)
        {
            count = m1 - m0;
            nint place = m * args->StrideC;
            if (byPixelRows)
            {
                int x = m % _geometry.OutW, row = m / _geometry.OutW;
                count = Math.Min(_geometry.OutW - x, m1 - m);
                tile.A = a + ((m - m0) * tile.StrideA);
                if (_windows is not null) tile.A = _windows.Window(args->A, workspace, m0 / _geometry.OutW, row) + (k0 / tile.K * (tile.K + tile.JumpA));
                if (args->RowStrideC != 0)
                {
                    place = (row / _geometry.OutH * args->ImageStrideC) + (row % _geometry.OutH * args->RowStrideC) + (x * args->StrideC);
                }
            }

            tile.C = c + place;
            tile.Residual = residual == null ? null : residual + (m * args->StrideResidual);
            if (together) GemmTiles.RunPanels(tile, count, columns, panelFloats);
            else GemmTiles.Run(tile, count, columns);
            if (pass) _activation.ApplyRows(tile.C, args->StrideC, count, columns);
        }
    }

    /// <summary>
    /// Gives rows [m0, m1), columns [k0, k1) of A: in place, or as a row-major copy in the workspace. Of windows, only the shape of the sums.
    /// </summary>
    private GemmTileArgs PrepareA(MatrixProductArgs* args, int m0, int m1, int k0, int k1, float* workspace)
    {
        GemmTileArgs tile = new() { K = k1 - k0, Segments = 1, StepA = 1 };
        if (_windows is not null)
        {
            tile.K = _geometry.KernelW * _geometry.Channels;
            tile.Segments = (k1 - k0) / tile.K;
            tile.JumpA = (_geometry.DilationH * _windows.RowStride) - tile.K;
            tile.StrideA = _windows.PixelStride;
            return tile;
        }

        if (_left == Left.Columns)
        {
            (tile.StrideA, tile.StepA) = (1, args->StrideA);
            tile.A = args->A + (k0 * args->StrideA) + m0;
            return tile;
        }

        tile.A = workspace;
        tile.StrideA = CopyStride(_blockK);
        if (_left == Left.Patches && !_geometry.IsPointwise)
        {
            PatchGather.Gather(_geometry, args->A, m0, m1, k0, k1, workspace, tile.StrideA);
            return tile;
        }

        float* a = args->A + (m0 * args->StrideA) + k0;
        if (args->StrideA % 512 != 0 || m1 - m0 < GemmTiles.Rows || k1 - k0 < 16)
        {
            tile.A = a;
            tile.StrideA = args->StrideA;
            return tile;
        }

        for (int i = 0; i < m1 - m0; i++)
            Memory.Copy(a + (i * args->StrideA), workspace + (i * tile.StrideA), k1 - k0);
        return tile;
    }
}
