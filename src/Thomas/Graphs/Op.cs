using System;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Graphs;

/// <summary>Settings of an operator that are fixed when a node is added. Immutable, compared by value.</summary>
public abstract record OpAttributes;

/// <summary>The attributes of operators that have none.</summary>
internal sealed record NoAttributes : OpAttributes
{
    /// <summary>The only instance.</summary>
    public static NoAttributes Instance { get; } = new();

    private NoAttributes()
    {
    }
}

/// <summary>What one execution of a node costs.</summary>
/// <param name="MultiplyAdds">Multiply-add pairs.</param>
/// <param name="Elementwise">Other arithmetic operations.</param>
/// <param name="Bytes">Bytes of operands read and results written once each.</param>
public readonly record struct OpCost(long MultiplyAdds, long Elementwise, long Bytes);

/// <summary>
/// An operator: what its operands may be, what it returns, what it costs, how it is defined (the scalar reference) and which CPU kernel runs it.
/// Instances are stateless and listed in <see cref="Ops.OpCatalog"/>. The set of operators is closed: the type cannot be derived from outside.
/// </summary>
public abstract class Op
{
    /// <summary>The operator's name, for example <c>Conv2d</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The definition in index notation, for the operator reference.</summary>
    public abstract string Formula { get; }

    /// <summary>
    /// Whether only training steps (gradients, losses, updates and what they are made of) or compiled graphs contain it, never a model: file formats have no
    /// form for it.
    /// </summary>
    internal virtual bool IsTrainingOnly => false;

    /// <summary>
    /// The types that an operand may have; F32 unless an operator says more. Definitions and CPU kernels compute on floats all the same: what has another type
    /// is widened before them. The types of the results follow from the operands, by <see cref="InferTypes"/>.
    /// </summary>
    /// <param name="operand">Its position.</param>
    /// <param name="attributes">The node's settings, which may be those of another operator.</param>
    internal virtual ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32;

    /// <summary>Checks the operands and returns the types of the results.</summary>
    /// <exception cref="GraphException">The operands or attributes do not fit; the message carries shapes, the builder adds the node's name.</exception>
    internal abstract TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes);

    /// <summary>Arithmetic and traffic of a node of this operator.</summary>
    internal virtual OpCost Cost(Node node)
    {
        long bytes = 0;

        // Kernels see constants of 16 bits as float32.
        foreach (Value input in node.Inputs)
            bytes += input.IsConstant && input.Type.DType.IsHalf() ? sizeof(float) * (long)input.Shape.ElementCount : input.Type.SizeBytes;
        foreach (Value output in node.Outputs) bytes += output.Type.SizeBytes;
        return new OpCost(MultiplyAdds(node), Elementwise(node), bytes);
    }

    /// <summary>The definition: plain loops, one thread, sums in double. Storage is T: float for the serial device, double for gradient checks.</summary>
    internal abstract void Reference<T>(ReferenceArgs<T> args)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>;

    /// <summary>Chooses the algorithm for the node, packs constant operands and returns the kernel, not yet bound to memory.</summary>
    internal virtual CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new ReferenceKernel(node);

    /// <summary>
    /// The node's launches on a device of OpenCL; null if there are none for it: then it runs on the CPU, and its operands and results are carried over.
    /// </summary>
    internal virtual OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context) => null;

    /// <summary>
    /// Emits the gradient: for each operand that needs it, dL/d(operand) from the gradients of the results. The default refuses; see
    /// <see cref="NoGradientReason"/>.
    /// </summary>
    /// <exception cref="GraphException">The operator, or this setting of it, has no gradient.</exception>
    internal virtual void Gradient(GradientContext g) =>
        throw new GraphException($"{g.Node} cannot be trained through: {NoGradientReason ?? "it has no gradient rule"}");

    /// <summary>Why there is no gradient rule, for operators without one; null for all others.</summary>
    internal virtual string? NoGradientReason => null;

    /// <summary>Whether the derivative is zero wherever there is one: then nothing behind it is part of the backward pass, and there is no rule.</summary>
    internal virtual bool HasZeroGradient => false;

    /// <summary>The operand, always a variable, whose memory result k is written to: an update. -1 for results with memory of their own.</summary>
    internal virtual int UpdatedInput(int output) => -1;

    /// <summary>
    /// Whether the first result may be written over this operand by any kernel, if the operand has as many elements and dies here: an element of the result
    /// depends on this operand's element in its place alone.
    /// </summary>
    internal virtual bool CanOverwrite(Node node, int input) => false;

    /// <summary>
    /// As <see cref="CanOverwrite"/>, for the CPU kernel and the definition, which also may where they read in time what they overwrite: row by row, or in a
    /// phase before. Other devices decide for their own kernels.
    /// </summary>
    internal virtual bool CpuCanOverwrite(Node node, int input) => CanOverwrite(node, input);

    /// <summary>
    /// As <see cref="CanOverwrite"/>, for the launches of OpenCL, which also may where each element of the operand is read for the last time by the work-item
    /// that overwrites it.
    /// </summary>
    internal virtual bool OpenClCanOverwrite(Node node, int input) => CanOverwrite(node, input);

    /// <summary>
    /// Whether the CPU kernel reads this operand, a result of the forward pass, as well where it is kept in 16 bits; else it is brought back to float32 numbers
    /// before it.
    /// </summary>
    internal virtual bool CpuReadsKept(Node node, int input) => false;

    /// <summary>Whether the output is the input's memory seen under another shape, so that nothing runs.</summary>
    internal virtual bool IsView(Node node) => false;

    /// <summary>Multiply-add pairs of one execution.</summary>
    internal virtual long MultiplyAdds(Node node) => 0;

    /// <summary>Other arithmetic of one execution.</summary>
    internal virtual long Elementwise(Node node) => node.Output.Shape.ElementCount;

    private protected static void Require(bool condition, string message)
    {
        if (!condition) throw new GraphException(message);
    }

    private protected static void RequireInputs(ReadOnlySpan<TensorType> inputs, int count) =>
        Require(inputs.Length == count, $"expects {count} operand(s), got {inputs.Length}");
}
