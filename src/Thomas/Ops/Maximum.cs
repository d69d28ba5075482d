namespace Thomas.Ops;

/// <summary>Larger of two; NaN if either is; shapes broadcast.</summary>
public sealed partial class Maximum : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Maximum";

    /// <inheritdoc/>
    public override string Formula => "y[i] = max(a[i], b[i])";

    internal override T Apply<T>(T a, T b) => T.Max(a, b);
}
