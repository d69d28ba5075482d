namespace Thomas.Ops;

/// <summary>Natural exponential; any shape.</summary>
public sealed partial class Exp : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Exp";

    /// <inheritdoc/>
    public override string Formula => "y[i] = e^x[i]";

    internal override T Apply<T>(T x) => T.Exp(x);
}
