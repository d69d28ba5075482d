using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2d
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        (string name, OpenClLaunch[] launches) = Launches(node, context);
        return new OpenClKernel(name, launches);
    }

    /// <summary>The convolution, of a node with these operands, settings and first result.</summary>
    internal static (string Name, OpenClLaunch[] Launches) Launches(Node node, OpenClKernelContext context)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        ConvGeometry g = a.Window.ToGeometry(x, y, x[3]);
        int multiplier = y[3] / x[3];
        string name = $"f32_dwconv_{DepthwiseLaunches.NameOf(g, multiplier, context.Limits)}";
        return context.Limits.IsSeparate
            ? (name, [DepthwiseLaunches.Convolution(g, multiplier, hasBias: false, default, context.Limits), .. Epilogues(node, context.Limits)])
            : (name, [DepthwiseLaunches.Convolution(g, multiplier, a.HasBias, a.Activation, context.Limits)]);
    }

    /// <summary>Bias and activation, where they are not part of the convolution.</summary>
    private static OpenClLaunch[] Epilogues(Node node, OpenClLimits limits)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
        Shape y = node.Output.Shape;
        Product result = new()
        {
            M = y.Product(0, 3),
            N = y[3],
            K = 1,
            LdA = 1,
            LdB = y[3],
            LdC = y[3],
            Bias = a.HasBias ? LaunchArgument.Input(2) : null,
            Activation = a.Activation,
            IsScalar = limits.Vector == 1,
        };
        return ProductLaunches.Epilogues(result, limits);
    }
}
