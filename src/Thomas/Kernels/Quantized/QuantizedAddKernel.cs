using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// The sum or difference of two 8-bit tensors on grids of their own. <see cref="RequantizationRule.Float"/> is XNNPACK's: the ratios of the scales, which are
/// float32, become multipliers of 21 bits with one common shift, so y = ((a - zero) * p + (b - zero) * q + half) >> shift, with q negative in a difference.
/// <see cref="RequantizationRule.FixedPoint"/> is TensorFlow Lite's built-in kernel: operands shifted left by 20 bits and brought to twice the larger scale,
/// then their sum to that of y, each by a <see cref="FixedPointFactor"/>.
/// </summary>
internal sealed unsafe class QuantizedAddKernel
{
    private const int LeftShift = 20, MultiplierBits = 20;

    private readonly QuantizedOperand _a;
    private readonly QuantizedOperand _b;
    private readonly int _zero;
    private readonly int _lower;
    private readonly int _upper;
    private readonly int _bias;
    private readonly int _multiplierA;
    private readonly int _multiplierB;
    private readonly int _shift;
    private readonly bool _isFused;
    private readonly float _ratioA;
    private readonly float _ratioB;
    private readonly float _offset;
    private readonly FixedPointFactor _factorA;
    private readonly FixedPointFactor _factorB;
    private readonly FixedPointFactor _factorY;

    /// <summary>Creates the map.</summary>
    /// <param name="rule">How it rounds; see <see cref="Rule"/>.</param>
    /// <param name="a">The left operand.</param>
    /// <param name="b">The right operand.</param>
    /// <param name="y">The result.</param>
    /// <param name="lower">The smallest result.</param>
    /// <param name="upper">The largest result.</param>
    /// <param name="subtracts">Whether it is a - b.</param>
    public QuantizedAddKernel(
        RequantizationRule rule, QuantizedOperand a, QuantizedOperand b, QuantizedOperand y, int lower, int upper, bool subtracts = false)
    {
        (_a, _b, _zero, _lower, _upper) = (a, b, y.Zero, lower, upper);
        float ratioA = a.Scale / y.Scale, ratioB = b.Scale / y.Scale;
        Rule = IsInRange(ratioA) && IsInRange(ratioB) ? rule : RequantizationRule.FixedPoint;
        if (Rule == RequantizationRule.Float)
        {
            _shift = MultiplierBits - MathF.ILogB(MathF.Max(ratioA, ratioB));
            _multiplierA = Multiplier(ratioA);
            _multiplierB = subtracts ? -Multiplier(ratioB) : Multiplier(ratioB);
            _bias = (1 << (_shift - 1)) - (_multiplierA * a.Zero) - (_multiplierB * b.Zero);
        }
        else
        {
            double common = 2f * MathF.Max(a.Scale, b.Scale);
            _factorA = FixedPointFactor.Of(a.Scale / common);
            _factorB = FixedPointFactor.Of(b.Scale / common);
            if (subtracts) _factorB = _factorB with { Multiplier = -_factorB.Multiplier };
            _factorY = FixedPointFactor.Of(common / ((1 << LeftShift) * (double)y.Scale));
        }
    }

    /// <summary>
    /// ONNX Runtime's sum on processors with AVX2: y = round(a * ratioA + (b * ratioB + offset)) with fused sums, halves to even, and the zero points in the
    /// offset.
    /// </summary>
    public QuantizedAddKernel(QuantizedOperand a, QuantizedOperand b, QuantizedOperand y, int lower, int upper)
    {
        (_a, _b, _zero, _lower, _upper) = (a, b, y.Zero, lower, upper);
        (_isFused, _ratioA, _ratioB) = (true, a.Scale / y.Scale, b.Scale / y.Scale);
        _offset = y.Zero - MathF.FusedMultiplyAdd(_ratioA, a.Zero, _ratioB * b.Zero);
    }

    /// <summary>
    /// The rule in use: ratios of scales outside [2^-10, 2^8) do not fit XNNPACK's multipliers, and TensorFlow Lite leaves them to its built-in kernel.
    /// </summary>
    public RequantizationRule Rule { get; }

    /// <summary>The definition.</summary>
    public int Apply(int a, int b)
    {
        if (_isFused) return Math.Clamp(Ints1.WeightedSum(a, b, _ratioA, _ratioB, _offset), _lower, _upper);
        int steps = Rule == RequantizationRule.Float
            ? (_bias + (a * _multiplierA) + (b * _multiplierB)) >> _shift
            : _factorY.Apply(_factorA.Apply((a - _a.Zero) << LeftShift) + _factorB.Apply((b - _b.Zero) << LeftShift));
        return Math.Clamp(steps + _zero, _lower, _upper);
    }

    /// <summary>Adds runs of elements; y may be a or b.</summary>
    public void Run(byte* a, byte* b, byte* y, nint count)
    {
        ByteGrid grid = new(_zero, _lower, _upper);
        if (_isFused)
        {
            ByteLoops.Run(new FusedMap(_ratioA, _ratioB, _offset, _zero), a, _a.IsSigned, b, _b.IsSigned, y, &grid, count);
            return;
        }

        if (Rule == RequantizationRule.Float)
        {
            ByteLoops.Run(new FloatMap(_bias, _multiplierA, _multiplierB, _shift), a, _a.IsSigned, b, _b.IsSigned, y, &grid, count);
            return;
        }

        RepeatedFactor left = new(_factorA), right = new(_factorB), result = new(_factorY);
        ByteLoops.Run(new FixedPointMap(_a.Zero, _b.Zero, &left, &right, &result), a, _a.IsSigned, b, _b.IsSigned, y, &grid, count);
    }

    private static bool IsInRange(float ratio) => ratio is >= 1f / 1024 and < 256f;

    private int Multiplier(float ratio) => (int)MathF.Round(MathF.ScaleB(ratio, _shift), MidpointRounding.ToEven);

    private readonly struct FusedMap(float ratioA, float ratioB, float offset, int zero) : IByteMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec a, TVec b)
            where TSimd : struct, IIntSimd<TVec>
            where TVec : unmanaged
            => TSimd.Subtract(TSimd.WeightedSum(a, b, ratioA, ratioB, offset), TSimd.Create(zero));
    }

    private readonly struct FloatMap(int bias, int multiplierA, int multiplierB, int shift) : IByteMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec a, TVec b)
            where TSimd : struct, IIntSimd<TVec>
            where TVec : unmanaged
        {
            TVec sum = TSimd.Add(TSimd.Multiply(a, TSimd.Create(multiplierA)), TSimd.Multiply(b, TSimd.Create(multiplierB)));
            return TSimd.ShiftRight(TSimd.Add(sum, TSimd.Create(bias)), shift);
        }
    }

    private readonly struct FixedPointMap(int zeroA, int zeroB, RepeatedFactor* left, RepeatedFactor* right, RepeatedFactor* result) : IByteMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec a, TVec b)
            where TSimd : struct, IIntSimd<TVec>
            where TVec : unmanaged
        {
            a = RepeatedFactor.Apply<TSimd, TVec>(left, TSimd.ShiftLeft(TSimd.Subtract(a, TSimd.Create(zeroA)), LeftShift));
            b = RepeatedFactor.Apply<TSimd, TVec>(right, TSimd.ShiftLeft(TSimd.Subtract(b, TSimd.Create(zeroB)), LeftShift));
            return RepeatedFactor.Apply<TSimd, TVec>(result, TSimd.Add(a, b));
        }
    }
}
