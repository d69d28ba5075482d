using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// A 3x3 convolution with stride 1 by Winograd's F(2x2, 3x3) (Lavin and Gray 2016): each tile of 2x2 output pixels takes 16 multiplications a channel instead
/// of 36.
/// </summary>
/// <remarks>
/// A work item is a block of tiles times all or some panels of the filter. Its windows are transformed once; then, panel by panel, 16 small matrix products (m
/// = tiles, n = the panel's output channels, k = input channels) and their transformation into pixels, with bias, residual and activation. Sums are in the
/// order of the channels and cut by shapes only, so the bits do not depend on the threads. The sums of a tile mix its four pixels, and differences of
/// infinities are not numbers. So pixels that come out not finite are computed again by definition, and NaN stays where it belongs.
/// </remarks>
internal sealed unsafe class WinogradConvolution
{
    private const int Points = 16;
    private const int WantedTiles = 28;
    private const int MostInputBytes = 256 * 1024;

    private readonly ConvGeometry _g;
    private readonly ActivationFunction _activation;
    private readonly int _outputs;
    private readonly int _tilesY;
    private readonly int _tilesX;
    private readonly int _tiles;
    private readonly int _blockTiles;
    private readonly int _blocks;
    private readonly int _panelsPerItem;

    /// <summary>Plans the convolution.</summary>
    /// <param name="geometry">The window; see <see cref="Serves"/>.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="activation">Applied to the result.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    public WinogradConvolution(in ConvGeometry geometry, int outChannels, Activation activation, int threads)
    {
        (_g, _outputs, _activation) = (geometry, outChannels, activation.Function);
        (_tilesY, _tilesX) = ((geometry.OutH + 1) / 2, (geometry.OutW + 1) / 2);
        _tiles = geometry.Batch * _tilesY * _tilesX;
        int wanted = (WantedTiles + GemmTiles.Rows - 1) / GemmTiles.Rows * GemmTiles.Rows;
        if (Points * wanted * geometry.Channels * sizeof(float) > MostInputBytes) wanted = Math.Max(GemmTiles.Rows, wanted / 2);
        _blocks = (_tiles + wanted - 1) / wanted;
        _blockTiles = (_tiles + _blocks - 1) / _blocks;
        int wantedColumns = threads == 1 ? 1 : Math.Max(1, ((4 * threads) + _blocks - 1) / _blocks);
        _panelsPerItem = Math.Max(1, Panels / wantedColumns);
        Items = _blocks * ((Panels + _panelsPerItem - 1) / _panelsPerItem);
    }

    /// <summary>Kernel and tier, for example <c>f32_winograd_2x2k3__avx512</c>.</summary>
    public static string KernelName => $"f32_winograd_2x2k3__{CpuFeatures.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>Panels of the filter, which can be packed independently of each other.</summary>
    public int Panels => PackedMatrix.Panels(_outputs);

    /// <summary>Bytes of the packed filter with its bias, to be 64-byte aligned.</summary>
    public nuint PackedBytes => (nuint)(Panels * PanelFloats) * sizeof(float);

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => (nuint)((((nint)Points * _blockTiles * (_g.Channels + PackedMatrix.PanelWidth)) + _g.Channels + 15) & ~15) * sizeof(float);

    private nint PanelFloats => (nint)PackedMatrix.PanelWidth * (1 + (Points * _g.Channels));

    /// <summary>
    /// Whether this is a convolution to do so: 3x3, stride 1, whole vectors of channels, and enough of them and of tiles to pay for the transformations.
    /// </summary>
    public static bool Serves(in ConvGeometry g, int outChannels)
    {
        int tiles = ((g.OutH + 1) / 2) * ((g.OutW + 1) / 2);
        return g is { KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1 }
            && g.Channels == g.ChannelStride && g.Channels >= 16 && outChannels >= 32
            && g.Channels % CpuFeatures.VectorLength == 0 && outChannels % CpuFeatures.VectorLength == 0
            && g.Batch * tiles >= 8 && 3 * g.OutH * g.OutW >= 8 * tiles;
    }

