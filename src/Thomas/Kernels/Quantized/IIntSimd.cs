namespace Thomas.Kernels.Quantized;

/// <summary>Vectors of 32-bit integers of one width, as the integer kernels use them.</summary>
/// <typeparam name="TVec">The vector.</typeparam>
internal unsafe interface IIntSimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Numbers in a vector.</summary>
    static abstract int Length { get; }

    static abstract TVec Create(int value);

    static abstract TVec Load(void* source);

    static abstract void Store(TVec value, void* target);

    /// <summary>As many 8-bit numbers, widened.</summary>
    static abstract TVec LoadBytes(byte* source, bool isSigned);

    static abstract TVec Add(TVec a, TVec b);

    static abstract TVec Subtract(TVec a, TVec b);

    /// <summary>The low 32 bits of the products.</summary>
    static abstract TVec Multiply(TVec a, TVec b);

    static abstract TVec And(TVec a, TVec b);

    static abstract TVec Or(TVec a, TVec b);

    static abstract TVec Xor(TVec a, TVec b);

    static abstract TVec Max(TVec a, TVec b);

    static abstract TVec Min(TVec a, TVec b);

    static abstract TVec ShiftLeft(TVec a, int bits);

    /// <summary>Copies of the sign come in.</summary>
    static abstract TVec ShiftRight(TVec a, int bits);

    /// <summary>float(a) / by, rounded to float32 and then towards zero.</summary>
    static abstract TVec Quotient(TVec a, float by);

    /// <summary>round(float(sum) * ratio), halves to even; for ratios below 1, so that no product is too large for an integer.</summary>
    static abstract TVec Steps(TVec sums, float* ratios);

    /// <summary>The same for ratios of any size: clipped first.</summary>
    static abstract TVec Steps(TVec sums, float* ratios, ByteGrid* grid);

    /// <summary>round(a * ratioA + (b * ratioB + offset)), both sums fused, halves to even.</summary>
    static abstract TVec WeightedSum(TVec a, TVec b, float ratioA, float ratioB, float offset);

    /// <summary>The product of <see cref="RequantizationRule.FixedPoint"/>: sum * multiplier * 2^(left - right - 31), rounded twice.</summary>
    static abstract TVec FixedPoint(TVec sums, int* multipliers, int* lefts, int* rights);

    /// <summary>See <see cref="QuantizeKernel"/>: round(clamp(x / scale, least, most)), or by x * scale where the scale is a reciprocal; NaN gives 0.</summary>
    static abstract TVec Quantize(float* x, QuantizationRule rule, float scale, float least, float most);

    /// <summary>Stores float(a) * scale.</summary>
    static abstract void StoreScaled(TVec a, float scale, float* target);

    /// <summary>What the methods below need of a grid: the zero point, the bounds and the sign, in the form of the width.</summary>
    static abstract void LoadGrid(ByteGrid* grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);

    /// <summary>clamp(steps + zero point, lower, upper), as bytes.</summary>
    static abstract void StoreBytes(TVec steps, TVec zero, TVec lower, TVec upper, TVec bias, byte* target);

    /// <summary>The same of four vectors, each to a place of its own: y, y + step and so on.</summary>
    static abstract void StoreFour(TVec s0, TVec s1, TVec s2, TVec s3, TVec zero, TVec lower, TVec upper, TVec bias, byte* y, nint step);

    /// <summary>The same of twice two vectors: of a pair, the second's results follow those of the first.</summary>
    static abstract void StoreTwoPairs(TVec s0, TVec s1, TVec s2, TVec s3, TVec zero, TVec lower, TVec upper, TVec bias, byte* y, nint step);
}
