using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Absolute value; any shape.</summary>
public sealed class Abs : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Abs";

    /// <inheritdoc/>
    public override string Formula => "y[i] = |x[i]|";

    internal override T Apply<T>(T x) => T.Abs(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(AbsMap), x, y, count);
}