    /// <summary>Packs panels [begin, end): of each a row of bias values, then 16 matrices [input channel, output channel].</summary>
    /// <param name="filter">Taps in OHWI order.</param>
    /// <param name="bias">A value for each output channel, or null for zeros.</param>
    /// <param name="packed">Receives <see cref="PackedBytes"/> bytes.</param>
    /// <param name="begin">First panel.</param>
    /// <param name="end">One past the last panel.</param>
    public void Pack(float* filter, float* bias, float* packed, int begin, int end)
    {
        int width = PackedMatrix.PanelWidth, channels = _g.Channels;
        for (int p = begin; p < end; p++)
        {
            float* panel = packed + (p * PanelFloats);
            int columns = Math.Min(width, _outputs - (p * width));
            if (columns < width) new Span<float>(panel, (int)PanelFloats).Clear();
            Memory.Fill(panel, width, 0f);
            if (bias != null) Memory.Copy(bias + ((nint)p * width), panel, columns);
            for (int j = 0; j < columns; j++)
            {
                float* taps = filter + (((nint)p * width) + j) * 9 * channels;
                for (int c = 0; c < channels; c++)
                    WinogradTransform.Filter(taps + c, channels, panel + width + ((nint)c * width) + j, (nint)channels * width);
            }
        }
    }

    /// <summary>Does items [begin, end).</summary>
    /// <param name="args">Input, packed filter, output and residual; their strides are those of whole pixels.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    public void RunItems(in MatrixProductArgs args, int begin, int end, byte* workspace)
    {
        MatrixProductArgs local = args;
        switch (CpuFeatures.VectorLength)
        {
            case 16: RunItems<Simd512, V512>(&local, begin, end, (float*)workspace); break;
            case 8: RunItems<Simd256, V256>(&local, begin, end, (float*)workspace); break;
            case 4: RunItems<Simd128, V128>(&local, begin, end, (float*)workspace); break;
            default: RunItems<Simd1, float>(&local, begin, end, (float*)workspace); break;
        }
    }

