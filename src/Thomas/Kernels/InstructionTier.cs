namespace Thomas.Kernels;

/// <summary>Families of vector instructions that the kernels are compiled for, slowest first.</summary>
internal enum InstructionTier
{
    /// <summary>No vector hardware: one float at a time.</summary>
    Scalar,

    /// <summary>128-bit vectors through the cross-platform operations (SSE, or any Arm runtime without intrinsics).</summary>
    Vector128,

    /// <summary>Arm64 Advanced SIMD: 128-bit vectors, fused multiply-add by element.</summary>
    Neon,

    /// <summary>x64 AVX2 with FMA: 256-bit vectors.</summary>
    Avx2,

    /// <summary>x64 AVX-512: 512-bit vectors, 32 registers.</summary>
    Avx512,
}
