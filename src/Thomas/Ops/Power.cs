using System;
using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Power; shapes broadcast.</summary>
internal sealed class Power : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Power";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] ^ b[i]";

    /// <summary>da = dy * b * a^(b-1); db = dy * y * ln a, which is NaN unless a is positive.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value a = g.Input(0), b = g.Input(1);
        if (g.Needs(0))
        {
            Value power = g.Emit(this, "power", [a, g.Emit(OpCatalog.Subtract, "exponent", [b, g.Scalar(1)])]);
            Value slope = g.Emit(OpCatalog.Multiply, "slope", [power, b]);
            BroadcastGradient.Add(g, 0, g.Emit(OpCatalog.Multiply, "gradA", [g.GradOutput, slope]));
        }

        if (g.Needs(1))
        {
            Value slope = g.Emit(OpCatalog.Multiply, "slope", [g.Output, g.Emit(OpCatalog.Log, "logarithm", [a])]);
            BroadcastGradient.Add(g, 1, g.Emit(OpCatalog.Multiply, "gradB", [g.GradOutput, slope]));
        }
    }

    internal override string OpenClExpression => "pow((a), (b))";

    internal override T Apply<T>(T a, T b) => T.Pow(a, b);

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count)
    {
        if (form == BroadcastRow.ScalarB)
        {
            ElementwiseLoop.Power(a, *b, y, count);
            return;
        }

        for (nint i = 0; i < count; i++) y[i] = MathF.Pow(form == BroadcastRow.ScalarA ? *a : a[i], b[i]);
    }
}
