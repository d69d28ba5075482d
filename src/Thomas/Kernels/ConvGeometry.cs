namespace Thomas.Kernels;

/// <summary>
/// Sizes of a sliding-window operation over NHWC data. Output pixel (oy, ox) reads input rows oy*StrideH - PadTop + ky*DilationH and
/// columns ox*StrideW - PadLeft + kx*DilationW; positions outside the input count as absent (zero). Bottom and right padding follow
/// from the output size.
/// </summary>
/// <param name="Batch">Images.</param>
/// <param name="InH">Input rows.</param>
/// <param name="InW">Input columns.</param>
/// <param name="Channels">Channels that the operation reads of every pixel (one group's, for a grouped convolution).</param>
/// <param name="ChannelStride">Floats from one input pixel to the next; at least <paramref name="Channels"/>.</param>
/// <param name="OutH">Output rows.</param>
/// <param name="OutW">Output columns.</param>
/// <param name="KernelH">Window rows.</param>
/// <param name="KernelW">Window columns.</param>
/// <param name="StrideH">Input rows between neighboring outputs.</param>
/// <param name="StrideW">Input columns between neighboring outputs.</param>
/// <param name="DilationH">Input rows between neighboring taps.</param>
/// <param name="DilationW">Input columns between neighboring taps.</param>
/// <param name="PadTop">Absent rows above the input; may be negative (crop).</param>
/// <param name="PadLeft">Absent columns left of the input; may be negative (crop).</param>
internal readonly record struct ConvGeometry(
    int Batch, int InH, int InW, int Channels, int ChannelStride,
    int OutH, int OutW, int KernelH, int KernelW,
    int StrideH = 1, int StrideW = 1, int DilationH = 1, int DilationW = 1, int PadTop = 0, int PadLeft = 0)
{
    /// <summary>Output pixels of the whole batch.</summary>
    public int OutPixels => Batch * OutH * OutW;

    /// <summary>Output rows of the whole batch: the work items of the direct kernels.</summary>
    public int OutRows => Batch * OutH;

    /// <summary>Window taps times channels.</summary>
    public int PatchLength => KernelH * KernelW * Channels;

    /// <summary>True when every output pixel is made from the input pixel of the same index, so that no gathering is needed.</summary>
    public bool IsPointwise =>
        KernelH == 1 && KernelW == 1 && StrideH == 1 && StrideW == 1 && PadTop == 0 && PadLeft == 0 && OutH == InH && OutW == InW;
}
