using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Square root; any shape.</summary>
public sealed class Sqrt : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Sqrt";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i]^(1/2)";

    internal override T Apply<T>(T x) => T.Sqrt(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(SqrtMap), x, y, count);
}
