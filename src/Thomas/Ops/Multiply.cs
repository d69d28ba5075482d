using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Product; shapes broadcast.</summary>
internal sealed class Multiply : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Multiply";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] * b[i]";

    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(0)) BroadcastGradient.Add(g, 0, g.Emit(this, "gradA", [g.GradOutput, g.Input(1)]));
        if (g.Needs(1)) BroadcastGradient.Add(g, 1, g.Emit(this, "gradB", [g.GradOutput, g.Input(0)]));
    }

    internal override string OpenClExpression => "(a) * (b)";

    internal override T Apply<T>(T a, T b) => a * b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(MultiplyMap), form, a, b, y, count);
}
