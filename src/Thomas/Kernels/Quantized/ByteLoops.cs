using System.Runtime.CompilerServices;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>A function of two 8-bit numbers, widened to 32 bits, that gives steps from the zero point of the result.</summary>
internal unsafe interface IByteMap
{
    TVec Invoke<TSimd, TVec>(TVec a, TVec b)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged;
}

/// <summary>The loop of functions of two 8-bit numbers, with the widest vectors that are left to fill.</summary>
internal static unsafe class ByteLoops
{
    /// <summary>y[i] = clamp(map(a[i], b[i]) + zero point); y may be a or b.</summary>
    /// <typeparam name="TMap">The function.</typeparam>
    /// <param name="map">The function.</param>
    /// <param name="a">Left operand.</param>
    /// <param name="aIsSigned">Whether it is int8, else uint8.</param>
    /// <param name="b">Right operand.</param>
    /// <param name="bIsSigned">Whether it is int8, else uint8.</param>
    /// <param name="y">Result.</param>
    /// <param name="grid">Its zero point and bounds.</param>
    /// <param name="count">Elements.</param>
    public static void Run<TMap>(TMap map, byte* a, bool aIsSigned, byte* b, bool bIsSigned, byte* y, ByteGrid* grid, nint count)
        where TMap : struct, IByteMap
    {
        nint i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Run<TMap, Ints512, V512>(map, a, aIsSigned, b, bIsSigned, y, grid, i, count);
        if (CpuFeatures.VectorLength >= 8) i = Run<TMap, Ints256, V256>(map, a, aIsSigned, b, bIsSigned, y, grid, i, count);
        if (CpuFeatures.VectorLength >= 4) i = Run<TMap, Ints128, V128>(map, a, aIsSigned, b, bIsSigned, y, grid, i, count);
        Run<TMap, Ints1, int>(map, a, aIsSigned, b, bIsSigned, y, grid, i, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Run<TMap, TSimd, TVec>(TMap map, byte* a, bool aIsSigned, byte* b, bool bIsSigned, byte* y, ByteGrid* grid, nint i, nint count)
        where TMap : struct, IByteMap
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        TSimd.LoadGrid(grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        int length = TSimd.Length;
        for (; i <= count - (4 * length); i += 4 * length)
        {
            TVec s0 = map.Invoke<TSimd, TVec>(TSimd.LoadBytes(a + i, aIsSigned), TSimd.LoadBytes(b + i, bIsSigned));
            TVec s1 = map.Invoke<TSimd, TVec>(TSimd.LoadBytes(a + i + length, aIsSigned), TSimd.LoadBytes(b + i + length, bIsSigned));
            TVec s2 = map.Invoke<TSimd, TVec>(TSimd.LoadBytes(a + i + (2 * length), aIsSigned), TSimd.LoadBytes(b + i + (2 * length), bIsSigned));
            TVec s3 = map.Invoke<TSimd, TVec>(TSimd.LoadBytes(a + i + (3 * length), aIsSigned), TSimd.LoadBytes(b + i + (3 * length), bIsSigned));
            TSimd.StoreTwoPairs(s0, s1, s2, s3, zero, lower, upper, bias, y + i, 2 * length);
        }

        for (; i <= count - length; i += length)
        {
            TVec steps = map.Invoke<TSimd, TVec>(TSimd.LoadBytes(a + i, aIsSigned), TSimd.LoadBytes(b + i, bIsSigned));
            TSimd.StoreBytes(steps, zero, lower, upper, bias, y + i);
        }

        return i;
    }
}
