using System;

namespace Thomas.Kernels.Elementwise;

/// <summary>The functions that matrix products and depthwise convolutions apply to their results.</summary>
internal enum ActivationKind
{
    /// <summary>y = x.</summary>
    None,

    /// <summary>y = min(max(x, A), B); covers ReLU and ReLU6.</summary>
    Clip,

    /// <summary>y = x where x is at least 0, else A * x.</summary>
    LeakyRelu,

    /// <summary>y = min(max(A * x + B, 0), 1).</summary>
    HardSigmoid,

    /// <summary>y = x * min(max(x + 3, 0), 6) / 6.</summary>
    HardSwish,

    /// <summary>y = 1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>y = x / (1 + exp(-x)).</summary>
    Silu,

    /// <summary>y = tanh(x).</summary>
    Tanh,
}

/// <summary>
/// An activation as data. None and Clip run in registers before the result is stored (<see cref="Lower"/>, <see cref="Upper"/>);
/// the others run over each tile right after it is stored, while it is in the first-level cache.
/// </summary>
internal readonly unsafe record struct Activation(ActivationKind Kind, float A = 0f, float B = 0f)
{
    public static Activation None => default;

    public static Activation Relu => new(ActivationKind.Clip, 0f, float.PositiveInfinity);

    public static Activation Relu6 => new(ActivationKind.Clip, 0f, 6f);

    public static Activation HardSwish => new(ActivationKind.HardSwish);

    public static Activation Sigmoid => new(ActivationKind.Sigmoid);

    public static Activation Silu => new(ActivationKind.Silu);

    public static Activation Tanh => new(ActivationKind.Tanh);

    /// <summary>The bound below; minus infinity unless the kind is Clip.</summary>
    public float Lower => Kind == ActivationKind.Clip ? A : float.NegativeInfinity;

    /// <summary>The bound above; infinity unless the kind is Clip.</summary>
    public float Upper => Kind == ActivationKind.Clip ? B : float.PositiveInfinity;

    /// <summary>True when clipping to the two bounds is not all of it and <see cref="Apply"/> must follow.</summary>
    public bool NeedsPass => Kind is not (ActivationKind.None or ActivationKind.Clip);

    public static Activation Clip(float lower, float upper) => new(ActivationKind.Clip, lower, upper);

    public static Activation LeakyRelu(float alpha) => new(ActivationKind.LeakyRelu, alpha);

    public static Activation HardSigmoid(float alpha, float beta) => new(ActivationKind.HardSigmoid, alpha, beta);

    /// <summary>Applies the whole function, whatever its kind: y[i] = f(x[i]); x and y may be the same.</summary>
    public void Apply(float* x, float* y, nint count)
    {
        switch (Kind)
        {
            case ActivationKind.None: ElementwiseLoop.Map(default(IdentityMap), x, y, count); break;
            case ActivationKind.Clip: ElementwiseLoop.Map(new ClipMap(A, B), x, y, count); break;
            case ActivationKind.LeakyRelu: ElementwiseLoop.Map(new LeakyReluMap(A), x, y, count); break;
            case ActivationKind.HardSigmoid: ElementwiseLoop.Map(new HardSigmoidMap(A, B), x, y, count); break;
            case ActivationKind.HardSwish: ElementwiseLoop.Map(default(HardSwishMap), x, y, count); break;
            case ActivationKind.Sigmoid: ElementwiseLoop.Map(default(SigmoidMap), x, y, count); break;
            case ActivationKind.Silu: ElementwiseLoop.Map(default(SiluMap), x, y, count); break;
            case ActivationKind.Tanh: ElementwiseLoop.Map(default(TanhMap), x, y, count); break;
            default: throw new InvalidOperationException($"Unknown activation {Kind}.");
        }
    }

    /// <summary>Applies the whole function in place to a block of rows.</summary>
    public void ApplyRows(float* block, nint stride, int rows, int columns)
    {
        switch (Kind)
        {
            case ActivationKind.None: break;
            case ActivationKind.Clip: ElementwiseLoop.MapRows(new ClipMap(A, B), block, stride, rows, columns); break;
            case ActivationKind.LeakyRelu: ElementwiseLoop.MapRows(new LeakyReluMap(A), block, stride, rows, columns); break;
            case ActivationKind.HardSigmoid: ElementwiseLoop.MapRows(new HardSigmoidMap(A, B), block, stride, rows, columns); break;
            case ActivationKind.HardSwish: ElementwiseLoop.MapRows(default(HardSwishMap), block, stride, rows, columns); break;
            case ActivationKind.Sigmoid: ElementwiseLoop.MapRows(default(SigmoidMap), block, stride, rows, columns); break;
            case ActivationKind.Silu: ElementwiseLoop.MapRows(default(SiluMap), block, stride, rows, columns); break;
            case ActivationKind.Tanh: ElementwiseLoop.MapRows(default(TanhMap), block, stride, rows, columns); break;
            default: throw new InvalidOperationException($"Unknown activation {Kind}.");
        }
    }
}
