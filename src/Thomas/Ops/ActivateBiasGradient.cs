using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// <see cref="ActivateGradient"/> and the bias gradient of the layer before it, in one pass over memory. Operands: dy and saved as there, at least of rank 2;
/// results: dx and its sums over all axes but the last. The pass <c>fuse-bias-gradient</c> makes it of the two.
/// </summary>
internal sealed partial class ActivateBiasGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "ActivateBiasGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[i,c] = dy[i,c] * f'(x[i,c]); db[c] = sum_i dx[i,c]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand == 1 ? KeptOperand.Types((attributes as ActivateAttributes)?.Saved) : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        ActivationRules.Check(((ActivateAttributes)attributes).Activation);
        KeptOperand.Require(inputs[1], ((ActivateAttributes)attributes).Saved);
        Shape shape = inputs[0].Shape;
        Require(shape == inputs[1].Shape, $"dy {shape} and the saved tensor {inputs[1].Shape} differ");
        Require(shape.Rank >= 2, $"dy {shape} has no axis to sum over");
        Require(((ActivateAttributes)attributes).Activation.Kind != ActivationKind.None, "the identity has no gradient node");
        return [inputs[0], new TensorType(inputs[0].DType, new Shape(shape[-1]))];
    }

    internal override bool CpuReadsKept(Node node, int input) => input == 1;

    internal override bool CanOverwrite(Node node, int input) => !ReferenceEquals(node.Inputs[0], node.Inputs[1]);

    internal override long Elementwise(Node node) => 2L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ActivateAttributes a = args.Attributes<ActivateAttributes>();
        ActivationFunction activation = a.Activation.Function;
        ReadOnlySpan<T> dy = args.Inputs[0].Span, saved = args.Inputs[1].Span;
        Span<T> dx = args.Outputs[0].Span, db = args.Outputs[1].Span;
        double[] sums = new double[db.Length];
        for (int i = 0; i < dx.Length; i++)
        {
            dx[i] = dy[i] * activation.Derivative(KeptOperand.Real(saved[i], a.Saved));
            sums[i % db.Length] += double.CreateTruncating(dx[i]);
        }

        for (int c = 0; c < db.Length; c++) db[c] = T.CreateTruncating(sums[c]);
    }
}
