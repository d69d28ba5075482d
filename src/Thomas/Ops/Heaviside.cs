using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>Comparison as a number: the step function of the difference, with the value 1/2 at 0; shapes broadcast.</summary>
internal sealed class Heaviside : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Heaviside";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] > b[i] ? 1 : a[i] = b[i] ? 1/2 : 0; NaN where either is";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a step, whose derivative is 0 almost everywhere";

    internal override string OpenClExpression => "isnan((a)) || isnan((b)) ? NAN : (a) > (b) ? 1.0f : (a) == (b) ? 0.5f : 0.0f";

    internal override T Apply<T>(T a, T b) =>
        T.IsNaN(a) || T.IsNaN(b) ? T.NaN : a > b ? T.One : a == b ? T.CreateTruncating(0.5) : T.Zero;

    internal override unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count) => Row(default(HeavisideMap), form, a, b, y, count);
}
