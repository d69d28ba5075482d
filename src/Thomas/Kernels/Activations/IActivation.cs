using System.Numerics;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>
/// One activation f: a struct whose fields are the parameters, in a file of its own. Loops are compiled for each such struct, so what it computes is inlined.
/// <see cref="IUnaryMap.Invoke"/> is f on vectors.
/// </summary>
/// <typeparam name="TSelf">The struct.</typeparam>
internal interface IActivation<TSelf> : IUnaryMap
    where TSelf : struct, IActivation<TSelf>
{
    /// <summary>The member that names it.</summary>
    static abstract ActivationKind Kind { get; }

    /// <summary>f of x, with parameters A and B, for the pages.</summary>
    static abstract string Formula { get; }

    /// <summary>f in OpenCL C, of <c>(x)</c>, with parameters A and B. NaN gives NaN.</summary>
    static abstract string OpenClValue { get; }

    /// <summary>f' in OpenCL C, of <c>(x)</c>, which stands for y or x as <see cref="GradientReadsOutput"/> says. NaN gives NaN.</summary>
    static abstract string OpenClDerivative { get; }

    /// <summary>Settings that together stand for all: every sweep of the tests tries them.</summary>
    static abstract Activation[] Samples { get; }

    /// <summary>The function with its parameters; what it does not have is ignored.</summary>
    static abstract TSelf Create(float a, float b);

    /// <summary>Whether <see cref="Derivative"/> is given y = f(x), which is kept anyway; else it is given x.</summary>
    bool GradientReadsOutput { get; }

    /// <summary>Whether f does nothing but clip x to <see cref="Range"/>; kernels do that in registers.</summary>
    bool IsClip { get; }

    /// <summary>The least and the largest result.</summary>
    (double Low, double High) Range { get; }

    /// <summary>The definition; x is not NaN.</summary>
    T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>;

    /// <summary>f'(x), given y or x as <see cref="GradientReadsOutput"/> says; not NaN. At a kink PyTorch's slope.</summary>
    T Derivative<T>(T saved)
        where T : IBinaryFloatingPointIeee754<T>;

    /// <summary>dy * f'(x) on vectors, given y or x as <see cref="GradientReadsOutput"/> says. NaN in either operand gives NaN out.</summary>
    TVec Gradient<TSimd, TVec>(TVec dy, TVec saved)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;
}
