using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = min(max(x, 0), 6).</summary>
internal readonly struct Relu6 : IActivation<Relu6>
{
    public static ActivationKind Kind => ActivationKind.Relu6;

    public static string Formula => "min(max(x, 0), 6)";

    public static string OpenClValue => "(x) < 0 ? 0.0f : (x) > 6 ? 6.0f : (x)";

    public static string OpenClDerivative => "(x) > 0 && (x) < 6 ? 1.0f : isnan(x) ? (x) : 0.0f";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => true;

    public bool IsClip => true;

    public (double Low, double High) Range => (0, 6);

    public static Relu6 Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.Min(T.Max(x, T.Zero), T.CreateTruncating(6));

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => y > T.Zero && y < T.CreateTruncating(6) ? T.One : T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(6f), TSimd.AtLeast(TSimd.Create(0f), x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => LinearPieces.ClipGradient<TSimd, TVec>(dy, y, 0, 6, 1);
}
