using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class AveragePool2d
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        AveragePool2dAttributes a = (AveragePool2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        if (y.ElementCount == 0) return new OpenClKernel("f32_averagepool");
        Window2d window = a.Window;

        // A window over the whole image has too many taps for one work-item.
        bool isGlobal = window.KernelH == x[1] && window.KernelW == x[2] && window is { DilationH: 1, DilationW: 1 } && window.Padding == default;
        if (isGlobal && a.Activation.Kind == ActivationKind.None)
        {
            ReductionCut cut = ReductionCut.Of(x[0], x[1] * x[2], x[3], context.Limits, joins: true);
            (OpenClLaunch[] launches, long workspace) = ReduceLaunches.Of(isMaximum: false, cut, 1f / (x[1] * x[2]), context.Limits);
            return new OpenClKernel("f32_averagepool_global", launches) { Workspace = workspace };
        }

        return new OpenClKernel("f32_averagepool", PoolLaunches.Average(window.ToGeometry(x, y, x[3]), a.CountPadding, a.Activation, context.Limits));
    }
}
