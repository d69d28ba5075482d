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

    /// <summary>The same three as unsigned bytes compare: plus 128 if results may be signed.</summary>
    public short BiasedZero;

    /// <inheritdoc cref="BiasedZero"/>
    public byte BiasedLower;

    /// <inheritdoc cref="BiasedZero"/>
    public byte BiasedUpper;

    /// <summary>What makes such a byte a result (exclusive or).</summary>
    public byte Bias;

    /// <summary>Whether there are bytes beyond the bounds.</summary>
    public readonly bool Clips => BiasedLower != byte.MinValue || BiasedUpper != byte.MaxValue;

    /// <summary>The grid of a result of signed or unsigned bytes.</summary>
    public ByteGrid(Requantization requantization)
        : this(requantization.ZeroPoint, requantization.Lower, requantization.Upper)
    {
    }

    /// <summary>The grid of a result whose bounds tell whether it is signed: an unsigned one has none below 0, and a signed one none above 127.</summary>
    public ByteGrid(int zero, int lower, int upper)
    {
        (Zero, Least, Most) = (zero, lower - zero, upper - zero);
        Bias = upper <= sbyte.MaxValue ? (byte)128 : (byte)0;
        BiasedZero = (short)(zero + Bias);
        BiasedLower = (byte)(lower + Bias);
        BiasedUpper = (byte)(upper + Bias);
    }
}
