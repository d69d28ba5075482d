namespace Thomas.Ops;

/// <summary>Leaky ReLU whose slope b is a tensor; shapes broadcast.</summary>
public sealed partial class PRelu : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "PRelu";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] >= 0 ? a[i] : a[i] * b[i]";

    internal override T Apply<T>(T a, T b) => a >= T.Zero ? a : a * b;
}
