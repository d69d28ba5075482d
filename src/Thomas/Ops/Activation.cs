using System.Numerics;

namespace Thomas.Ops;

/// <summary>Element-wise functions that a kernel can apply to its result before it is written.</summary>
public enum ActivationKind
{
    /// <summary>x.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>min(max(x, 0), 6).</summary>
    Relu6,

    /// <summary>min(max(x, A), B).</summary>
    Clip,

    /// <summary>x for x >= 0, else A * x.</summary>
    LeakyRelu,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>min(max(A * x + B, 0), 1).</summary>
    HardSigmoid,

    /// <summary>x * min(max(x + 3, 0), 6) / 6.</summary>
    HardSwish,

    /// <summary>x / (1 + e^-x).</summary>
    Silu,

    /// <summary>tanh x.</summary>
    Tanh,
}

/// <summary>An element-wise function with its parameters. NaN propagates.</summary>
/// <param name="Kind">The function.</param>
/// <param name="A">Its first parameter, where it has one.</param>
/// <param name="B">Its second parameter, where it has one.</param>
public readonly record struct Activation(ActivationKind Kind, float A = 0, float B = 0)
{
    /// <summary>The identity.</summary>
    public static Activation None => default;

    /// <summary>max(x, 0).</summary>
    public static Activation Relu => new(ActivationKind.Relu);

    /// <summary>min(max(x, 0), 6).</summary>
    public static Activation Relu6 => new(ActivationKind.Relu6);

    /// <summary>min(max(x, min), max).</summary>
    public static Activation Clip(float min, float max) => new(ActivationKind.Clip, min, max);

    /// <summary>Whether f'(x) follows from y = f(x), so that x need not be kept for the backward pass.</summary>
    public bool GradientReadsOutput => Kind is not (ActivationKind.HardSwish or ActivationKind.Silu) && (Kind != ActivationKind.LeakyRelu || A >= 0);

    /// <summary>The same function for kernels.</summary>
    internal Kernels.Elementwise.Activation ToKernel() => Kind switch
    {
        ActivationKind.Relu => Kernels.Elementwise.Activation.Relu,
        ActivationKind.Relu6 => Kernels.Elementwise.Activation.Relu6,
        ActivationKind.Clip => Kernels.Elementwise.Activation.Clip(A, B),
        ActivationKind.LeakyRelu => Kernels.Elementwise.Activation.LeakyRelu(A),
        ActivationKind.Sigmoid => Kernels.Elementwise.Activation.Sigmoid,
        ActivationKind.HardSigmoid => Kernels.Elementwise.Activation.HardSigmoid(A, B),
        ActivationKind.HardSwish => Kernels.Elementwise.Activation.HardSwish,
        ActivationKind.Silu => Kernels.Elementwise.Activation.Silu,
        ActivationKind.Tanh => Kernels.Elementwise.Activation.Tanh,
        _ => Kernels.Elementwise.Activation.None,
    };

    /// <summary>The scalar definition.</summary>
    internal T Apply<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        if (T.IsNaN(x)) return x;
        T a = T.CreateTruncating(A), b = T.CreateTruncating(B), six = T.CreateTruncating(6);
        return Kind switch
        {
            ActivationKind.Relu => T.Max(x, T.Zero),
            ActivationKind.Relu6 => T.Min(T.Max(x, T.Zero), six),
            ActivationKind.Clip => T.Min(T.Max(x, a), b),
            ActivationKind.LeakyRelu => x >= T.Zero ? x : a * x,
            ActivationKind.Sigmoid => T.One / (T.One + T.Exp(-x)),
            ActivationKind.HardSigmoid => T.Min(T.Max((a * x) + b, T.Zero), T.One),
            ActivationKind.HardSwish => x * T.Min(T.Max(x + T.CreateTruncating(3), T.Zero), six) / six,
            ActivationKind.Silu => x / (T.One + T.Exp(-x)),
            ActivationKind.Tanh => T.Tanh(x),
            _ => x,
        };
    }

    /// <summary>f'(x), given f(x) where <see cref="GradientReadsOutput"/> holds and x where it does not. NaN propagates.</summary>
    internal T Derivative<T>(T saved)
        where T : IBinaryFloatingPointIeee754<T>
    {
        if (T.IsNaN(saved)) return saved;
        T a = T.CreateTruncating(A), b = T.CreateTruncating(B), three = T.CreateTruncating(3);
        return Kind switch
        {
            ActivationKind.Relu => saved > T.Zero ? T.One : T.Zero,
            ActivationKind.Relu6 => saved > T.Zero && saved < T.CreateTruncating(6) ? T.One : T.Zero,
            ActivationKind.Clip => saved > a && saved < b ? T.One : T.Zero,
            ActivationKind.LeakyRelu => saved > T.Zero ? T.One : a,
            ActivationKind.Sigmoid => saved * (T.One - saved),
            ActivationKind.HardSigmoid => saved > T.Zero && saved < T.One ? a : T.Zero,
            ActivationKind.HardSwish => saved < -three ? T.Zero : saved <= three ? (saved / three) + T.CreateTruncating(0.5) : T.One,
            ActivationKind.Silu => SiluDerivative(saved),
            ActivationKind.Tanh => (T.One - saved) * (T.One + saved),
            _ => T.One,
        };
    }

    private static T SiluDerivative<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
    {
        T sigmoid = T.One / (T.One + T.Exp(-x));
        return sigmoid * (T.One + (x * (T.One - sigmoid)));
    }
}
