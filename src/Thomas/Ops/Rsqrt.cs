using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Reciprocal square root; any shape.</summary>
public sealed class Rsqrt : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Rsqrt";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i]^(-1/2)";

    internal override T Apply<T>(T x) => T.One / T.Sqrt(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(RsqrtMap), x, y, count);
}
