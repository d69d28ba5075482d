using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Settings of a transpose.</summary>
/// <param name="Perm">Axis i of the result is axis Perm[i] of the operand.</param>
internal sealed record TransposeAttributes(IntList Perm) : OpAttributes;

/// <summary>Reorders the axes of a tensor.</summary>
internal sealed partial class Transpose : Op
{
    /// <summary>NCHW to NHWC.</summary>
    public static IntList NchwToNhwc { get; } = new(0, 2, 3, 1);

    /// <summary>NHWC to NCHW.</summary>
    public static IntList NhwcToNchw { get; } = new(0, 3, 1, 2);

    /// <inheritdoc/>
    public override string Name => "Transpose";

    /// <inheritdoc/>
    public override string Formula => "y[i_0, i_1, ..] = x[j], j[perm[k]] = i_k";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32 | QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        IntList perm = ((TransposeAttributes)attributes).Perm;
        Shape x = inputs[0].Shape;
        Require(perm.Count == x.Rank, $"permutation {perm} does not fit {x}");
        int[] dims = new int[x.Rank];
        int seen = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            Require((uint)perm[i] < (uint)x.Rank && (seen & (1 << perm[i])) == 0, $"{perm} is not a permutation of the axes of {x}");
            seen |= 1 << perm[i];
            dims[i] = x[perm[i]];
        }

        return [new TensorType(inputs[0].DType, new Shape(dims))];
    }

    internal override long Elementwise(Node node) => 0;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        IntList perm = ((TransposeAttributes)node.Attributes).Perm;
        if (!ByteCopyKernel.Serves(node)) return new CopyKernel([new CopyKernel.Box(StridedCopy.Transpose(node.Inputs[0].Shape.Dims, perm.Items), 0, 0)]);
        nint[] own = CopyKernel.Strides(node.Inputs[0].Shape), source = new nint[own.Length];
        for (int i = 0; i < source.Length; i++) source[i] = own[perm[i]];
        return new ByteCopyKernel().Add(node.Output.Shape.Dims, source, CopyKernel.Strides(node.Output.Shape));
    }

    internal override void Gradient(GradientContext g) =>
        g.Add(0, g.Emit(this, "gradInput", [g.GradOutput], new TransposeAttributes(Permutation.Invert(g.Attributes<TransposeAttributes>().Perm))));

    internal override void Reference<T>(ReferenceArgs<T> args) =>
        Permute<T>(args.Inputs[0].Span, args.Inputs[0].Shape, args.Attributes<TransposeAttributes>().Perm, args.Output.Span);

    /// <summary>
    /// A constant with its axes reordered, in its own type: axis i of the result is axis perm[i] of it. Borrows where only axes of size 1 move.
    /// </summary>
    internal static TensorData Permuted(TensorData data, IntList perm)
    {
        Shape from = data.Type.Shape, to = Permutation.Apply(perm, from);
        if (Permutation.KeepsOrder(perm, from)) return data.Reshaped(to);
        if (data.Steps is { } steps) return TensorData.FromSteps(Permuted(steps, perm));
        byte[] bytes = new byte[data.Bytes.Length];
        switch (data.Type.DType.SizeBytes())
        {
            case sizeof(float):
                Permute(MemoryMarshal.Cast<byte, float>(data.Bytes.Span), from, perm, MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
                break;
            case sizeof(ushort):
                Permute(MemoryMarshal.Cast<byte, ushort>(data.Bytes.Span), from, perm, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
                break;
            case sizeof(byte):
                Permute(data.Bytes.Span, from, perm, bytes.AsSpan());
                break;
            default:
                Permute(MemoryMarshal.Cast<byte, long>(data.Bytes.Span), from, perm, MemoryMarshal.Cast<byte, long>(bytes.AsSpan()));
                break;
        }

        return new TensorData(data.Type with { Shape = to }, bytes, data.Quantization?.Permuted(perm));
    }

    /// <summary>Writes the permuted elements of x in row-major order.</summary>
    internal static void Permute<T>(ReadOnlySpan<T> x, Shape shape, IntList perm, Span<T> y)
    {
        int[] own = shape.Strides();
        int[] strides = new int[perm.Count];
        int[] sizes = new int[perm.Count];
        for (int i = 0; i < strides.Length; i++)
        {
            strides[i] = own[perm[i]];
            sizes[i] = shape[perm[i]];
        }

        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        int source = 0;
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = x[source];
            for (int axis = sizes.Length - 1; axis >= 0; axis--)
            {
                source += strides[axis];
                if (++index[axis] < sizes[axis]) break;
                source -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
