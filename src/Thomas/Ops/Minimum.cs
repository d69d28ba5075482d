namespace Thomas.Ops;

/// <summary>Smaller of two; NaN if either is; shapes broadcast.</summary>
public sealed partial class Minimum : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Minimum";

    /// <inheritdoc/>
    public override string Formula => "y[i] = min(a[i], b[i])";

    internal override T Apply<T>(T a, T b) => T.Min(a, b);
}
