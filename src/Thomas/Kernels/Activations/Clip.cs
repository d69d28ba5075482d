using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = min(max(x, lower), upper).</summary>
internal readonly struct Clip(float lower, float upper) : IActivation<Clip>
{
    public static ActivationKind Kind => ActivationKind.Clip;

    public static string Formula => "min(max(x, A), B)";

    public static string OpenClValue => "(x) > B ? B : (x) < A ? (A > B ? B : A) : (x)";

    public static string OpenClDerivative => "(x) > A && (x) < B ? 1.0f : isnan(x) ? (x) : 0.0f";

    public static Activation[] Samples => [new(Kind, -0.5f, 1.5f), new(Kind, -1, 1)];

    public bool GradientReadsOutput => true;

    public bool IsClip => true;

    public (double Low, double High) Range => (lower, upper);

    public static Clip Create(float a, float b) => new(a, b);

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.Min(T.Max(x, T.CreateTruncating(lower)), T.CreateTruncating(upper));

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => y > T.CreateTruncating(lower) && y < T.CreateTruncating(upper) ? T.One : T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(upper), TSimd.AtLeast(TSimd.Create(lower), x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => LinearPieces.ClipGradient<TSimd, TVec>(dy, y, lower, upper, 1);
}
