using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// dx of an activation. Operands: dy and, of the same shape, the activation's result y where its derivative follows from that
/// (<see cref="Activation.GradientReadsOutput"/>), else its argument x. At a kink the derivative is the left one for relu, relu6, clip and leakyRelu at 0, as
/// PyTorch has it.
/// </summary>
internal sealed partial class ActivateGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "ActivateGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[i] = dy[i] * f'(x[i])";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand == 1 && attributes is ActivateAttributes { Saved: not null } ? QuantizedRules.Steps : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        KeptOperand.Require(inputs[1], ((ActivateAttributes)attributes).Saved);
        ActivationRules.Check(((ActivateAttributes)attributes).Activation);
        Require(inputs[0].Shape == inputs[1].Shape, $"dy {inputs[0].Shape} and the saved tensor {inputs[1].Shape} differ");
        Require(((ActivateAttributes)attributes).Activation.Kind != ActivationKind.None, "the identity has no gradient node");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => !ReferenceEquals(node.Inputs[0], node.Inputs[1]);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ActivateAttributes a = args.Attributes<ActivateAttributes>();
        ActivationFunction activation = a.Activation.Function;
        ReadOnlySpan<T> dy = args.Inputs[0].Span, saved = args.Inputs[1].Span;
        Span<T> dx = args.Output.Span;
        for (int i = 0; i < dx.Length; i++) dx[i] = dy[i] * activation.Derivative(KeptOperand.Real(saved[i], a.Saved));
    }
}
