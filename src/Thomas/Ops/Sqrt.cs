namespace Thomas.Ops;

/// <summary>Square root; any shape.</summary>
public sealed partial class Sqrt : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Sqrt";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i]^(1/2)";

    internal override T Apply<T>(T x) => T.Sqrt(x);
}
