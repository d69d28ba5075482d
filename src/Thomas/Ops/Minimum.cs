using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Smaller of two; NaN if either is; shapes broadcast.</summary>
internal sealed class Minimum : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Minimum";

    /// <inheritdoc/>
    public override string Formula => "y[i] = min(a[i], b[i])";

    /// <summary>The smaller operand gets dy; of equal ones each gets half, as PyTorch has it.</summary>
    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(0)) BroadcastGradient.AddShare(g, 0, g.Input(1), g.Input(0));
        if (g.Needs(1)) BroadcastGradient.AddShare(g, 1, g.Input(0), g.Input(1));
    }

    internal override string OpenClExpression => "isnan((a)) ? (a) : (a) > (b) || isnan((b)) ? (b) : (a)";

    internal override T Apply<T>(T a, T b) => T.Min(a, b);

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(MinMap), form, a, b, y, count);
}
