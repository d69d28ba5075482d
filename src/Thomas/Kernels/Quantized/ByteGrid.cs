namespace Thomas.Kernels.Quantized;

/// <summary>Where the steps of a result are put: what the endings of the integer kernels need of a <see cref="Requantization"/>.</summary>
internal struct ByteGrid
{
    /// <summary>The step that stands for zero.</summary>
    public int Zero;

    /// <summary>The smallest result less the zero point.</summary>
    public int Least;

    /// <summary>The largest result less the zero point.</summary>
    public int Most;

    /// <summary>The same three as unsigned bytes compare: plus 128 if results are signed.</summary>
    public short BiasedZero;

    /// <inheritdoc cref="BiasedZero"/>
    public byte BiasedLower;

    /// <inheritdoc cref="BiasedZero"/>
    public byte BiasedUpper;

    /// <summary>What makes such a byte a result (exclusive or).</summary>
    public byte Bias;

    public ByteGrid(Requantization requantization, bool isSigned)
    {
        Zero = requantization.ZeroPoint;
        Least = requantization.Lower - Zero;
        Most = requantization.Upper - Zero;
        Bias = isSigned ? (byte)128 : (byte)0;
        BiasedZero = (short)(Zero + Bias);
        BiasedLower = (byte)(requantization.Lower + Bias);
        BiasedUpper = (byte)(requantization.Upper + Bias);
    }
}
