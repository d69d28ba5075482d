namespace Thomas.Ops;

/// <summary>Absolute value; any shape.</summary>
public sealed partial class Abs : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Abs";

    /// <inheritdoc/>
    public override string Formula => "y[i] = |x[i]|";

    internal override T Apply<T>(T x) => T.Abs(x);
}
