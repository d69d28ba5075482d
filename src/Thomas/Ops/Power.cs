namespace Thomas.Ops;

/// <summary>Power; shapes broadcast.</summary>
public sealed partial class Power : BinaryOp
{
    /// <inheritdoc/>
    public override string Name => "Power";

    /// <inheritdoc/>
    public override string Formula => "y[i] = a[i] ^ b[i]";

    internal override T Apply<T>(T a, T b) => T.Pow(a, b);
}
