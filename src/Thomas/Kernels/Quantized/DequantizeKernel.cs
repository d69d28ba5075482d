using System.Runtime.CompilerServices;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>8 bits to float32: y = (x - zero) * scale.</summary>
/// <param name="x">The grid of the operand.</param>
internal sealed unsafe class DequantizeKernel(QuantizedOperand x)
{
    /// <summary>The definition.</summary>
    public float Apply(int value) => (value - x.Zero) * x.Scale;

    /// <summary>Does a run of elements.</summary>
    public void Run(byte* from, float* y, nint count) => Run(x, from, y, count);

    /// <summary>Does a run of elements without a map of its own.</summary>
    public static void Run(QuantizedOperand x, byte* from, float* y, nint count)
    {
        nint i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Run<Ints512, V512>(x, from, y, i, count);
        if (CpuFeatures.VectorLength >= 8) i = Run<Ints256, V256>(x, from, y, i, count);
        if (CpuFeatures.VectorLength >= 4) i = Run<Ints128, V128>(x, from, y, i, count);
        for (; i < count; i++) y[i] = (x.Read(from[i]) - x.Zero) * x.Scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Run<TSimd, TVec>(QuantizedOperand x, byte* from, float* y, nint i, nint count)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        (float scale, TVec zero, bool isSigned) = (x.Scale, TSimd.Create(x.Zero), x.IsSigned);
        for (; i <= count - TSimd.Length; i += TSimd.Length)
            TSimd.StoreScaled(TSimd.Subtract(TSimd.LoadBytes(from + i, isSigned), zero), scale, y + i);
        return i;
    }
}
