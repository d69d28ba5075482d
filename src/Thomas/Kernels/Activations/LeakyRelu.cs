using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = x where x is at least 0, else alpha * x. With alpha below 0 the result does not tell the sign of x, so the gradient reads x.</summary>
internal readonly struct LeakyRelu(float alpha) : IActivation<LeakyRelu>
{
    public static ActivationKind Kind => ActivationKind.LeakyRelu;

    public static string Formula => "x >= 0 ? x : A * x";

    public static string OpenClValue => "(x) < 0 ? A * (x) : (x)";

    public static string OpenClDerivative => "(x) > 0 ? 1.0f : isnan(x) ? (x) : A";

    public static Activation[] Samples => [new(Kind, 0.1f), new(Kind, -0.25f)];

    public bool GradientReadsOutput => alpha >= 0;

    public bool IsClip => false;

    public (double Low, double High) Range => (alpha > 0 ? double.NegativeInfinity : 0, double.PositiveInfinity);

    public static LeakyRelu Create(float a, float b) => new(a);

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => x >= T.Zero ? x : T.CreateTruncating(alpha) * x;

    public T Derivative<T>(T saved)
        where T : IBinaryFloatingPointIeee754<T>
        => saved > T.Zero ? T.One : T.CreateTruncating(alpha);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.SelectIfLess(x, TSimd.Create(0f), TSimd.Multiply(TSimd.Create(alpha), x), x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec saved)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => LinearPieces.LeakyGradient<TSimd, TVec>(dy, saved, alpha);
}
