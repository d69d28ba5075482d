using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a step of gradient descent.</summary>
/// <param name="Momentum">m; 0 still keeps the moment.</param>
/// <param name="Nesterov">Whether the step looks ahead by the momentum (Sutskever et al. 2013, as PyTorch has it).</param>
/// <param name="WeightDecay">d.</param>
/// <param name="Decoupled">Whether decay shrinks the parameter directly (Loshchilov and Hutter 2019) instead of joining the gradient.</param>
/// <param name="RateFactor">Factor on the learning rate, for this parameter's group.</param>
internal sealed record SgdAttributes(float Momentum = 0, bool Nesterov = false, float WeightDecay = 0, bool Decoupled = false, float RateFactor = 1)
    : OpAttributes;

/// <summary>Stochastic gradient descent with momentum, as PyTorch's SGD without dampening. One moment v, at first zero.</summary>
internal sealed partial class SgdUpdate : UpdateOp
{
    /// <inheritdoc/>
    public override string Name => "SgdUpdate";

    /// <inheritdoc/>
    public override string Formula =>
        "r = control[0] * rateFactor; g = grad * control[1] + d * w; v' = m * v + g; w' = w - r * (nesterov ? g + m * v' : v'); decoupled: g without d * "
        + "w, and w times max(0, 1 - r * d)";

    internal override int Moments => 1;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        SgdAttributes a = args.Attributes<SgdAttributes>();
        ReadOnlySpan<T> w = args.Inputs[0].Span, v = args.Inputs[1].Span, grad = args.Inputs[2].Span, control = args.Inputs[3].Span;
        Span<T> newW = args.Outputs[0].Span, newV = args.Outputs[1].Span;
        T rate = control[0] * T.CreateTruncating(a.RateFactor), scale = control[1];
        T momentum = T.CreateTruncating(a.Momentum), decay = T.CreateTruncating(a.WeightDecay);
        T kept = a.Decoupled ? T.Max(T.Zero, T.One - (rate * decay)) : T.One, coupled = a.Decoupled ? T.Zero : decay;
        for (int i = 0; i < w.Length; i++)
        {
            T g = (grad[i] * scale) + (coupled * w[i]);
            T moment = (momentum * v[i]) + g;
            newV[i] = moment;
            newW[i] = (kept * w[i]) - (rate * (a.Nesterov ? g + (momentum * moment) : moment));
        }
    }
}
