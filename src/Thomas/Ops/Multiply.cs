namespace Thomas.Ops;

/// <summary>Product; shapes broadcast.</summary>
public sealed partial class Multiply : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Multiply";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] * b[i]";

    internal override T Apply<T>(T a, T b) => a * b;
}
