using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Square root; any shape.</summary>
internal sealed class Sqrt : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Sqrt";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i]^(1/2)";

    /// <summary>dx = dy / y / 2.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value quotient = g.Emit(OpCatalog.Divide, "gradQuotient", [g.GradOutput, g.Output]);
        g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [quotient, g.Scalar(0.5f)]));
    }

    internal override string OpenClExpression => "sqrt((x))";

    internal override T Apply<T>(T x) => T.Sqrt(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(SqrtMap), x, y, count);
}
