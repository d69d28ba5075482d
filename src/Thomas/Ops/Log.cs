namespace Thomas.Ops;

/// <summary>Natural logarithm; any shape.</summary>
public sealed partial class Log : UnaryOp
{
    /// <inheritdoc/>
    public override string Name => "Log";

    /// <inheritdoc/>
    public override string Formula => "y[i] = ln x[i]";

    internal override T Apply<T>(T x) => T.Log(x);
}
