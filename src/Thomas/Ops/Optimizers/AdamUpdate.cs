using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a step of Adam.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">d.</param>
/// <param name="Decoupled">Whether decay shrinks the parameter directly (AdamW, Loshchilov and Hutter 2019) instead of joining the gradient (Adam).</param>
/// <param name="RateFactor">Factor on the learning rate, for this parameter's group.</param>
internal sealed record AdamAttributes(
    float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0, bool Decoupled = true, float RateFactor = 1) : OpAttributes;

/// <summary>Adam (Kingma and Ba 2015) and AdamW. Two moments m and v, at first zero.</summary>
internal sealed partial class AdamUpdate : UpdateOp
{
    /// <inheritdoc/>
    public override string Name => "AdamUpdate";

    /// <inheritdoc/>
    public override string Formula =>
        "r = control[0] * rateFactor; g = grad * control[1] (+ d * w if coupled); m' = b1*m + (1-b1)*g; v' = b2*v + (1-b2)*g^2; " +
        "w' = w (times max(0, 1 - r*d) if decoupled) - r * m' * control[2] / (sqrt(v') * control[3] + epsilon)";

    internal override int Moments => 2;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        AdamAttributes a = args.Attributes<AdamAttributes>();
        ReadOnlySpan<T> w = args.Inputs[0].Span, m = args.Inputs[1].Span, v = args.Inputs[2].Span, grad = args.Inputs[3].Span, control = args.Inputs[4].Span;
        Span<T> newW = args.Outputs[0].Span, newM = args.Outputs[1].Span, newV = args.Outputs[2].Span;
        T rate = control[0] * T.CreateTruncating(a.RateFactor), scale = control[1], step = rate * control[2], root = control[3];
        T beta1 = T.CreateTruncating(a.Beta1), beta2 = T.CreateTruncating(a.Beta2), epsilon = T.CreateTruncating(a.Epsilon),
            decay = T.CreateTruncating(a.WeightDecay);
        T kept = a.Decoupled ? T.Max(T.Zero, T.One - (rate * decay)) : T.One, coupled = a.Decoupled ? T.Zero : decay;
        for (int i = 0; i < w.Length; i++)
        {
            T g = (grad[i] * scale) + (coupled * w[i]);
            T first = (beta1 * m[i]) + ((T.One - beta1) * g), second = (beta2 * v[i]) + ((T.One - beta2) * g * g);
            newM[i] = first;
            newV[i] = second;
            newW[i] = (kept * w[i]) - (step * first / ((T.Sqrt(second) * root) + epsilon));
        }
    }
}
