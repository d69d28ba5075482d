using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = x.</summary>
internal readonly struct Identity : IActivation<Identity>
{
    public static ActivationKind Kind => ActivationKind.None;

    public static string Formula => "x";

    public static string OpenClValue => "(x)";

    public static string OpenClDerivative => "1.0f";

    public static Activation[] Samples => [default];

    public bool GradientReadsOutput => true;

    public bool IsClip => true;

    public (double Low, double High) Range => (double.NegativeInfinity, double.PositiveInfinity);

    public static Identity Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => x;

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => dy;
}
