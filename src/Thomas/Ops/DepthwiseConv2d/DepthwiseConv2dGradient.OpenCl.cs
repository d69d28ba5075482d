using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dGradient
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        DepthwiseConv2dGradientAttributes a = (DepthwiseConv2dGradientAttributes)node.Attributes;
        if (a.X is not null) return null;
        Shape x = node.Inputs[0].Shape;
        ActivationFunction function = a.InputActivation.Function;
        return DepthwiseGradientLaunches.Both(
            a.Window.ToGeometry(x, node.Inputs[1].Shape, x[3]),
            a.InputActivation.Kind == ActivationKind.None ? null : (function.Lower, function.Upper), a.InputActivation.IsKeptByHalf, context.Limits);
    }
}
