using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = min(max(alpha * x + beta, 0), 1). ONNX: alpha 0.2, beta 0.5 by default; MobileNetV3: alpha 1/6.</summary>
internal readonly struct HardSigmoid(float alpha, float beta) : IActivation<HardSigmoid>
{
    public static ActivationKind Kind => ActivationKind.HardSigmoid;

    public static string Formula => "min(max(A * x + B, 0), 1)";

    public static string OpenClValue => "A * (x) + B < 0 ? 0.0f : A * (x) + B > 1 ? 1.0f : A * (x) + B";

    public static string OpenClDerivative => "(x) > 0 && (x) < 1 ? A : isnan(x) ? (x) : 0.0f";

    public static Activation[] Samples => [new(Kind, 0.2f, 0.5f)];

    public bool GradientReadsOutput => true;

    public bool IsClip => false;

    public (double Low, double High) Range => (0, 1);

    public static HardSigmoid Create(float a, float b) => new(a, b);

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.Min(T.Max((T.CreateTruncating(alpha) * x) + T.CreateTruncating(beta), T.Zero), T.One);

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => y > T.Zero && y < T.One ? T.CreateTruncating(alpha) : T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(1f), TSimd.AtLeast(TSimd.Create(0f), TSimd.MultiplyAdd(TSimd.Create(alpha), x, TSimd.Create(beta))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => LinearPieces.ClipGradient<TSimd, TVec>(dy, y, 0, 1, alpha);
}
