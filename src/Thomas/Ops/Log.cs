using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Natural logarithm; any shape.</summary>
internal sealed class Log : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Log";

    /// <inheritdoc/>
    public override string Formula => "y[i] = ln x[i]";

    internal override void Gradient(GradientContext g) => g.Add(0, g.Emit(OpCatalog.Divide, "gradInput", [g.GradOutput, g.Input(0)]));

    internal override string OpenClExpression => "log((x))";

    internal override T Apply<T>(T x) => T.Log(x);

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(LogMap), x, y, count);
}
