using System;
using System.Runtime.CompilerServices;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>float32 to 8 bits: y = round(clamp(x / scale, lower - zero, upper - zero)) + zero. NaN becomes the zero point.</summary>
internal sealed unsafe class QuantizeKernel
{
    /// <summary>The largest number below a half.</summary>
    internal const float AlmostHalf = 0.49999997f;

    private readonly QuantizationRule _rule;
    private readonly float _scale;
    private readonly ByteGrid _grid;

    /// <summary>Creates the map.</summary>
    /// <param name="rule">How it divides and rounds.</param>
    /// <param name="scale">Distance of neighboring steps.</param>
    /// <param name="zero">The step that stands for 0.</param>
    /// <param name="lower">The smallest result.</param>
    /// <param name="upper">The largest result.</param>
    public QuantizeKernel(QuantizationRule rule, float scale, int zero, int lower, int upper)
    {
        (_rule, _scale) = (rule, rule == QuantizationRule.Reciprocal ? 1f / scale : scale);
        _grid = new ByteGrid(zero, lower, upper);
    }

    /// <summary>The definition.</summary>
    public int Apply(float x) => Apply(x, _rule, _scale, _grid.Zero, _grid.Least, _grid.Most);

    /// <summary>Does a run of elements.</summary>
    public void Run(float* x, byte* y, nint count) => Run(x, y, count, _rule, _scale, _grid);

    /// <summary>Does a run of elements by division, halves to even, without a map of its own.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="y">Receives the steps.</param>
    /// <param name="count">How many.</param>
    /// <param name="scale">Distance of neighboring steps.</param>
    /// <param name="zero">The step that stands for 0.</param>
    /// <param name="lower">The smallest result.</param>
    /// <param name="upper">The largest result.</param>
    public static void Divide(float* x, byte* y, nint count, float scale, int zero, int lower, int upper) =>
        Run(x, y, count, QuantizationRule.Division, scale, new ByteGrid(zero, lower, upper));

    private static void Run(float* x, byte* y, nint count, QuantizationRule rule, float scale, ByteGrid grid)
    {
        nint i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Run<Ints512, V512>(x, y, &grid, i, count, rule, scale);
        if (CpuFeatures.VectorLength >= 8) i = Run<Ints256, V256>(x, y, &grid, i, count, rule, scale);
        if (CpuFeatures.VectorLength >= 4) i = Run<Ints128, V128>(x, y, &grid, i, count, rule, scale);
        for (; i < count; i++) y[i] = (byte)Apply(x[i], rule, scale, grid.Zero, grid.Least, grid.Most);
    }

    private static int Apply(float x, QuantizationRule rule, float scale, int zero, float least, float most)
    {
        float steps = rule == QuantizationRule.Reciprocal ? x * scale : x / scale;
        if (float.IsNaN(steps)) return zero;
        steps = Math.Clamp(steps, least, most);
        return (int)MathF.Round(steps, rule == QuantizationRule.AwayFromZero ? MidpointRounding.AwayFromZero : MidpointRounding.ToEven) + zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Run<TSimd, TVec>(float* x, byte* y, ByteGrid* grid, nint i, nint count, QuantizationRule rule, float scale)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        (float least, float most) = (grid->Least, grid->Most);
        TSimd.LoadGrid(grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        int length = TSimd.Length;
        for (; i <= count - (4 * length); i += 4 * length)
        {
            TVec s0 = TSimd.Quantize(x + i, rule, scale, least, most), s1 = TSimd.Quantize(x + i + length, rule, scale, least, most);
            TVec s2 = TSimd.Quantize(x + i + (2 * length), rule, scale, least, most), s3 = TSimd.Quantize(x + i + (3 * length), rule, scale, least, most);
            TSimd.StoreTwoPairs(s0, s1, s2, s3, zero, lower, upper, bias, y + i, 2 * length);
        }

        for (; i <= count - length; i += length) TSimd.StoreBytes(TSimd.Quantize(x + i, rule, scale, least, most), zero, lower, upper, bias, y + i);
        return i;
    }
}
