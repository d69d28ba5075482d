using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Reciprocal square root; any shape.</summary>
internal sealed class Rsqrt : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Rsqrt";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i]^(-1/2)";

    /// <summary>dx = dy * y / x * -1/2.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value product = g.Emit(OpCatalog.Multiply, "gradProduct", [g.GradOutput, g.Output]);
        Value quotient = g.Emit(OpCatalog.Divide, "gradQuotient", [product, g.Input(0)]);
        g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [quotient, g.Scalar(-0.5f)]));
    }

    internal override string OpenClExpression => "rsqrt((x))";

    internal override T Apply<T>(T x) => T.One / T.Sqrt(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(RsqrtMap), x, y, count);
}
