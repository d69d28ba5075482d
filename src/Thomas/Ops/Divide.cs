using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Quotient; shapes broadcast.</summary>
internal sealed class Divide : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Divide";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] / b[i]";

    /// <summary>da = dy / b; db = -y * dy / b.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value quotient = g.Emit(this, "gradA", [g.GradOutput, g.Input(1)]);
        if (g.Needs(0)) BroadcastGradient.Add(g, 0, quotient);
        if (!g.Needs(1)) return;
        Value product = g.Emit(OpCatalog.Multiply, "gradProduct", [quotient, g.Output]);
        g.Add(1, g.Emit(OpCatalog.Negate, "gradB", [BroadcastGradient.SumTo(g, product, g.Input(1).Shape)]));
    }

    internal override string OpenClExpression => "(a) / (b)";

    internal override T Apply<T>(T a, T b) => a / b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(DivideMap), form, a, b, y, count);
}
