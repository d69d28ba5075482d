using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = 1 / (1 + e^-x).</summary>
internal readonly struct Sigmoid : IActivation<Sigmoid>
{
    public static ActivationKind Kind => ActivationKind.Sigmoid;

    public static string Formula => "1 / (1 + e^-x)";

    public static string OpenClValue => "1 / (1 + exp(-(x)))";

    public static string OpenClDerivative => "(x) * (1 - (x))";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => true;

    public bool IsClip => false;

    public (double Low, double High) Range => (0, 1);

    public static Sigmoid Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.One / (T.One + T.Exp(-x));

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => y * (T.One - y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Sigmoid<TSimd, TVec>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Multiply(dy, TSimd.Multiply(y, TSimd.Subtract(TSimd.Create(1f), y)));
}
