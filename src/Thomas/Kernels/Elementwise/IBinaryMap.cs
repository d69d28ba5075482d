using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>An element-wise function of two operands.</summary>
internal interface IBinaryMap
{
    /// <summary>Applies the function lane by lane. NaN in either operand gives NaN out.</summary>
    TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;
}
