using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>The product of two 8-bit tensors on grids of their own: y = requantize((a - zero) * (b - zero)).</summary>
/// <param name="a">The left operand.</param>
/// <param name="b">The right operand.</param>
/// <param name="requantization">How products become y; its one ratio is (scale of a) * (scale of b) / (scale of y).</param>
internal sealed unsafe class QuantizedMultiplyKernel(QuantizedOperand a, QuantizedOperand b, Requantization requantization)
{
    private const int MostLanes = 16;

    /// <summary>The definition.</summary>
    public int Apply(int left, int right) => requantization.Apply((left - a.Zero) * (right - b.Zero), 0);

    /// <summary>Multiplies runs of elements; y may be an operand.</summary>
    public void Run(byte* left, byte* right, byte* y, nint count)
    {
        ByteGrid grid = new(requantization);
        if (requantization.Rule == RequantizationRule.Float)
        {
            float* ratios = stackalloc float[MostLanes];
            new Span<float>(ratios, MostLanes).Fill(requantization.Ratios[0]);
            ByteLoops.Run(new FloatMap(a.Zero, b.Zero, ratios, &grid), left, a.IsSigned, right, b.IsSigned, y, &grid, count);
            return;
        }

        RepeatedFactor factor = new(requantization.Factors[0]);
        ByteLoops.Run(new FixedPointMap(a.Zero, b.Zero, &factor), left, a.IsSigned, right, b.IsSigned, y, &grid, count);
    }

    private readonly struct FloatMap(int zeroA, int zeroB, float* ratios, ByteGrid* grid) : IByteMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec a, TVec b)
            where TSimd : struct, IIntSimd<TVec>
            where TVec : unmanaged
            => TSimd.Steps(TSimd.Multiply(TSimd.Subtract(a, TSimd.Create(zeroA)), TSimd.Subtract(b, TSimd.Create(zeroB))), ratios, grid);
    }

    private readonly struct FixedPointMap(int zeroA, int zeroB, RepeatedFactor* factor) : IByteMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec a, TVec b)
            where TSimd : struct, IIntSimd<TVec>
            where TVec : unmanaged
            => RepeatedFactor.Apply<TSimd, TVec>(factor, TSimd.Multiply(TSimd.Subtract(a, TSimd.Create(zeroA)), TSimd.Subtract(b, TSimd.Create(zeroB))));
    }
}
