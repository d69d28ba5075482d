using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>The function that an <see cref="Activate"/> node applies.</summary>
/// <param name="Activation">Function and parameters.</param>
public sealed record ActivateAttributes(Activation Activation) : OpAttributes;

/// <summary>Applies one of the activation functions element by element; any shape.</summary>
public sealed partial class Activate : Op
{
    /// <inheritdoc/>
    public override string Name => "Activate";

    /// <inheritdoc/>
    public override string Formula => "y[i] = f(x[i]), f one of relu, relu6, clip, leakyRelu, sigmoid, hardSigmoid, hardSwish, silu, tanh";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Activation activation = ((ActivateAttributes)attributes).Activation;
        Require(activation.Kind != ActivationKind.Clip || activation.A <= activation.B, $"clips to an empty range [{activation.A}, {activation.B}]");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Activation activation = args.Attributes<ActivateAttributes>().Activation;
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = activation.Apply(x[i]);
    }
}
