using System;
using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Settings of dropout.</summary>
/// <param name="Rate">The share of elements that become zero, in [0, 1).</param>
/// <param name="Seed">Differs between the dropouts of a network.</param>
internal sealed record DropoutAttributes(float Rate, ulong Seed) : OpAttributes;

/// <summary>
/// Dropout in training (Srivastava et al. 2014, scaled as it is usual today, so that inference needs nothing). Operands: x of any shape; step [], a whole
/// number from 0 on that is fed anew each step. The mask follows from seed, step and the element's index alone: the same node run again, or its gradient, has
/// the same mask.
/// </summary>
internal sealed partial class Dropout : Op
{
    /// <inheritdoc/>
    public override string Name => "Dropout";

    /// <inheritdoc/>
    public override string Formula => "y[i] = hash(seed, step, i) < rate ? 0 : x[i] / (1 - rate), hash in [0, 1)";

    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Require(inputs[1].Shape.ElementCount == 1, $"step {inputs[1].Shape} must be one number");
        Require(((DropoutAttributes)attributes).Rate is >= 0 and < 1, "the rate must lie in [0, 1)");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override long Elementwise(Node node) => 16L * node.Output.Shape.ElementCount;

    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(1)) throw new GraphException($"{g.Node}: the step cannot be trained");
        g.Add(0, g.Emit(OpCatalog.Dropout, "gradInput", [g.GradOutput, g.Input(1)], g.Node.Attributes));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        DropoutAttributes a = args.Attributes<DropoutAttributes>();
        DropoutMask mask = new(a.Seed, double.CreateTruncating(args.Inputs[1].Span[0]), a.Rate);
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        T kept = T.One - T.CreateTruncating(a.Rate);
        for (int i = 0; i < y.Length; i++) y[i] = mask.Keeps((uint)i) ? x[i] / kept : T.Zero;
    }
}
