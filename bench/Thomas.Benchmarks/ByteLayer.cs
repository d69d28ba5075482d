using System.Globalization;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;

namespace Thomas.Benchmarks;

/// <summary>A layer with weights.</summary>
internal sealed record ByteLayer(ConvGeometry Geometry, int Outputs, int Groups, bool IsDepthwise)
{
    public long Inputs => (long)Geometry.Batch * Geometry.InH * Geometry.InW * Geometry.ChannelStride;

    public long Results => (long)Geometry.OutPixels * Outputs;

    public long Weights => (long)Outputs * Geometry.KernelH * Geometry.KernelW * (IsDepthwise ? 1 : Geometry.Channels);

    public double MultiplyAdds => (double)Geometry.OutPixels * Weights;

    /// <summary>The layer of a node; or null.</summary>
    public static ByteLayer? Of(Node node)
    {
        Shape x = node.Inputs.Count > 0 ? node.Inputs[0].Shape : default, y = node.Outputs[0].Shape;
        return node.Attributes switch
        {
            Conv2dAttributes a when node.Op is Conv2d => new ByteLayer(a.Window.ToGeometry(x, y, node.Inputs[1].Shape[3]), y[3], a.Groups, IsDepthwise: false),
            DepthwiseConv2dAttributes a when node.Op is DepthwiseConv2d => new ByteLayer(a.Window.ToGeometry(x, y, x[3]), y[3], 1, IsDepthwise: true),
            DenseAttributes when node.Op is Dense => new ByteLayer(new ConvGeometry(x[0], 1, 1, x[1], x[1], 1, 1, 1, 1), y[1], 1, IsDepthwise: false),
            _ => null,
        };
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(IsDepthwise ? "depthwise" : "convolution")} {Geometry.KernelH}x{Geometry.KernelW}/{Geometry.StrideH} "
        + $"{Geometry.InH}x{Geometry.InW}x{Geometry.ChannelStride} -> {Geometry.OutH}x{Geometry.OutW}x{Outputs}");
}
