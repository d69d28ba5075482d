using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2d
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        (string name, OpenClLaunch launch) = Launch(node, context);
        return new OpenClKernel(name, launch);
    }

    /// <summary>The convolution, of a node with these operands, settings and first result.</summary>
    internal static (string Name, OpenClLaunch Launch) Launch(Node node, OpenClKernelContext context)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        ConvGeometry g = a.Window.ToGeometry(x, y, x[3]);
        int multiplier = y[3] / x[3];
        return ($"f32_dwconv_{DepthwiseLaunches.NameOf(g, multiplier)}", DepthwiseLaunches.Convolution(g, multiplier, a.HasBias, a.Activation, context.Limits));
    }
}
