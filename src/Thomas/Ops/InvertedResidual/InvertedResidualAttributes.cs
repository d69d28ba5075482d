using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of the three convolutions of an <see cref="InvertedResidual"/>, of which the first or the last may be absent.</summary>
/// <param name="Expand">The 1x1 convolution before the depthwise one; null where there is none.</param>
/// <param name="Depthwise">The depthwise convolution, with one output for each channel.</param>
/// <param name="Project">The 1x1 convolution after it; null where there is none.</param>
internal sealed record InvertedResidualAttributes(Conv2dAttributes? Expand, DepthwiseConv2dAttributes Depthwise, Conv2dAttributes? Project) : OpAttributes
{
    /// <summary>Position of the expansion's filter; its bias, if any, follows.</summary>
    internal static int ExpandFilter => 1;

    /// <summary>Position of the depthwise filter.</summary>
    internal int DepthwiseFilter => Expand is null ? 1 : Expand.HasBias ? 3 : 2;

    /// <summary>Position of the projection's filter; its bias, if any, follows.</summary>
    internal int ProjectFilter => DepthwiseFilter + (Depthwise.HasBias ? 2 : 1);

    /// <summary>Number of operands.</summary>
    internal int Operands => Filters + (Project?.HasResidual == true ? 1 : 0);

    /// <summary>Number of operands before the residual: x, filters and biases.</summary>
    internal int Filters => ProjectFilter + (Project is null ? 0 : Project.HasBias ? 2 : 1);
}
