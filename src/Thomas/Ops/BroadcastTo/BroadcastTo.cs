using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Settings of broadcasting.</summary>
/// <param name="Dims">The sizes of the result.</param>
internal sealed record BroadcastToAttributes(IntList Dims) : OpAttributes;

/// <summary>Repeats a tensor along new axes and along axes of size 1, by NumPy's rule.</summary>
internal sealed partial class BroadcastTo : Op
{
    /// <inheritdoc/>
    public override string Name => "BroadcastTo";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i], the last axes aligned, indices along axes of size 1 being 0";

    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Shape y = new(((BroadcastToAttributes)attributes).Dims.Items);
        Require(Shape.TryBroadcast(inputs[0].Shape, y, out Shape common) && common == y, $"{inputs[0].Shape} does not broadcast to {y}");
        return [new TensorType(inputs[0].DType, y)];
    }

    internal override long Elementwise(Node node) => 0;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        Shape y = node.Output.Shape;
        nint[] source = Array.ConvertAll(BinaryOp.BroadcastStrides(node.Inputs[0].Shape, y), static stride => (nint)stride);
        return new CopyKernel([new CopyKernel.Box(new StridedCopy(y.Dims, source, CopyKernel.Strides(y)), 0, 0)]);
    }

    internal override void Gradient(GradientContext g) => BroadcastGradient.Add(g, 0, g.GradOutput);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Shape y = args.Output.Shape;
        int[] strides = BinaryOp.BroadcastStrides(args.Inputs[0].Shape, y);
        ReadOnlySpan<T> input = args.Inputs[0].Span;
        Span<T> output = args.Output.Span;
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        int source = 0;
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = input[source];
            for (int axis = y.Rank - 1; axis >= 0; axis--)
            {
                source += strides[axis];
                if (++index[axis] < y[axis]) break;
                source -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
