namespace Thomas.Ops;

/// <summary>Sum; shapes broadcast.</summary>
public sealed partial class Add : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Add";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] + b[i]";

    internal override T Apply<T>(T a, T b) => a + b;
}
