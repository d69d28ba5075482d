using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// The block of MobileNetV2 (Sandler et al. 2018): a 1x1 <see cref="Conv2d"/>, a <see cref="DepthwiseConv2d"/> and a 1x1 <see cref="Conv2d"/>, whose results
/// between are no tensors. Operands: x, then the filter and, if any, the bias of each of the three in turn, then the last one's residual if any. The first or
/// the last convolution may be absent. The pass <c>fuse-inverted-residual</c> makes it of the three.
/// </summary>
internal sealed partial class InvertedResidual : Op
{
    /// <inheritdoc/>
    public override string Name => "InvertedResidual";

    /// <inheritdoc/>
    public override string Formula => "y = Conv2d(DepthwiseConv2d(Conv2d(x)))";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is built from its parts after they have been differentiated";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand > 0 && attributes is InvertedResidualAttributes a && operand < a.Filters ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        InvertedResidualAttributes a = (InvertedResidualAttributes)attributes;
        RequireInputs(inputs, a.Operands);
        TensorType x = inputs[0];
        if (a.Expand is not null)
        {
            Require(IsPointwise(a.Expand) && !a.Expand.HasResidual, "expects an expansion that is a 1x1 convolution without residual");
            x = OpCatalog.Conv2d.InferTypes([x, .. inputs[InvertedResidualAttributes.ExpandFilter..a.DepthwiseFilter]], a.Expand)[0];
        }

        Require(a.Expand is not null || a.Project is not null, "expects an expansion or a projection");
        Require(a.Depthwise.Window.DilationH == 1, "expects a depthwise window without dilation in height");
        TensorType middle = OpCatalog.DepthwiseConv2d.InferTypes([x, .. inputs[a.DepthwiseFilter..a.ProjectFilter]], a.Depthwise)[0];
        Require(middle.Shape[3] == x.Shape[3], $"expects one output for each channel, got {middle.Shape[3]} for {x.Shape[3]}");
        if (a.Project is null) return [middle];
        Require(IsPointwise(a.Project), "expects a projection that is a 1x1 convolution");
        return OpCatalog.Conv2d.InferTypes([middle, .. inputs[a.ProjectFilter..]], a.Project);
    }

    internal override long MultiplyAdds(Node node)
    {
        InvertedResidualAttributes a = (InvertedResidualAttributes)node.Attributes;
        long expand = a.Expand is null ? 0 : Pixels(node.Inputs[0].Shape) * node.Inputs[InvertedResidualAttributes.ExpandFilter].Shape.ElementCount;
        long project = a.Project is null ? 0 : Pixels(node.Output.Shape) * node.Inputs[a.ProjectFilter].Shape.ElementCount;
        return expand + DepthwiseMultiplyAdds(node) + project;
    }

    /// <summary>Those of the depthwise convolution.</summary>
    internal static long DepthwiseMultiplyAdds(Node node) =>
        Pixels(node.Output.Shape) * node.Inputs[((InvertedResidualAttributes)node.Attributes).DepthwiseFilter].Shape.ElementCount;

    internal override unsafe void Reference<T>(ReferenceArgs<T> args)
    {
        InvertedResidualAttributes a = args.Attributes<InvertedResidualAttributes>();
        RefTensor<T>[] inputs = args.Inputs;
        RefTensor<T> x = inputs[0];
        Shape filter = inputs[a.DepthwiseFilter].Shape;
        Shape expanded = new(x.Shape[0], x.Shape[1], x.Shape[2], filter[3]), middle = a.Depthwise.Window.OutputShape(expanded, filter[3]);
        fixed (T* first = new T[a.Expand is null ? 1 : expanded.ElementCount], second = new T[a.Project is null ? 1 : middle.ElementCount])
        {
            if (a.Expand is not null)
            {
                RefTensor<T> result = new(first, expanded);
                OpCatalog.Conv2d.Reference(
                    Part(args, OpCatalog.Conv2d, a.Expand, [x, .. inputs[InvertedResidualAttributes.ExpandFilter..a.DepthwiseFilter]], result));
                x = result;
            }

            RefTensor<T> convolved = a.Project is null ? args.Output : new(second, middle);
            OpCatalog.DepthwiseConv2d.Reference(
                Part(args, OpCatalog.DepthwiseConv2d, a.Depthwise, [x, .. inputs[a.DepthwiseFilter..a.ProjectFilter]], convolved));
            if (a.Project is not null)
            {
                OpCatalog.Conv2d.Reference(Part(args, OpCatalog.Conv2d, a.Project, [convolved, .. inputs[a.ProjectFilter..]], args.Output));
            }
        }
    }

    /// <summary>Whether the convolution is a matrix product of pixels as they lie.</summary>
    internal static bool IsPointwise(Conv2dAttributes a) => a.Groups == 1 && a.Window.IsPointwise;

    private static long Pixels(Shape shape) => (long)shape[0] * shape[1] * shape[2];

    private static ReferenceArgs<T> Part<T>(ReferenceArgs<T> whole, Op op, OpAttributes attributes, RefTensor<T>[] inputs, RefTensor<T> output)
        where T : unmanaged
        => new(new Node(whole.Node.Name, op, attributes, [], whole.Node.Stage), inputs, [output]);
}
