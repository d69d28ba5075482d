using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>An element-wise function of one operand; fields of the struct are its parameters.</summary>
internal interface IUnaryMap
{
    /// <summary>Applies the function to every lane. NaN in gives NaN out.</summary>
    TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;
}
