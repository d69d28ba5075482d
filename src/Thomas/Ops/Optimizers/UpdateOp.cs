using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// A step of an optimizer on one parameter. Operands: the parameter, its moments (all variables), the gradient, and the control vector [4] that is fed each
/// step: learning rate, factor on the gradient, 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t). Results: the parameter and the moments, in the operands' memory.
/// </summary>
internal abstract class UpdateOp : Op
{
    /// <summary>Length of the control vector.</summary>
    public const int ControlLength = 4;

    /// <summary>How many moments it keeps of each parameter.</summary>
    internal abstract int Moments { get; }

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it changes variables after the gradients are known";

    internal override int UpdatedInput(int output) => output;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, Moments + 3);
        for (int i = 1; i <= Moments + 1; i++)
            Require(inputs[i].Shape == inputs[0].Shape, $"operand {i} {inputs[i].Shape} differs from the parameter {inputs[0].Shape}");
        Require(inputs[^1].Shape == new Shape(ControlLength), $"control {inputs[^1].Shape} must be [{ControlLength}]");
        return inputs[..(Moments + 1)].ToArray();
    }

    internal override long Elementwise(Node node) => (4L + (4 * Moments)) * node.Output.Shape.ElementCount;
}
