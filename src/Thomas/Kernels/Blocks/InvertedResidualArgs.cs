namespace Thomas.Kernels.Blocks;

/// <summary>Where an <see cref="InvertedResidualBands"/> reads and writes.</summary>
internal unsafe struct InvertedResidualArgs
{
    /// <summary>Input.</summary>
    public float* X;

    /// <summary>Weights and bias of the expansion, from <see cref="Gemm.PackedMatrix"/>; not used where there is none.</summary>
    public float* Expand;

    /// <summary>Filter of the depthwise convolution, from <see cref="InvertedResidualBands.PackFilter"/>.</summary>
    public float* Filter;

    /// <summary>Bias of the depthwise convolution, or null.</summary>
    public float* Bias;

    /// <summary>Weights and bias of the projection, from <see cref="Gemm.PackedMatrix"/>.</summary>
    public float* Project;

    /// <summary>Added to the projection before its activation, or null.</summary>
    public float* Residual;

    /// <summary>Output; not the input's memory.</summary>
    public float* Y;
}
