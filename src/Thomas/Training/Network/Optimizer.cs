using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Thomas.Training;

/// <summary>Updates one parameter tensor in place; keeps the moments that belong to it.</summary>
internal abstract class Optimizer
{
    /// <summary>One step.</summary>
    /// <param name="parameters">Updated in place; as long as the optimizer was created for.</param>
    /// <param name="gradient">Gradient of the loss.</param>
    /// <param name="learningRate">Rate of this step.</param>
    /// <param name="gradientScale">Multiplies the gradient before anything else: 1, or less where the norm is clipped.</param>
    public void Step(Span<float> parameters, ReadOnlySpan<float> gradient, float learningRate, float gradientScale)
    {
        if (parameters.Length != Length || gradient.Length != Length)
        {
            throw new ArgumentException($"The optimizer holds {Length} parameters; got {parameters.Length} and a gradient of {gradient.Length}.");
        }

        Begin(learningRate);
        Update(0, parameters, gradient, gradientScale);
    }

    /// <summary>Begins a step that <see cref="Update"/> does in parts, each parameter once.</summary>
    public abstract void Begin(float learningRate);

    /// <summary>The step for the parameters from <paramref name="first"/> on, as many as are given.</summary>
    public void Update(int first, Span<float> parameters, ReadOnlySpan<float> gradient, float gradientScale)
    {
        // Bounds are checked once here: the vector loops use unchecked references.
        if (parameters.Length != gradient.Length || (uint)first > (uint)Length || parameters.Length > Length - first)
        {
            throw new ArgumentException($"The optimizer holds {Length} parameters; got {parameters.Length} from {first} on and a gradient of {gradient.Length}.");
        }

        UpdateRange(first, parameters, gradient, gradientScale);
    }

    /// <summary>Forgets the moments, as before the first step.</summary>
    public abstract void Reset();

    /// <summary>Creates the optimizer that the options name, for so many parameters.</summary>
    public static Optimizer Create(HeadOptions options, int length, float weightDecay) => options.Optimizer switch
    {
        OptimizerKind.Sgd => new SgdOptimizer(length, options.Momentum, options.Nesterov, weightDecay),
        OptimizerKind.Adam => new AdamOptimizer(length, weightDecay, decoupled: false),
        OptimizerKind.AdamW => new AdamOptimizer(length, weightDecay, decoupled: true),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Optimizer, "Not an optimizer."),
    };

    /// <summary>Number of parameters.</summary>
    protected abstract int Length { get; }

    /// <summary>See <see cref="Update"/>; the bounds are checked.</summary>
    protected abstract void UpdateRange(int first, Span<float> parameters, ReadOnlySpan<float> gradient, float gradientScale);
}

/// <summary>
/// Stochastic gradient descent with momentum m, L2 weight decay d and rate r, as PyTorch defines it:
/// <c>g' = g + d*w; v = m*v + g'; w = w - r * (nesterov ? g' + m*v : v)</c>, v being zero at first.
/// </summary>
internal sealed class SgdOptimizer(int length, float momentum, bool nesterov, float weightDecay) : Optimizer
{
    private readonly float[] _velocity = new float[length];
    private float _rate;

    protected override int Length => _velocity.Length;

    public override void Reset() => Array.Clear(_velocity);

    public override void Begin(float learningRate) => _rate = learningRate;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void UpdateRange(int first, Span<float> parameters, ReadOnlySpan<float> gradient, float gradientScale)
    {
        Span<float> velocities = _velocity.AsSpan(first, parameters.Length);
        float rate = _rate;
        ref float w = ref MemoryMarshal.GetReference(parameters);
        ref float g = ref MemoryMarshal.GetReference(gradient);
        ref float v = ref MemoryMarshal.GetReference(velocities);
        int i = 0;
        for (; i <= parameters.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            nuint at = (nuint)i;
            Vector<float> weights = Vector.LoadUnsafe(ref w, at);
            Vector<float> grad = (Vector.LoadUnsafe(ref g, at) * gradientScale) + (weights * weightDecay);
            Vector<float> velocity = (Vector.LoadUnsafe(ref v, at) * momentum) + grad;
            velocity.StoreUnsafe(ref v, at);
            Vector<float> direction = nesterov ? grad + (velocity * momentum) : velocity;
            (weights - (direction * rate)).StoreUnsafe(ref w, at);
        }

        for (; i < parameters.Length; i++)
        {
            float grad = (gradient[i] * gradientScale) + (parameters[i] * weightDecay);
            float velocity = velocities[i] = (velocities[i] * momentum) + grad;
            parameters[i] -= (nesterov ? grad + (velocity * momentum) : velocity) * rate;
        }
    }
}

