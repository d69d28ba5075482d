using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// The derivative of clipping a normalized value z = factor[c] * (x - mean[c]) + offset[c] to [lower, upper]: 1 strictly between the bounds, else 0. Found
/// again from x, so that z need not be read.
/// </summary>
/// <param name="Factor">One value per channel; null if nothing is clipped.</param>
/// <param name="Offset">One value per channel.</param>
/// <param name="Lower">Bound below.</param>
/// <param name="Upper">Bound above.</param>
internal readonly unsafe struct ClipMask(float* Factor, float* Offset, float Lower, float Upper)
{
    public readonly float* Factor = Factor;
    public readonly float* Offset = Offset;
    public readonly float Lower = Lower;
    public readonly float Upper = Upper;

    /// <summary>Whether anything is clipped.</summary>
    public bool IsSet => Factor != null;

    /// <summary>The same for the channels from <paramref name="channel"/> on.</summary>
    public ClipMask From(int channel) => IsSet ? new(Factor + channel, Offset + channel, Lower, Upper) : this;

    /// <summary>dy where z lies strictly between the bounds, else 0; NaN where z is NaN; dy if TMask is 0.</summary>
    /// <param name="dy">Gradient of the clipped value.</param>
    /// <param name="deviation">x - mean.</param>
    /// <param name="factor">Factor of z.</param>
    /// <param name="offset">Offset of z.</param>
    /// <param name="lower">Bound below.</param>
    /// <param name="upper">Bound above.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Apply<TSimd, TVec, TMask>(TVec dy, TVec deviation, TVec factor, TVec offset, TVec lower, TVec upper)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMask : struct, IConstant
    {
        if (TMask.Value == 0) return dy;
        TVec z = TSimd.MultiplyAdd(factor, deviation, offset), flat = GradientMasks.ZeroOrNaN<TSimd, TVec>(z);
        return TSimd.SelectIfLess(lower, z, TSimd.SelectIfLess(z, upper, dy, flat), flat);
    }
}
