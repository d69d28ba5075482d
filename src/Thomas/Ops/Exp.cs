using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Natural exponential; any shape.</summary>
internal sealed class Exp : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Exp";

    /// <inheritdoc/>
    public override string Formula => "y[i] = e^x[i]";

    internal override void Gradient(GradientContext g) => g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [g.GradOutput, g.Output]));

    internal override string OpenClExpression => "exp((x))";

    internal override T Apply<T>(T x) => T.Exp(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(ExpMap), x, y, count);
}