/// <summary>
/// Adam (Kingma and Ba, 2015) with b1 = 0.9, b2 = 0.999, e = 1e-8, step t = 1, 2, ... and rate r:
/// <c>m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g*g; w = w - r * (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + e)</c>.
/// Weight decay d is decoupled (AdamW, Loshchilov and Hutter, 2019: first <c>w = max(0, 1 - r*d) * w</c>) or, in plain Adam, L2: <c>g + d*w</c> stands for g.
/// </summary>
internal sealed class AdamOptimizer(int length, float weightDecay, bool decoupled) : Optimizer
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.999f;
    private const float Epsilon = 1e-8f;

    private readonly float[] _mean = new float[length];
    private readonly float[] _square = new float[length];
    private double _beta1Power = 1;
    private double _beta2Power = 1;
    private float _rate;
    private float _squareScale;
    private float _keep;

    protected override int Length => _mean.Length;

    public override void Reset()
    {
        Array.Clear(_mean);
        Array.Clear(_square);
        _beta1Power = _beta2Power = 1;
    }

    public override void Begin(float learningRate)
    {
        _beta1Power *= Beta1;
        _beta2Power *= Beta2;
        _rate = (float)(learningRate / (1 - _beta1Power));
        _squareScale = (float)(1 / (1 - _beta2Power));
        _keep = decoupled ? MathF.Max(0, 1 - (learningRate * weightDecay)) : 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void UpdateRange(int first, Span<float> parameters, ReadOnlySpan<float> gradient, float gradientScale)
    {
        Span<float> means = _mean.AsSpan(first, parameters.Length), squares = _square.AsSpan(first, parameters.Length);
        float rate = _rate, squareScale = _squareScale, keep = _keep, l2 = decoupled ? 0 : weightDecay;
        ref float w = ref MemoryMarshal.GetReference(parameters);
        ref float g = ref MemoryMarshal.GetReference(gradient);
        ref float m = ref MemoryMarshal.GetReference(means);
        ref float v = ref MemoryMarshal.GetReference(squares);
        Vector<float> epsilon = new(Epsilon);
        int i = 0;
        for (; i <= parameters.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            nuint at = (nuint)i;
            Vector<float> weights = Vector.LoadUnsafe(ref w, at);
            Vector<float> grad = (Vector.LoadUnsafe(ref g, at) * gradientScale) + (weights * l2);
            Vector<float> mean = (Vector.LoadUnsafe(ref m, at) * Beta1) + (grad * (1 - Beta1));
            Vector<float> square = (Vector.LoadUnsafe(ref v, at) * Beta2) + (grad * grad * (1 - Beta2));
            mean.StoreUnsafe(ref m, at);
            square.StoreUnsafe(ref v, at);
            ((weights * keep) - (mean * rate / (Vector.SquareRoot(square * squareScale) + epsilon))).StoreUnsafe(ref w, at);
        }

        for (; i < parameters.Length; i++)
        {
            float grad = (gradient[i] * gradientScale) + (parameters[i] * l2);
            float mean = means[i] = (means[i] * Beta1) + (grad * (1 - Beta1));
            float square = squares[i] = (squares[i] * Beta2) + (grad * grad * (1 - Beta2));
            parameters[i] = (parameters[i] * keep) - (mean * rate / (MathF.Sqrt(square * squareScale) + Epsilon));
        }
    }
}
