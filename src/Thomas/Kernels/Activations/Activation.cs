namespace Thomas.Kernels.Activations;

/// <summary>An element-wise function that a kernel can apply to its result before it is written, with its parameters. NaN propagates.</summary>
/// <param name="Kind">The function.</param>
/// <param name="A">Its first parameter, where it has one.</param>
/// <param name="B">Its second parameter, where it has one.</param>
internal readonly record struct Activation(ActivationKind Kind, float A = 0, float B = 0)
{
    /// <summary>The identity.</summary>
    public static Activation None => default;

    /// <summary>max(x, 0).</summary>
    public static Activation Relu => new(ActivationKind.Relu);

    /// <summary>min(max(x, 0), 6).</summary>
    public static Activation Relu6 => new(ActivationKind.Relu6);

    /// <summary>Whether f'(x) follows from y = f(x), so that x need not be kept for the backward pass.</summary>
    public bool GradientReadsOutput => Function.GradientReadsOutput;

    /// <summary>What computes it. Made for each call where the function has parameters, so loops ask for it once.</summary>
    /// <exception cref="System.ArgumentOutOfRangeException">The kind is no member of <see cref="ActivationKind"/>.</exception>
    internal ActivationFunction Function => ActivationCatalog.Of(Kind).With(A, B);

    /// <summary>
    /// Whether its gradient finds the bounds of a clipping in results that were rounded to binary16: where it reads results, the bounds must be such floats.
    /// </summary>
    internal bool IsKeptByHalf => FindsBounds(static bound => (float)(System.Half)bound == bound);

    /// <summary>As <see cref="IsKeptByHalf"/>, for bfloat16.</summary>
    internal bool IsKeptByBFloat16 => FindsBounds(static bound => (System.BitConverter.SingleToUInt32Bits(bound) & 0xFFFF) == 0);

    /// <summary>min(max(x, min), max).</summary>
    public static Activation Clip(float min, float max) => new(ActivationKind.Clip, min, max);

    private bool FindsBounds(System.Predicate<float> isKept)
    {
        ActivationFunction function = Function;
        return !function.GradientReadsOutput || (isKept(function.Lower) && isKept(function.Upper));
    }
}
