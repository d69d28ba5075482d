using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>-1, 0 or 1 by the sign of each element; NaN stays; any shape.</summary>
internal sealed class Sign : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Sign";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : x[i]";

    /// <summary>At the step too, as in PyTorch.</summary>
    internal override bool HasZeroGradient => true;

    internal override string OpenClExpression => "(x) > 0 ? 1.0f : (x) < 0 ? -1.0f : (x)";

    internal override T Apply<T>(T x) => x > T.Zero ? T.One : x < T.Zero ? -T.One : x;

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(SignMap), x, y, count);
}
