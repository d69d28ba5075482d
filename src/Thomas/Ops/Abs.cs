using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Absolute value; any shape.</summary>
internal sealed class Abs : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Abs";

    /// <inheritdoc/>
    public override string Formula => "y[i] = |x[i]|";

    /// <summary>dx = dy * sign x, with sign 0 = 0.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value x = g.Input(0), zero = g.Scalar(0);
        Value positive = g.Emit(OpCatalog.Heaviside, "positive", [x, zero]), negative = g.Emit(OpCatalog.Heaviside, "negative", [zero, x]);
        g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [g.GradOutput, g.Emit(OpCatalog.Subtract, "sign", [positive, negative])]));
    }

    internal override string OpenClExpression => "fabs((x))";

    internal override T Apply<T>(T x) => T.Abs(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(AbsMap), x, y, count);
}
