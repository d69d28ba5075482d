using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>A <see cref="FixedPointFactor"/>, once for every number of the widest vector.</summary>
internal unsafe struct RepeatedFactor
{
    private const int Most = 16;

    private fixed int _multipliers[Most];
    private fixed int _lefts[Most];
    private fixed int _rights[Most];

    public RepeatedFactor(FixedPointFactor factor)
    {
        for (int i = 0; i < Most; i++)
        {
            _multipliers[i] = factor.Multiplier;
            _lefts[i] = Math.Max(factor.Shift, 0) & 31;
            _rights[i] = Math.Max(-factor.Shift, 0);
        }
    }

    /// <summary>See <see cref="FixedPointFactor.Apply"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Apply<TSimd, TVec>(RepeatedFactor* factor, TVec x)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        => TSimd.FixedPoint(x, factor->_multipliers, factor->_lefts, factor->_rights);
}
