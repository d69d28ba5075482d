using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of a function of two 8-bit tensors.</summary>
/// <param name="A">The grid of the first operand.</param>
/// <param name="B">The grid of the second operand.</param>
/// <param name="Y">The grid of the result.</param>
/// <param name="Lower">The smallest result, in steps.</param>
/// <param name="Upper">The largest result, in steps.</param>
/// <param name="Rule">How results are rounded.</param>
/// <param name="Subtracts">Whether a sum is a difference, a - b.</param>
/// <param name="Arithmetic">Whose sum it is.</param>
internal sealed record QuantizedBinaryAttributes(
    StepGrid A, StepGrid B, StepGrid Y, int Lower, int Upper, RequantizationRule Rule, bool Subtracts = false,
    QuantizedArithmetic Arithmetic = QuantizedArithmetic.TfLite) : OpAttributes;

/// <summary>An element-wise function of two 8-bit tensors that broadcast by NumPy's rule.</summary>
internal abstract class QuantizedBinaryOp : Op
{
    /// <summary>The function of two steps.</summary>
    internal delegate int Function(int a, int b);

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        QuantizedBinaryAttributes a = (QuantizedBinaryAttributes)attributes;
        QuantizedRules.RequireGrid(inputs[0], a.A);
        QuantizedRules.RequireGrid(inputs[1], a.B);
        Require(Shape.TryBroadcast(inputs[0].Shape, inputs[1].Shape, out Shape shape), $"shapes {inputs[0].Shape} and {inputs[1].Shape} do not broadcast");
        return [new TensorType(a.Y.Type, shape)];
    }

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override bool CanOverwrite(Node node, int input) =>
        node.Inputs[input].Shape == node.Output.Shape && !ReferenceEquals(node.Inputs[0], node.Inputs[1]);

    /// <summary>The definition for one node's grids.</summary>
    internal abstract Function Definition(QuantizedBinaryAttributes a);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Function f = Definition(args.Attributes<QuantizedBinaryAttributes>());
        Shape shape = args.Output.Shape;
        int[] stridesA = BinaryOp.BroadcastStrides(args.Inputs[0].Shape, shape), stridesB = BinaryOp.BroadcastStrides(args.Inputs[1].Shape, shape);
        for (int i = 0; i < shape.ElementCount; i++)
        {
            int rest = i, offsetA = 0, offsetB = 0;
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                offsetA += rest % shape[axis] * stridesA[axis];
                offsetB += rest % shape[axis] * stridesB[axis];
                rest /= shape[axis];
            }

            args.Output.Span[i] = T.CreateTruncating(f(int.CreateTruncating(args.Inputs[0].Span[offsetA]), int.CreateTruncating(args.Inputs[1].Span[offsetB])));
        }
    }
}

/// <summary>Sum or difference of two 8-bit tensors on grids of their own.</summary>
internal sealed partial class QuantizedAdd : QuantizedBinaryOp
{
    /// <inheritdoc/>
    public override string Name => "QuantizedAdd";

    /// <inheritdoc/>
    public override string Formula =>
        "y[i] = clamp(round(((a[i] - zeroA) * scaleA + sign * (b[i] - zeroB) * scaleB) / scaleY) + zeroY, lower, upper), sign = subtracts ? -1 : 1";

    internal override void Gradient(GradientContext g)
    {
        QuantizedBinaryAttributes a = g.Attributes<QuantizedBinaryAttributes>();
        Value dy = StepGradients.BeforeRounding(g, a.Y, a.Lower, a.Upper);
        if (g.Needs(0)) BroadcastGradient.Add(g, 0, dy);
        if (!g.Needs(1)) return;
        if (a.Subtracts) g.Add(1, g.Emit(OpCatalog.Negate, "gradB", [BroadcastGradient.SumTo(g, dy, g.Input(1).Shape)]));
        else BroadcastGradient.Add(g, 1, dy);
    }

    internal static QuantizedAddKernel KernelOf(QuantizedBinaryAttributes a) => a.Arithmetic == QuantizedArithmetic.Onnx
        ? new(a.A.Operand, a.B.Operand, a.Y.Operand, a.Lower, a.Upper)
        : new(a.Rule, a.A.Operand, a.B.Operand, a.Y.Operand, a.Lower, a.Upper, a.Subtracts);

    internal override Function Definition(QuantizedBinaryAttributes a) => KernelOf(a).Apply;
}

/// <summary>Product of two 8-bit tensors on grids of their own.</summary>
internal sealed partial class QuantizedMultiply : QuantizedBinaryOp
{
    /// <inheritdoc/>
    public override string Name => "QuantizedMultiply";

    /// <inheritdoc/>
    public override string Formula => "y[i] = clamp(round((a[i] - zeroA) * (b[i] - zeroB) * scaleA * scaleB / scaleY) + zeroY, lower, upper)";

    internal override void Gradient(GradientContext g)
    {
        QuantizedBinaryAttributes a = g.Attributes<QuantizedBinaryAttributes>();
        Value dy = StepGradients.BeforeRounding(g, a.Y, a.Lower, a.Upper);
        if (g.Needs(0)) BroadcastGradient.Add(g, 0, g.Emit(OpCatalog.Multiply, "gradA", [dy, StepGradients.Real(g, 1, a.B)]));
        if (g.Needs(1)) BroadcastGradient.Add(g, 1, g.Emit(OpCatalog.Multiply, "gradB", [dy, StepGradients.Real(g, 0, a.A)]));
    }

    internal static QuantizedMultiplyKernel KernelOf(QuantizedBinaryAttributes a)
    {
        // XNNPACK takes no other ratios; TensorFlow Lite leaves them to its built-in kernel.
        float ratio = a.A.Scale * a.B.Scale / a.Y.Scale;
        RequantizationRule rule = ratio is >= 1f / (1 << 16) and < 1 << 8 ? a.Rule : RequantizationRule.FixedPoint;
        return new QuantizedMultiplyKernel(a.A.Operand, a.B.Operand, new Requantization(rule, [ratio], a.Y.ZeroPoint, a.Lower, a.Upper));
    }

    internal override Function Definition(QuantizedBinaryAttributes a) => KernelOf(a).Apply;
}
