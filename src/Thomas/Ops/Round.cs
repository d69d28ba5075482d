using System;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Nearest whole number, halves to the even one; any shape.</summary>
public sealed class Round : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Round";

    /// <inheritdoc/>
    public override string Formula => "y[i] = round(x[i]), halves to even";

    internal override T Apply<T>(T x) => T.Round(x, MidpointRounding.ToEven);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(RoundMap), x, y, count);
}
