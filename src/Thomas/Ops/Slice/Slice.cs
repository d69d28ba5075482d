using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Settings of slicing; one entry per axis.</summary>
/// <param name="Begin">First index taken.</param>
/// <param name="Size">Indices taken; -1 takes all up to the end.</param>
/// <param name="Step">Distance from one index taken to the next; positive.</param>
internal sealed record SliceAttributes(IntList Begin, IntList Size, IntList Step) : OpAttributes;

/// <summary>Cuts a (strided) block out of a tensor.</summary>
internal sealed partial class Slice : Op
{
    /// <inheritdoc/>
    public override string Name => "Slice";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[begin + i * step]";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32 | QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        SliceAttributes a = (SliceAttributes)attributes;
        Shape x = inputs[0].Shape;
        Require(
            a.Begin.Count == x.Rank && a.Size.Count == x.Rank && a.Step.Count == x.Rank,
            $"needs {x.Rank} begins, sizes and steps, got {a.Begin}, {a.Size}, {a.Step}");
        int[] dims = new int[x.Rank];
        for (int i = 0; i < dims.Length; i++)
        {
            Require(
                a.Step[i] >= 1 && a.Begin[i] >= 0 && a.Begin[i] <= x[i] && a.Size[i] >= -1, $"begin {a.Begin}, size {a.Size} and step {a.Step} do not fit {x}");
            dims[i] = a.Size[i] >= 0 ? a.Size[i] : (x[i] - a.Begin[i] + a.Step[i] - 1) / a.Step[i];
            Require(dims[i] == 0 || a.Begin[i] + ((long)(dims[i] - 1) * a.Step[i]) < x[i], $"begin {a.Begin}, size {a.Size} and step {a.Step} leave {x}");
        }

        return [new TensorType(inputs[0].DType, new Shape(dims))];
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        SliceAttributes a = (SliceAttributes)node.Attributes;
        nint[] source = CopyKernel.Strides(node.Inputs[0].Shape);
        nint offset = 0;
        for (int i = 0; i < source.Length; i++)
        {
            offset += a.Begin[i] * source[i];
            source[i] *= a.Step[i];
        }

        nint[] target = CopyKernel.Strides(node.Output.Shape);
        if (ByteCopyKernel.Serves(node)) return new ByteCopyKernel().Add(node.Output.Shape.Dims, source, target, offset);
        StridedCopy copy = new(node.Output.Shape.Dims, source, target);
        return new CopyKernel([new CopyKernel.Box(copy, offset, 0)]);
    }

    internal override void Gradient(GradientContext g)
    {
        SliceAttributes a = g.Attributes<SliceAttributes>();
        Shape x = g.Input(0).Shape, y = g.Output.Shape;
        if (a.Step.Items.ContainsAnyExcept(1))
        {
            g.Add(0, g.Emit(OpCatalog.SliceGradient, "gradInput", [g.GradOutput], new SliceGradientAttributes(a.Begin, a.Step, new IntList(x.Dims))));
            return;
        }

        int[] after = new int[x.Rank];
        for (int i = 0; i < after.Length; i++) after[i] = x[i] - a.Begin[i] - y[i];
        g.Add(0, g.Emit(OpCatalog.Pad, "gradInput", [g.GradOutput], new PadAttributes(a.Begin, new IntList(after))));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        SliceAttributes a = args.Attributes<SliceAttributes>();
        Shape y = args.Output.Shape;
        int[] strides = args.Inputs[0].Shape.Strides();
        int source = 0;
        for (int i = 0; i < y.Rank; i++)
        {
            source += a.Begin[i] * strides[i];
            strides[i] *= a.Step[i];
        }

        ReadOnlySpan<T> input = args.Inputs[0].Span;
        Span<T> output = args.Output.Span;
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
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
