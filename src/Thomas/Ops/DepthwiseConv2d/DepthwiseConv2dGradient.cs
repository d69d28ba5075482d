using System;
using Thomas.Graphs;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

/// <summary>
/// <see cref="DepthwiseConv2dInputGradient"/> and <see cref="DepthwiseConv2dFilterGradient"/> in one pass over memory. Operands: x, dy and filter as there; results: dx and the
/// filter's gradient. The pass <c>fuse-depthwise-gradients</c> makes it of the two.
/// </summary>
public sealed partial class DepthwiseConv2dGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "DepthwiseConv2dGradient";

    /// <inheritdoc/>
    public override string Formula => "dx as DepthwiseConv2dInputGradient of dy and filter; dw as DepthwiseConv2dFilterGradient of x and dy";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    /// <summary>Whether there is a kernel for these shapes.</summary>
    internal static bool Fits(Conv2dGradientAttributes a, Shape x, Shape dy) => x[3] == dy[3] && DepthwiseJointGradient.Fits(a.Window.ToGeometry(x, dy, x[3]));

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        TensorType[] dw = OpCatalog.DepthwiseConv2dFilterGradient.InferTypes(inputs[..2], attributes);
        TensorType[] dx = OpCatalog.DepthwiseConv2dInputGradient.InferTypes(inputs[1..], attributes);
        Require(Fits((Conv2dGradientAttributes)attributes, inputs[0].Shape, inputs[1].Shape), $"no kernel makes both gradients for x {inputs[0].Shape} and {attributes}");
        return [dx[0], dw[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override long MultiplyAdds(Node node) => 2 * node.Inputs[1].Shape.ElementCount * (long)node.Inputs[2].Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        // In this order, because dx may lie in the memory of x.
        OpCatalog.DepthwiseConv2dFilterGradient.Reference(new ReferenceArgs<T>(args.Node, [args.Inputs[0], args.Inputs[1]], [args.Outputs[1]]));
        OpCatalog.DepthwiseConv2dInputGradient.Reference(new ReferenceArgs<T>(args.Node, [args.Inputs[1], args.Inputs[2]], [args.Outputs[0]]));
    }
}
