using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Larger of two; NaN if either is; shapes broadcast.</summary>
public sealed class Maximum : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Maximum";

    /// <inheritdoc/>
    public override string Formula => "y[i] = max(a[i], b[i])";

    internal override T Apply<T>(T a, T b) => T.Max(a, b);

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(MaxMap), form, a, b, y, count);
}
