using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="Dequantize"/>.</summary>
/// <param name="Grid">The grid of x.</param>
internal sealed record DequantizeAttributes(StepGrid Grid) : OpAttributes;

/// <summary>The real numbers of steps of a grid of 8 bits.</summary>
internal sealed partial class Dequantize : Op
{
    /// <inheritdoc/>
    public override string Name => "Dequantize";

    /// <inheritdoc/>
    public override string Formula => "y[i] = scale * (x[i] - zeroPoint)";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    /// <summary>The gradient by the real numbers that the steps stand for, which all gradients of 8-bit tensors are.</summary>
    internal override void Gradient(GradientContext g) => g.Add(0, g.GradOutput);

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        QuantizedRules.RequireGrid(inputs[0], ((DequantizeAttributes)attributes).Grid);
        return [inputs[0] with { DType = DType.F32 }];
    }

    internal override long Elementwise(Node node) => 2L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        StepGrid grid = args.Attributes<DequantizeAttributes>().Grid;
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = T.CreateTruncating(grid.Real(int.CreateTruncating(x[i])));
    }
}
