namespace Thomas.Ops;

/// <summary>Difference; shapes broadcast.</summary>
public sealed partial class Subtract : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Subtract";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] - b[i]";

    internal override T Apply<T>(T a, T b) => a - b;
}
