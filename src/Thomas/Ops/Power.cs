using System;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Power; shapes broadcast.</summary>
public sealed class Power : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Power";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] ^ b[i]";

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
