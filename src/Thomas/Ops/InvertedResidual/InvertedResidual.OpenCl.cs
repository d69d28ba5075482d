using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class InvertedResidual
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        foreach (Value input in node.Inputs)
        {
            if (input.Shape.ElementCount == 0) return null;
        }

        if (node.Output.Shape.ElementCount == 0) return null;
        return Joint(node, context.Limits) is OpenClKernel kernel && context.CanUse([.. kernel.Launches]) ? kernel : Chained(node, context);
    }

    /// <summary>All three by one launch; null where that cannot be.</summary>
    private static OpenClKernel? Joint(Node node, OpenClLimits limits)
    {
        InvertedResidualAttributes a = (InvertedResidualAttributes)node.Attributes;
        if (a.Project is null || limits.IsSeparate) return null;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        BlockPart? expand = a.Expand is null ? null : PartOf(node, InvertedResidualAttributes.ExpandFilter, a.Expand);
        BlockPart depthwise = new(
            LaunchArgument.Input(a.DepthwiseFilter), a.Depthwise.HasBias ? LaunchArgument.Input(a.DepthwiseFilter + 1) : null, a.Depthwise.Activation,
            node.Inputs[a.DepthwiseFilter].IsConstant);
        return InvertedResidualLaunches.Create(
            WindowOf(node), x[3], y[3], expand, depthwise, PartOf(node, a.ProjectFilter, a.Project), ResidualOf(node), limits);
    }

    /// <summary>One after the other, with the images between them in the workspace.</summary>
    private static OpenClKernel Chained(Node node, OpenClKernelContext context)
    {
        InvertedResidualAttributes a = (InvertedResidualAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        ConvGeometry g = WindowOf(node);
        Shape expanded = new(x[0], x[1], x[2], g.Channels), middle = new(x[0], g.OutH, g.OutW, g.Channels);
        long expandedBytes = a.Expand is null ? 0 : InvertedResidualLaunches.Aligned(sizeof(float) * (long)expanded.ElementCount);
        long middleBytes = a.Project is null ? 0 : sizeof(float) * (long)middle.ElementCount;
        return InvertedResidualLaunches.Chained("f32_inverted_chain", expandedBytes + middleBytes, images =>
        {
            LaunchArgument first = a.Expand is null ? LaunchArgument.Input(0) : LaunchArgument.Workspace(images);
            LaunchArgument second = a.Project is null ? LaunchArgument.Output() : LaunchArgument.Workspace(images + expandedBytes);
            List<OpenClKernel> kernels = [];
            if (a.Expand is not null) kernels.Add(Convolution(InvertedResidualAttributes.ExpandFilter, a.Expand, x, expanded, LaunchArgument.Input(0), first));
            kernels.Add(new OpenClKernel("", DepthwiseLaunches.Convolution(
                g, 1, first, LaunchArgument.Input(a.DepthwiseFilter), a.Depthwise.HasBias ? LaunchArgument.Input(a.DepthwiseFilter + 1) : null, second,
                a.Depthwise.Activation, context.Limits)));
            if (a.Project is not null) kernels.Add(Convolution(a.ProjectFilter, a.Project, middle, y, second, LaunchArgument.Output()));
            return kernels;
        });

        OpenClKernel Convolution(int filter, Conv2dAttributes attributes, Shape source, Shape target, LaunchArgument from, LaunchArgument to)
        {
            BlockPart part = PartOf(node, filter, attributes);
            Product product = Conv2d.ProductOf(attributes, source, node.Inputs[filter].Shape, target) with
            {
                A = from,
                B = part.Filter,
                C = to,
                Bias = part.Bias,
                Residual = attributes.HasResidual ? ResidualOf(node) : null,
                IsConstantB = part.IsConstant,
            };
            return ProductLaunches.Create("conv", product, context);
        }
    }

    private static BlockPart PartOf(Node node, int filter, Conv2dAttributes a) =>
        new(LaunchArgument.Input(filter), a.HasBias ? LaunchArgument.Input(filter + 1) : null, a.Activation, node.Inputs[filter].IsConstant);

    private static LaunchArgument? ResidualOf(Node node) =>
        ((InvertedResidualAttributes)node.Attributes).Project?.HasResidual == true ? LaunchArgument.Input(node.Inputs.Count - 1) : null;

    private static ConvGeometry WindowOf(Node node)
    {
        InvertedResidualAttributes a = (InvertedResidualAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        int hidden = node.Inputs[a.DepthwiseFilter].Shape[3];
        Shape expanded = new(x[0], x[1], x[2], hidden);
        return a.Depthwise.Window.ToGeometry(expanded, a.Depthwise.Window.OutputShape(expanded, hidden), hidden);
    }
}
