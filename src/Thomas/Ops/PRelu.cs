using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Leaky ReLU whose slope b is a tensor; shapes broadcast.</summary>
public sealed class PRelu : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "PRelu";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] >= 0 ? a[i] : a[i] * b[i]";

    internal override T Apply<T>(T a, T b) => a >= T.Zero ? a : a * b;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(PReluMap), form, a, b, y, count);
}
