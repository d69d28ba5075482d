using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>
/// An activation with its parameters, for those that do not know its kind. Definitions call <see cref="Value{T}"/> and <see cref="Derivative{T}"/> for single
/// elements; kernels clip to <see cref="Lower"/> and <see cref="Upper"/> in registers and call the other methods for a tile or a thread's share, so that no
/// call is made inside a loop.
/// </summary>
internal abstract unsafe class ActivationFunction
{
    protected ActivationFunction(bool gradientReadsOutput, bool isClip, (double Low, double High) range)
    {
        (GradientReadsOutput, IsClip, Range) = (gradientReadsOutput, isClip, range);
        (Lower, Upper) = isClip ? ((float)range.Low, (float)range.High) : (float.NegativeInfinity, float.PositiveInfinity);
    }

    /// <summary>The kind.</summary>
    public abstract ActivationKind Kind { get; }

    /// <summary>f of x, with parameters A and B.</summary>
    public abstract string Formula { get; }

    /// <summary>f in OpenCL C, of <c>(x)</c>, <c>A</c> and <c>B</c>.</summary>
    public abstract string OpenClValue { get; }

    /// <summary>f' in OpenCL C, of <c>(x)</c>, <c>A</c> and <c>B</c>; x stands for y where <see cref="GradientReadsOutput"/> holds.</summary>
    public abstract string OpenClDerivative { get; }

    /// <summary>Settings of the kind that together stand for all.</summary>
    public abstract IReadOnlyList<Activation> Samples { get; }

    /// <summary>Whether f'(x) follows from y = f(x).</summary>
    public bool GradientReadsOutput { get; }

    /// <summary>Whether clipping to <see cref="Lower"/> and <see cref="Upper"/> is all of it, as in relu and, with infinite bounds, in the identity.</summary>
    public bool IsClip { get; }

    /// <summary>The least and the largest result.</summary>
    public (double Low, double High) Range { get; }

    /// <summary>The bound below; minus infinity for a function that does not just clip.</summary>
    public float Lower { get; }

    /// <summary>The bound above; infinity for a function that does not just clip.</summary>
    public float Upper { get; }

    /// <summary>True when clipping to the two bounds is not all of it and <see cref="Apply"/> must follow.</summary>
    public bool NeedsPass => !IsClip;

    /// <summary>The same kind with other parameters.</summary>
    public abstract ActivationFunction With(float a, float b);

    /// <summary>f(x) by the definition. NaN propagates.</summary>
    public T Value<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>
        => typeof(T) == typeof(float) ? T.CreateTruncating(Value(float.CreateTruncating(x))) : T.CreateTruncating(Value(double.CreateTruncating(x)));

    /// <summary>f'(x), given y where <see cref="GradientReadsOutput"/> holds, else x. NaN propagates.</summary>
    public T Derivative<T>(T saved)
        where T : IBinaryFloatingPointIeee754<T>
        => typeof(T) == typeof(float)
        ? T.CreateTruncating(Derivative(float.CreateTruncating(saved)))
        : T.CreateTruncating(Derivative(double.CreateTruncating(saved)));

    /// <summary>y[i] = f(x[i]); x and y may be the same.</summary>
    public abstract void Apply(float* x, float* y, nint count);

    /// <summary>f in place on a block of rows, <paramref name="stride"/> floats apart.</summary>
    public abstract void ApplyRows(float* block, nint stride, int rows, int columns);

    /// <summary>dx[i] = dy[i] * f'(x[i]); saved is y or x, and dx may be either operand.</summary>
    public abstract void ApplyGradient(float* dy, float* saved, float* dx, nint count);

    /// <summary>dx[i] = dy[i] * f'(x[i]) for items [begin, end) of <paramref name="sums"/>, which adds the columns of dx to db.</summary>
    public abstract void ApplyGradient(
        MapColumnSums sums, float* dy, float* saved, KeptFloats kept, float* dx, float* db, float* workspace, float* widened, int begin, int end);

    protected abstract float Value(float x);

    protected abstract double Value(double x);

    protected abstract float Derivative(float saved);

    protected abstract double Derivative(double saved);
}

/// <summary>The function that a struct describes.</summary>
internal sealed unsafe class ActivationFunction<TActivation>(TActivation activation)
    : ActivationFunction(activation.GradientReadsOutput, activation.IsClip, activation.Range)
    where TActivation : struct, IActivation<TActivation>
{
    private readonly TActivation _activation = activation;

    /// <summary>With parameters of 0.</summary>
    public ActivationFunction()
        : this(TActivation.Create(0, 0))
    {
    }

    public override ActivationKind Kind => TActivation.Kind;

    public override string Formula => TActivation.Formula;

    public override string OpenClValue => TActivation.OpenClValue;

    public override string OpenClDerivative => TActivation.OpenClDerivative;

    public override IReadOnlyList<Activation> Samples => TActivation.Samples;

    public override ActivationFunction With(float a, float b) =>
        a == 0 && b == 0 ? ActivationCatalog.Of(Kind) : new ActivationFunction<TActivation>(TActivation.Create(a, b));

    public override void Apply(float* x, float* y, nint count) => ElementwiseLoop.Map(_activation, x, y, count);

    public override void ApplyRows(float* block, nint stride, int rows, int columns) => ElementwiseLoop.MapRows(_activation, block, stride, rows, columns);

    public override void ApplyGradient(float* dy, float* saved, float* dx, nint count) =>
        ElementwiseLoop.Binary(new GradientMap(_activation), dy, saved, dx, count);

    public override void ApplyGradient(
        MapColumnSums sums, float* dy, float* saved, KeptFloats kept, float* dx, float* db, float* workspace, float* widened, int begin, int end) =>
        sums.RunItems(new GradientMap(_activation), dy, saved, kept, dx, db, workspace, widened, begin, end);

    protected override float Value(float x) => float.IsNaN(x) ? x : _activation.Value(x);

    protected override double Value(double x) => double.IsNaN(x) ? x : _activation.Value(x);

    protected override float Derivative(float saved) => float.IsNaN(saved) ? saved : _activation.Derivative(saved);

    protected override double Derivative(double saved) => double.IsNaN(saved) ? saved : _activation.Derivative(saved);

    private readonly struct GradientMap(TActivation activation) : IBinaryMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
            where TSimd : struct, ISimd<TVec>
            where TVec : unmanaged
            => activation.Gradient<TSimd, TVec>(x, y);
    }
}
