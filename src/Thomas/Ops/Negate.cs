using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Negation; any shape.</summary>
internal sealed class Negate : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Negate";

    /// <inheritdoc/>
    public override string Formula => "y[i] = -x[i]";

    internal override void Gradient(GradientContext g) => g.Add(0, g.Emit(this, "gradInput", [g.GradOutput]));

    internal override string OpenClExpression => "-(x)";

    internal override T Apply<T>(T x) => -x;

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(NegateMap), x, y, count);
}
