using System;
using System.Collections.Generic;

namespace Thomas.Kernels.Activations;

/// <summary>The one list of activations. Kernels, writers, pages and the sweeps of the tests walk it.</summary>
internal static class ActivationCatalog
{
    /// <summary>One function of each kind, with parameters of 0, in the order of <see cref="ActivationKind"/>.</summary>
    public static IReadOnlyList<ActivationFunction> All { get; } =
    [
        new ActivationFunction<Identity>(), new ActivationFunction<Relu>(), new ActivationFunction<Relu6>(), new ActivationFunction<Clip>(),
        new ActivationFunction<LeakyRelu>(),
        new ActivationFunction<Sigmoid>(), new ActivationFunction<HardSigmoid>(), new ActivationFunction<HardSwish>(), new ActivationFunction<Silu>(),
        new ActivationFunction<Tanh>(),
        new ActivationFunction<Mish>(),
    ];

    /// <summary>The names of all but the identity: relu, relu6, ...</summary>
    public static string Names
    {
        get
        {
            List<string> names = [];
            foreach (ActivationFunction function in All)
            {
                string name = function.Kind.ToString();
                if (function.Kind != ActivationKind.None) names.Add($"{char.ToLowerInvariant(name[0])}{name[1..]}");
            }

            return string.Join(", ", names);
        }
    }

    /// <summary>Whether there is such a kind.</summary>
    public static bool IsKnown(ActivationKind kind) => (uint)kind < (uint)All.Count;

    /// <summary>The function of a kind, with parameters of 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public static ActivationFunction Of(ActivationKind kind) =>
        IsKnown(kind) ? All[(int)kind] : throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown activation.");
}
