using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Between which devices a transfer copies.</summary>
/// <param name="Source">Name of the device whose memory the operand lies in.</param>
/// <param name="Target">Name of the device whose memory the result lies in.</param>
internal sealed record TransferAttributes(string Source, string Target) : OpAttributes;

/// <summary>
/// A copy of x, of any shape, in the memory of another device. Compiling adds it where a device has no kernel for a node, which then runs on another one.
/// </summary>
internal sealed class Transfer : Op
{
    /// <inheritdoc/>
    public override string Name => "Transfer";

    /// <inheritdoc/>
    public override string Formula => "y = x";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "nodes are placed on devices after the gradients are known";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.All;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Require(attributes is TransferAttributes, "the devices are missing");
        return [inputs[0]];
    }

    internal override long Elementwise(Node node) => 0;

    internal override void Reference<T>(ReferenceArgs<T> args) => args.Inputs[0].Span.CopyTo(args.Output.Span);

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        int count = node.Output.Shape.ElementCount;
        return new CopyKernel([new CopyKernel.Box(new StridedCopy([count], [1], [1]), 0, 0)]);
    }
}
