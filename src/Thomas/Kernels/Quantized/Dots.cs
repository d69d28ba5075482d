using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// What one instruction, or two, adds to each 32-bit sum of a vector: the products of a few neighboring 8-bit or 16-bit numbers. All are exact.
/// </summary>
/// <typeparam name="TVec">The vector.</typeparam>
internal interface IDot<TVec>
    where TVec : unmanaged
{
    /// <summary>Whether sums become results two vectors at a time; see <see cref="WideEnding"/>.</summary>
    static virtual bool EndsWide => false;

    static abstract TVec Add(TVec sums, TVec x, TVec w);
}

/// <summary>Four unsigned bytes of x times four signed bytes of w (AVX-VNNI).</summary>
internal readonly struct VnniDot : IDot<Vector256<int>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<int> x, Vector256<int> w) =>
        AvxVnni.MultiplyWideningAndAdd(sums, x.AsByte(), w.AsSByte());
}

/// <summary>The same where there is AVX-512 beside it.</summary>
internal readonly struct WideVnniDot : IDot<Vector256<int>>
{
    public static bool EndsWide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<int> x, Vector256<int> w) => VnniDot.Add(sums, x, w);
}

/// <summary>Four signed bytes of x times four signed bytes of w (Arm64 dot product).</summary>
internal readonly struct NeonDot : IDot<Vector128<int>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> sums, Vector128<int> x, Vector128<int> w) => Dp.DotProduct(sums, x.AsSByte(), w.AsSByte());
}

/// <summary>Two 16-bit numbers of each.</summary>
internal readonly struct PairDot512 : IDot<Vector512<int>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> sums, Vector512<int> x, Vector512<int> w) =>
        sums + Avx512BW.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16());
}

/// <summary>Two 16-bit numbers of each.</summary>
internal readonly struct PairDot256 : IDot<Vector256<int>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<int> x, Vector256<int> w) =>
        sums + Avx2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16());
}

/// <summary>Two 16-bit numbers of each.</summary>
internal readonly struct PairDot128 : IDot<Vector128<int>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> sums, Vector128<int> x, Vector128<int> w)
    {
        if (Sse2.IsSupported) return sums + Sse2.MultiplyAddAdjacent(x.AsInt16(), w.AsInt16());
        if (AdvSimd.Arm64.IsSupported)
        {
            Vector128<int> low = AdvSimd.MultiplyWideningLower(x.AsInt16().GetLower(), w.AsInt16().GetLower());
            return sums + AdvSimd.Arm64.AddPairwise(low, AdvSimd.MultiplyWideningUpper(x.AsInt16(), w.AsInt16()));
        }

        return sums + (((x << 16) >> 16) * ((w << 16) >> 16)) + ((x >> 16) * (w >> 16));
    }
}

/// <summary>Two 16-bit numbers of each.</summary>
internal readonly struct PairDot1 : IDot<int>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Add(int sums, int x, int w) => sums + ((short)x * (short)w) + ((x >> 16) * (w >> 16));
}
