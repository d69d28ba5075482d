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

    /// <summary>128 if results are signed, else 0: results plus this are bytes from 0 to 255.</summary>
    public int Bias;

    public ByteGrid(Requantization requantization, bool isSigned)
    {
        Zero = requantization.ZeroPoint;
        Least = requantization.Lower - Zero;
        Most = requantization.Upper - Zero;
        Bias = isSigned ? 128 : 0;
    }
}
