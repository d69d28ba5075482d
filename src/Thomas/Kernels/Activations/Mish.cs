using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>
/// y = x * tanh(ln(1 + e^x)) (Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019). With e = e^x and n = e * (e + 2) the hyperbolic
/// tangent is n / (n + 2), which loses no digits where e is small; from x = 20 on it is 1.
/// </summary>
internal readonly struct Mish : IActivation<Mish>
{
    private const float Saturated = 20;

    public static ActivationKind Kind => ActivationKind.Mish;

    public static string Formula => "x * tanh(ln(1 + e^x))";

    public static string OpenClValue => $"(x) * ({N} / ({N} + 2))";

    public static string OpenClDerivative => $"{N} / ({N} + 2) + ((x) > 20 ? 20.0f : (x)) * 4 * {E} * (1 + {E}) / (({N} + 2) * ({N} + 2))";

    // NaN must not become the bound.
    private static string E => "exp((x) > 20 ? 20.0f : (x))";

    private static string N => $"({E} * ({E} + 2))";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => false;

    public bool IsClip => false;

    public (double Low, double High) Range => (-0.3089, double.PositiveInfinity);

    public static Mish Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T two = T.CreateTruncating(2), e = T.Exp(T.Min(x, T.CreateTruncating(Saturated))), n = e * (e + two);
        return x * (n / (n + two));
    }

    public T Derivative<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        // t + x * (1 - t^2) / (1 + e^-x) with t the hyperbolic tangent.
        T two = T.CreateTruncating(2), bounded = T.Min(x, T.CreateTruncating(Saturated)), e = T.Exp(bounded), n = e * (e + two), denominator = n + two;
        return (n / denominator) + (bounded * T.CreateTruncating(4) * e * (T.One + e) / (denominator * denominator));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // Below the bound the product is under the smallest float; the bound keeps infinity * 0 away.
        TVec bounded = TSimd.AtLeast(TSimd.Create(-110f), x), two = TSimd.Create(2f);
        TVec e = VectorMath.Exp<TSimd, TVec>(TSimd.AtMost(TSimd.Create(Saturated), bounded));
        TVec n = TSimd.Multiply(e, TSimd.Add(e, two));
        return TSimd.Multiply(bounded, TSimd.Divide(n, TSimd.Add(n, two)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec bounded = TSimd.AtMost(TSimd.Create(Saturated), TSimd.AtLeast(TSimd.Create(-110f), x)), two = TSimd.Create(2f);
        TVec e = VectorMath.Exp<TSimd, TVec>(bounded);
        TVec n = TSimd.Multiply(e, TSimd.Add(e, two)), denominator = TSimd.Add(n, two);
        TVec slope = TSimd.Multiply(TSimd.Multiply(TSimd.Create(4f), bounded), TSimd.Multiply(e, TSimd.Add(e, TSimd.Create(1f))));
        TVec derivative = TSimd.Add(TSimd.Divide(n, denominator), TSimd.Divide(slope, TSimd.Multiply(denominator, denominator)));
        return TSimd.Multiply(dy, derivative);
    }
}
