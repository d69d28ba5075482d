using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Difference; shapes broadcast.</summary>
internal sealed class Subtract : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Subtract";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] - b[i]";

    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(0)) BroadcastGradient.Add(g, 0, g.GradOutput);
        if (g.Needs(1)) g.Add(1, g.Emit(OpCatalog.Negate, "gradB", [BroadcastGradient.SumTo(g, g.GradOutput, g.Input(1).Shape)]));
    }

    internal override string OpenClExpression => "(a) - (b)";

    internal override T Apply<T>(T a, T b) => a - b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(SubtractMap), form, a, b, y, count);
}
