using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>y = tanh(x).</summary>
internal readonly struct Tanh : IActivation<Tanh>
{
    public static ActivationKind Kind => ActivationKind.Tanh;

    public static string Formula => "tanh x";

    public static string OpenClValue => "tanh(x)";

    public static string OpenClDerivative => "(1 - (x)) * (1 + (x))";

    public static Activation[] Samples => [new(Kind)];

    public bool GradientReadsOutput => true;

    public bool IsClip => false;

    public (double Low, double High) Range => (-1, 1);

    public static Tanh Create(float a, float b) => default;

    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => T.Tanh(x);

    public T Derivative<T>(T y)
        where T : IBinaryFloatingPointIeee754<T>
        => (T.One - y) * (T.One + y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Tanh<TSimd, TVec>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Gradient<TSimd, TVec>(TVec dy, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // The product keeps the bits that 1 - y^2 loses.
        TVec one = TSimd.Create(1f);
        return TSimd.Multiply(dy, TSimd.Multiply(TSimd.Subtract(one, y), TSimd.Add(one, y)));
    }
}
