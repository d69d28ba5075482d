using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Sum; shapes broadcast.</summary>
internal sealed class Add : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Add";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] + b[i]";

    internal override void Gradient(GradientContext g)
    {
        for (int i = 0; i < 2; i++)
        {
            if (g.Needs(i)) BroadcastGradient.Add(g, i, g.GradOutput);
        }
    }

    internal override string OpenClExpression => "(a) + (b)";

    internal override T Apply<T>(T a, T b) => a + b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(AddMap), form, a, b, y, count);
}
