using System;
using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Nearest whole number, halves to the even one; any shape.</summary>
internal sealed class Round : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Round";

    /// <inheritdoc/>
    public override string Formula => "y[i] = round(x[i]), halves to even";

    /// <summary>
    /// dx = dy: the straight-through estimator (Bengio et al. 2013). The derivative is 0 almost everywhere, which would cut off all layers before a rounding.
    /// </summary>
    internal override void Gradient(GradientContext g) => g.Add(0, g.GradOutput);

    internal override string OpenClExpression => "rint((x))";

    internal override T Apply<T>(T x) => T.Round(x, MidpointRounding.ToEven);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(RoundMap), x, y, count);
}
