using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Smaller of two; NaN if either is; shapes broadcast.</summary>
public sealed class Minimum : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Minimum";

    /// <inheritdoc/>
    public override string Formula => "y[i] = min(a[i], b[i])";

    internal override T Apply<T>(T a, T b) => T.Min(a, b);

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(MinMap), form, a, b, y, count);
}
