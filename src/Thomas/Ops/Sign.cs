using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>-1, 0 or 1 by the sign of each element; NaN stays; any shape.</summary>
public sealed class Sign : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Sign";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : x[i]";

    /// <summary>The derivative is 0, at the step too, as in PyTorch: there is nothing to add.</summary>
    internal override void Gradient(GradientContext g)
    {
    }

    internal override T Apply<T>(T x) => x > T.Zero ? T.One : x < T.Zero ? -T.One : x;

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(SignMap), x, y, count);
}
