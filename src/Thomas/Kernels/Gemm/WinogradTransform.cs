using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// The three linear maps of Winograd's F(2x2, 3x3), over vectors of channels: a window's 4x4 input pixels and a filter's 3x3 taps become 16 numbers each, and
/// the 16 products, summed over the input channels, become 2x2 output pixels.
/// </summary>
internal static unsafe class WinogradTransform
{
    /// <summary>Transforms one window.</summary>
    /// <param name="pixels">Its 16 pixels, row by row.</param>
    /// <param name="channels">Channels; a multiple of the vector's length.</param>
    /// <param name="target">Receives the first of the 16 rows of channels.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input<TSimd, TVec>(float** pixels, int channels, float* target, nint stride)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (int c = 0; c < channels; c += TSimd.Length, target += TSimd.Length)
        {
            InputColumn<TSimd, TVec>(pixels, c, out TVec d00, out TVec d10, out TVec d20, out TVec d30);
            InputColumn<TSimd, TVec>(pixels + 1, c, out TVec d01, out TVec d11, out TVec d21, out TVec d31);
            InputColumn<TSimd, TVec>(pixels + 2, c, out TVec d02, out TVec d12, out TVec d22, out TVec d32);
            InputColumn<TSimd, TVec>(pixels + 3, c, out TVec d03, out TVec d13, out TVec d23, out TVec d33);
            InputRow<TSimd, TVec>(d00, d01, d02, d03, target, stride);
            InputRow<TSimd, TVec>(d10, d11, d12, d13, target + (4 * stride), stride);
            InputRow<TSimd, TVec>(d20, d21, d22, d23, target + (8 * stride), stride);
            InputRow<TSimd, TVec>(d30, d31, d32, d33, target + (12 * stride), stride);
        }
    }

    /// <summary>
    /// The 16 sums of each tile become its output pixels, which take the place of the first four: above left, above right, below left, below right.
    /// </summary>
    /// <param name="sums">16 matrices [tile, channel].</param>
    /// <param name="stride">Floats from one matrix to the next.</param>
    /// <param name="tiles">Tiles.</param>
    /// <param name="tileStride">Floats from one tile to the next.</param>
    /// <param name="bias">A value for each channel.</param>
    /// <param name="channels">Channels; a multiple of the vector's length.</param>
    /// <returns>Whether all results are finite.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Output<TSimd, TVec>(float* sums, nint stride, int tiles, int tileStride, float* bias, int channels)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec zero = TSimd.Create(0f), probe = zero;
        for (; tiles > 0; tiles--, sums += tileStride)
        {
            for (int c = 0; c < channels; c += TSimd.Length)
            {
                TVec b = TSimd.Load(bias + c);
                float* s = sums + c;
                OutputColumn<TSimd, TVec>(s, stride, out TVec a0, out TVec b0);
                OutputColumn<TSimd, TVec>(s + stride, stride, out TVec a1, out TVec b1);
                OutputColumn<TSimd, TVec>(s + (2 * stride), stride, out TVec a2, out TVec b2);
                OutputColumn<TSimd, TVec>(s + (3 * stride), stride, out TVec a3, out TVec b3);
                TVec y00 = TSimd.Add(TSimd.Add(TSimd.Add(a0, a1), a2), b), y01 = TSimd.Add(TSimd.Subtract(TSimd.Subtract(a1, a2), a3), b);
                TVec y10 = TSimd.Add(TSimd.Add(TSimd.Add(b0, b1), b2), b), y11 = TSimd.Add(TSimd.Subtract(TSimd.Subtract(b1, b2), b3), b);
                TSimd.Store(y00, s);
                TSimd.Store(y01, s + stride);
                TSimd.Store(y10, s + (2 * stride));
                TSimd.Store(y11, s + (3 * stride));

                // Zero times what is not finite is NaN.
                probe = TSimd.MultiplyAdd(y00, zero, TSimd.MultiplyAdd(y01, zero, TSimd.MultiplyAdd(y10, zero, TSimd.MultiplyAdd(y11, zero, probe))));
            }
        }

        return TSimd.Sum(probe) == 0f;
    }

    /// <summary>Transforms the taps of one filter and channel, in double, rounded once.</summary>
    /// <param name="taps">The first tap.</param>
    /// <param name="tapStride">Floats from one tap to the next.</param>
    /// <param name="target">Receives the first of the 16 numbers.</param>
    /// <param name="stride">Floats from one to the next.</param>
    public static void Filter(float* taps, nint tapStride, float* target, nint stride)
    {
        double* columns = stackalloc double[12];
        for (int j = 0; j < 3; j++)
        {
            double g0 = taps[j * tapStride], g1 = taps[(3 + j) * tapStride], g2 = taps[(6 + j) * tapStride];
            columns[j] = g0;
            columns[3 + j] = (g0 + g1 + g2) / 2;
            columns[6 + j] = (g0 - g1 + g2) / 2;
            columns[9 + j] = g2;
        }

        for (int i = 0; i < 4; i++, columns += 3, target += 4 * stride)
        {
            target[0] = (float)columns[0];
            target[stride] = (float)((columns[0] + columns[1] + columns[2]) / 2);
            target[2 * stride] = (float)((columns[0] - columns[1] + columns[2]) / 2);
            target[3 * stride] = (float)columns[2];
        }
    }

    /// <summary>A tap again from the 16 numbers of <see cref="Filter"/>.</summary>
    public static float Tap(float* numbers, nint stride, int ky, int kx) => ky switch
    {
        0 => TapOfRow(numbers, stride, kx),
        1 => TapOfRow(numbers + (4 * stride), stride, kx) - TapOfRow(numbers + (8 * stride), stride, kx),
        _ => TapOfRow(numbers + (12 * stride), stride, kx),
    };

    private static float TapOfRow(float* row, nint stride, int kx) => kx switch
    {
        0 => row[0],
        1 => row[stride] - row[2 * stride],
        _ => row[3 * stride],
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InputColumn<TSimd, TVec>(float** pixels, int c, out TVec x0, out TVec x1, out TVec x2, out TVec x3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec d0 = TSimd.Load(pixels[0] + c), d1 = TSimd.Load(pixels[4] + c), d2 = TSimd.Load(pixels[8] + c), d3 = TSimd.Load(pixels[12] + c);
        x0 = TSimd.Subtract(d0, d2);
        x1 = TSimd.Add(d1, d2);
        x2 = TSimd.Subtract(d2, d1);
        x3 = TSimd.Subtract(d1, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InputRow<TSimd, TVec>(TVec d0, TVec d1, TVec d2, TVec d3, float* target, nint stride)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TSimd.Store(TSimd.Subtract(d0, d2), target);
        TSimd.Store(TSimd.Add(d1, d2), target + stride);
        TSimd.Store(TSimd.Subtract(d2, d1), target + (2 * stride));
        TSimd.Store(TSimd.Subtract(d1, d3), target + (3 * stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputColumn<TSimd, TVec>(float* sums, nint stride, out TVec a, out TVec b)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec m0 = TSimd.Load(sums), m1 = TSimd.Load(sums + (4 * stride)), m2 = TSimd.Load(sums + (8 * stride)), m3 = TSimd.Load(sums + (12 * stride));
        a = TSimd.Add(TSimd.Add(m0, m1), m2);
        b = TSimd.Subtract(TSimd.Subtract(m1, m2), m3);
    }
}
