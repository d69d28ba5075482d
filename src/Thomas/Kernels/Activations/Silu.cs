using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>SiLU, also called swish: y = x / (1 + e^-x); in vectors 0 at minus infinity.</summary>
internal readonly struct Silu : IActivation<Silu>
{
    public static ActivationKind Kind => ActivationKind.Silu;

    public static string Formula => "x / (1 + e^-x)";

    public static string OpenClValue => "(x) < -110 ? -0.0f : (x) / (1 + exp(-(x)))";

    public static string OpenClDerivative => "(1 / (1 + exp(-(x)))) * (1 + (x) * (1 - 1 / (1 + exp(-(x)))))";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => false;

    public bool IsClip => false;

    public (double Low, double High) Range => (-0.2785, double.PositiveInfinity);

    public static Silu Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => x / (T.One + T.Exp(-x));

    public T Derivative<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T sigmoid = T.One / (T.One + T.Exp(-x));
        return sigmoid * (T.One + (x * (T.One - sigmoid)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // Below the bound x * sigmoid(x) is under the smallest float; the bound keeps infinity * 0 away.
        TVec bounded = TSimd.AtLeast(TSimd.Create(-110f), x);
        return TSimd.Multiply(bounded, VectorMath.Sigmoid<TSimd, TVec>(bounded));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec one = TSimd.Create(1f), s = VectorMath.Sigmoid<TSimd, TVec>(x);
        return TSimd.Multiply(dy, TSimd.Multiply(s, TSimd.MultiplyAdd(x, TSimd.Subtract(one, s), one)));
    }
}
