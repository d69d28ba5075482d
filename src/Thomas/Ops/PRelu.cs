using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Leaky ReLU whose slope b is a tensor; shapes broadcast.</summary>
internal sealed class PRelu : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "PRelu";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] >= 0 ? a[i] : a[i] * b[i]";

    /// <summary>Where a > 0: da = dy and db = 0; elsewhere da = dy * b and db = dy * a, also at 0, as PyTorch has it.</summary>
    internal override void Gradient(GradientContext g)
    {
        Value dy = g.GradOutput, a = g.Input(0), b = g.Input(1);
        Value repeated = BroadcastGradient.Repeat(g, a, dy.Shape);
        Value positive = g.Emit(OpCatalog.ActivateGradient, "gradPositive", [dy, repeated], new ActivateAttributes(Activation.Relu));
        Value negative = g.Emit(OpCatalog.Subtract, "gradNegative", [dy, positive]);
        if (g.Needs(1)) BroadcastGradient.Add(g, 1, g.Emit(OpCatalog.Multiply, "gradB", [negative, a]));
        if (!g.Needs(0)) return;
        Value scaled = g.Emit(OpCatalog.Multiply, "gradScaled", [negative, b]);
        BroadcastGradient.Add(g, 0, g.Emit(OpCatalog.Add, "gradA", [positive, scaled]));
    }

    internal override string OpenClExpression => "(a) >= 0 ? (a) : (a) * (b)";

    internal override T Apply<T>(T a, T b) => a >= T.Zero ? a : a * b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(PReluMap), form, a, b, y, count);
}
