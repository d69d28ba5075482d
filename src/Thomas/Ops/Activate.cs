using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>The function that an <see cref="Activate"/> node applies.</summary>
/// <param name="Activation">Function and parameters.</param>
/// <param name="Saved">In gradients: the grid of the saved tensor where that is in steps; null for real numbers.</param>
internal sealed record ActivateAttributes(Activation Activation, StepGrid? Saved = null) : OpAttributes
{
    /// <inheritdoc/>
    public override string ToString() => $"{nameof(ActivateAttributes)} {{ Activation = {Activation}{KeptOperand.Text("Saved", Saved)} }}";
}

/// <summary>Applies one of the activation functions element by element; any shape.</summary>
internal sealed partial class Activate : Op
{
    /// <inheritdoc/>
    public override string Name => "Activate";

    /// <inheritdoc/>
    public override string Formula => $"y[i] = f(x[i]), f one of {ActivationCatalog.Names}";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        ActivationRules.Check(((ActivateAttributes)attributes).Activation);
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ActivationFunction activation = args.Attributes<ActivateAttributes>().Activation.Function;
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = activation.Value(x[i]);
    }
}
