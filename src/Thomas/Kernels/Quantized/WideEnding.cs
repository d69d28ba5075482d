using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// How 256-bit sums become results where there are 512-bit instructions: two vectors side by side. AVX-VNNI adds 256 bits at a time, but in layers with few
/// inputs rounding takes as long as adding, so half the instructions for it are worth putting vectors together.
/// </summary>
internal static unsafe class WideEnding
{
    /// <summary>Four rows of 16 columns; c has the first eight of a row, d the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourRows(
        V256 c0, V256 d0, V256 c1, V256 d1, V256 c2, V256 d2, V256 c3, V256 d3, float* ratios, V512 zero, V512 lower, V512 upper, V512 bias,
        bool clips, byte* y, nint stride)
    {
        Vector512<float> by = Vector512.Load(ratios);
        V512 r0 = Steps(c0, d0, by), r1 = Steps(c1, d1, by), r2 = Steps(c2, d2, by), r3 = Steps(c3, d3, by);
        Ints512.StoreFour(Ints512.Bytes(r0, r1, r2, r3, zero, lower, upper, bias, clips), y, stride);
    }

    /// <summary>Four rows of eight columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourRows(
        V256 s0, V256 s1, V256 s2, V256 s3, float* ratios, V512 zero, V512 lower, V512 upper, V512 bias, bool clips, byte* y, nint stride)
    {
        Vector512<float> by = Twice(ratios);
        V512 s01 = Steps(s0, s1, by), s23 = Steps(s2, s3, by);
        StoreFour(Ints512.Bytes(s01, s23, s01, s23, zero, lower, upper, bias, clips).GetLower(), y, stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Twice(float* ratios)
    {
        Vector256<float> by = Vector256.Load(ratios);
        return Beside(by.AsInt32(), by.AsInt32()).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Steps(V256 low, V256 high, Vector512<float> ratios) =>
        Avx512F.ConvertToVector512Int32(Avx512F.ConvertToVector512Single(Beside(low, high)) * ratios);

    /// <summary>One instruction; Vector512.Create takes two and a detour through memory (.NET 10).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Beside(V256 low, V256 high) => Avx512F.InsertVector256(low.ToVector512Unsafe(), high, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector256<byte> bytes, byte* y, nint stride)
    {
        Vector128<float> first = bytes.GetLower().AsSingle(), last = bytes.GetUpper().AsSingle();
        Sse.StoreLow((float*)y, first);
        Sse.StoreHigh((float*)(y + stride), first);
        Sse.StoreLow((float*)(y + (2 * stride)), last);
        Sse.StoreHigh((float*)(y + (3 * stride)), last);
    }
}
