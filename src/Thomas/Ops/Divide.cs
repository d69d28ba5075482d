namespace Thomas.Ops;

/// <summary>Quotient; shapes broadcast.</summary>
public sealed partial class Divide : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Divide";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] / b[i]";

    internal override T Apply<T>(T a, T b) => a / b;
}