    private void RunItems<TSimd, TVec>(MatrixProductArgs* args, int begin, int end, float* workspace)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        float* sums = workspace + ((nint)Points * _blockTiles * _g.Channels);
        for (int item = begin; item < end; item++)
        {
            int t0 = item % _blocks * _blockTiles, t1 = Math.Min(t0 + _blockTiles, _tiles);
            int p0 = item / _blocks * _panelsPerItem, p1 = Math.Min(p0 + _panelsPerItem, Panels);
            TransformInput<TSimd, TVec>(args->A, t0, t1, workspace);
            for (int p = p0; p < p1; p++)
            {
                float* panel = args->PackedB + (p * PanelFloats);
                int first = p * PackedMatrix.PanelWidth, columns = Math.Min(PackedMatrix.PanelWidth, _outputs - first);
                Multiply(workspace, panel, t1 - t0, columns, sums);
                if (!WinogradTransform.Output<TSimd, TVec>(sums, (nint)_blockTiles * PackedMatrix.PanelWidth, t1 - t0, PackedMatrix.PanelWidth, panel, columns))
                {
                    DefineTiles(args->A, t0, t1, panel, columns, sums);
                }

                Write<TSimd, TVec>(args, t0, t1, sums, first, columns);
            }
        }
    }

    /// <summary>The windows of tiles [t0, t1): 16 matrices [tile, channel]. Pixels outside the input are zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformInput<TSimd, TVec>(float* input, int t0, int t1, float* target)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int channels = _g.Channels;
        float* zeros = target + ((nint)Points * _blockTiles * (channels + PackedMatrix.PanelWidth));
        Memory.Fill(zeros, channels, 0f);
        float** pixels = stackalloc float*[Points];
        for (int t = t0; t < t1; t++, target += channels)
        {
            Locate(t, out int image, out int y0, out int x0);
            float* source = input + ((nint)image * _g.InH * _g.InW * channels);
            for (int i = 0; i < Points; i++)
            {
                int y = y0 - _g.PadTop + (i / 4), x = x0 - _g.PadLeft + (i % 4);
                pixels[i] = (uint)y < (uint)_g.InH && (uint)x < (uint)_g.InW ? source + ((((nint)y * _g.InW) + x) * channels) : zeros;
            }

            WinogradTransform.Input<TSimd, TVec>(pixels, channels, target, (nint)_blockTiles * channels);
        }
    }

    /// <summary>The 16 products of a block of tiles with a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(float* input, float* panel, int tiles, int columns, float* sums)
    {
        int width = PackedMatrix.PanelWidth, channels = _g.Channels;
        float* zeros = stackalloc float[width];
        Memory.Fill(zeros, width, 0f);
        GemmTileArgs tile = new()
        {
            StrideA = channels,
            StepA = 1,
            StrideB = width,
            K = channels,
            Segments = 1,
            Bias = zeros,
            StrideC = width,
            Lower = float.NegativeInfinity,
            Upper = float.PositiveInfinity,
        };
        for (int i = 0; i < Points; i++)
        {
            tile.A = input + ((nint)i * _blockTiles * channels);
            tile.B = panel + width + ((nint)i * channels * width);
            tile.C = sums + ((nint)i * _blockTiles * width);
            GemmTiles.Run(tile, tiles, columns);
        }
    }

    /// <summary>Writes those pixels of tiles [t0, t1) that lie within the output.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write<TSimd, TVec>(MatrixProductArgs* args, int t0, int t1, float* pixels, int first, int columns)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec lower = TSimd.Create(_activation.Lower), upper = TSimd.Create(_activation.Upper);
        nint stride = (nint)_blockTiles * PackedMatrix.PanelWidth;
        int outW = _g.OutW;
        for (int t = t0; t < t1; t++, pixels += PackedMatrix.PanelWidth)
        {
            Locate(t, out int image, out int y, out int x);
            nint corner = (((((nint)image * _g.OutH) + y) * outW) + x);
            int width = Math.Min(2, outW - x), height = Math.Min(2, _g.OutH - y);
            for (int i = 0; i < height; i++)
            {
                for (int j = 0; j < width; j++)
                {
                    nint pixel = corner + (i * outW) + j;
                    float* source = pixels + (((2 * i) + j) * stride);
                    float* residual = args->Residual == null ? null : args->Residual + (pixel * args->StrideResidual) + first;
                    float* target = args->C + (pixel * args->StrideC) + first;
                    for (int c = 0; c < columns; c += TSimd.Length)
                    {
                        TVec value = TSimd.Load(source + c);
                        if (residual != null) value = TSimd.Add(value, TSimd.Load(residual + c));
                        TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, value)), target + c);
                    }

                    if (_activation.NeedsPass) _activation.ApplyRows(target, args->StrideC, 1, columns);
                }
            }
        }
    }

    /// <summary>Computes the pixels of those among tiles [t0, t1) that have a result that is not finite by definition.</summary>
    private void DefineTiles(float* input, int t0, int t1, float* panel, int columns, float* pixels)
    {
        nint stride = (nint)_blockTiles * PackedMatrix.PanelWidth;
        for (int t = t0; t < t1; t++, pixels += PackedMatrix.PanelWidth)
        {
            bool finite = true;
            for (int i = 0; i < 4 * columns; i++)
                finite &= float.IsFinite(pixels[(i / columns * stride) + (i % columns)]);
            Locate(t, out int image, out int y, out int x);
            for (int i = 0; i < 4 && !finite; i++)
                Define(input, image, y + (i / 2), x + (i % 2), panel, columns, pixels + (i * stride));
        }
    }

    /// <summary>One output pixel by definition.</summary>
    private void Define(float* input, int image, int y, int x, float* panel, int columns, float* target)
    {
        int width = PackedMatrix.PanelWidth, channels = _g.Channels;
        for (int j = 0; j < columns; j++)
        {
            float sum = panel[j];
            for (int tap = 0; tap < 9; tap++)
            {
                int iy = y - _g.PadTop + (tap / 3), ix = x - _g.PadLeft + (tap % 3);
                if ((uint)iy >= (uint)_g.InH || (uint)ix >= (uint)_g.InW) continue;
                float* pixel = input + (((((nint)image * _g.InH) + iy) * _g.InW) + ix) * channels;
                for (int c = 0; c < channels; c++)
                    sum += pixel[c] * WinogradTransform.Tap(panel + width + ((nint)c * width) + j, (nint)channels * width, tap / 3, tap % 3);
            }

            target[j] = sum;
        }
    }

    /// <summary>The image and first output pixel of a tile.</summary>
    private void Locate(int tile, out int image, out int y, out int x)
    {
        x = tile % _tilesX * 2;
        y = tile / _tilesX % _tilesY * 2;
        image = tile / _tilesX / _tilesY;
    }
}
