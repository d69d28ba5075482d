using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>dL/dx of a slice with steps: spreads the gradient over a tensor of zeros. Operand: dy.</summary>
internal sealed partial class SliceGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "SliceGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[begin + i * step] = dy[i], 0 elsewhere";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        SliceGradientAttributes a = (SliceGradientAttributes)attributes;
        Shape dy = inputs[0].Shape, x = new(a.Dims.Items);
        Require(
            a.Begin.Count == dy.Rank && a.Step.Count == dy.Rank && x.Rank == dy.Rank,
            $"needs {dy.Rank} begins, steps and sizes, got {a.Begin}, {a.Step}, {a.Dims}");
        for (int i = 0; i < dy.Rank; i++)
            Require(
                a.Begin[i] >= 0 && a.Step[i] >= 1 && a.Begin[i] + ((dy[i] - 1L) * a.Step[i]) < x[i],
                $"dy {dy} with begin {a.Begin} and step {a.Step} leaves {x}");
        return [new TensorType(inputs[0].DType, x)];
    }

    internal override long Elementwise(Node node) => 0;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        SliceGradientAttributes a = (SliceGradientAttributes)node.Attributes;
        Shape dy = node.Inputs[0].Shape;
        nint[] target = CopyKernel.Strides(node.Output.Shape);
        nint offset = 0;
        for (int i = 0; i < target.Length; i++)
        {
            offset += a.Begin[i] * target[i];
            target[i] *= a.Step[i];
        }

        StridedCopy copy = new(dy.Dims, CopyKernel.Strides(dy), target);
        return new CopyKernel([new CopyKernel.Box(copy, 0, offset)], node.Output.Shape.ElementCount);
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        SliceGradientAttributes a = args.Attributes<SliceGradientAttributes>();
        Shape dy = args.Inputs[0].Shape;
        int[] strides = args.Output.Shape.Strides();
        int target = 0;
        for (int i = 0; i < strides.Length; i++)
        {
            target += a.Begin[i] * strides[i];
            strides[i] *= a.Step[i];
        }

        Span<T> output = args.Output.Span;
        output.Clear();
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        foreach (T value in args.Inputs[0].Span)
        {
            output[target] = value;
            for (int axis = dy.Rank - 1; axis >= 0; axis--)
            {
                target += strides[axis];
                if (++index[axis] < dy[axis]) break;
                target -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
