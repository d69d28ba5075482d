using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>What operators that apply an activation ask of it.</summary>
internal static class ActivationRules
{
    /// <exception cref="GraphException">There is no such activation, or it clips to an empty range.</exception>
    public static void Check(Activation activation)
    {
        if (!ActivationCatalog.IsKnown(activation.Kind)) throw new GraphException($"there is no activation {activation.Kind}");
        ActivationFunction function = activation.Function;
        if (function.IsClip && !(function.Lower <= function.Upper)) throw new GraphException($"clips to an empty range [{function.Lower}, {function.Upper}]");
    }
}
