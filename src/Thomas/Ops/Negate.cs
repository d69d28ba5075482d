namespace Thomas.Ops;

/// <summary>Negation; any shape.</summary>
public sealed partial class Negate : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Negate";

    /// <inheritdoc/>
    public override string Formula => "y[i] = -x[i]";

    internal override T Apply<T>(T x) => -x;
}
