using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = max(x, 0).</summary>
internal readonly struct Relu : IActivation<Relu>
{
    public static ActivationKind Kind => ActivationKind.Relu;

    public static string Formula => "max(x, 0)";

    public static string OpenClValue => "(x) < 0 ? 0.0f : (x)";

    public static string OpenClDerivative => "(x) > 0 ? 1.0f : isnan(x) ? (x) : 0.0f";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => true;

    public bool IsClip => true;

    public (double Low, double High) Range => (0, double.PositiveInfinity);

    public static Relu Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.Max(x, T.Zero);

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => y > T.Zero ? T.One : T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtLeast(TSimd.Create(0f), x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => LinearPieces.LeakyGradient<TSimd, TVec>(dy, y, 0);
}
