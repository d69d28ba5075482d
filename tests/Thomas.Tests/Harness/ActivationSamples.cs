using System.Linq;
using Thomas.Kernels.Activations;

namespace Thomas.Tests.Harness;

/// <summary>Every activation of the catalog with the parameters that stand for all: what a sweep over activations walks.</summary>
internal static class ActivationSamples
{
    public static Activation[] All { get; } = [.. ActivationCatalog.All.SelectMany(function => function.Samples)];
}
