using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = x * min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019).</summary>
internal readonly struct HardSwish : IActivation<HardSwish>
{
    public static ActivationKind Kind => ActivationKind.HardSwish;

    public static string Formula => "x * min(max(x + 3, 0), 6) / 6";

    public static string OpenClValue => "(x) * ((x) < -3 ? 0.0f : (x) > 3 ? 6.0f : (x) + 3) / 6";

    public static string OpenClDerivative => "(x) < -3 ? 0.0f : (x) > 3 ? 1.0f : (x) / 3 + 0.5f";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => false;

    public bool IsClip => false;

    public (double Low, double High) Range => (-0.375, double.PositiveInfinity);

    public static HardSwish Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => x * T.Min(T.Max(x + T.CreateTruncating(3), T.Zero), T.CreateTruncating(6)) / T.CreateTruncating(6);

    public T Derivative<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T three = T.CreateTruncating(3);
        return x < -three ? T.Zero : x <= three ? (x / three) + T.CreateTruncating(0.5) : T.One;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec gate = TSimd.AtMost(TSimd.Create(6f), TSimd.AtLeast(TSimd.Create(0f), TSimd.Add(x, TSimd.Create(3f))));
        return TSimd.Multiply(TSimd.Multiply(x, TSimd.Create(1f / 6f)), gate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec middle = TSimd.Add(TSimd.Divide(x, TSimd.Create(3f)), TSimd.Create(0.5f));
        TVec derivative = TSimd.SelectIfLess(TSimd.Create(3f), x, TSimd.Create(1f), middle);
        return TSimd.Multiply(dy, TSimd.SelectIfLess(x, TSimd.Create(-3f), TSimd.Create(0f), derivative));
    }
}
