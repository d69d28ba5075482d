using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Thomas.Architectures;

/// <summary>Every architecture; the only list of them.</summary>
/// <example>
/// <code>
/// if (ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture))
/// {
///     Graph graph = architecture.Build(new ArchitectureOptions { Classes = 5, Seed = 1 });
/// }
/// </code>
/// </example>
public static class ArchitectureCatalog
{
    /// <summary>All architectures, small and old ones first.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        LeNet5.Architecture, LeNet5Classic.Architecture, AlexNet.Architecture, AlexNet2012.Architecture, SqueezeNet.Architecture, SqueezeNet.Version10,
        ResNet20.Architecture, ResNet20.Projected,
        MobileNetV1.Architecture, MobileNetV2.Architecture, MobileNetV3.Small, MobileNetV3.Large,
    ];

    /// <summary>Finds an architecture by its name, in any case.</summary>
    /// <param name="name">For example <c>mobilenet-v2</c>.</param>
    /// <param name="architecture">The architecture, where there is one.</param>
    /// <returns>Whether there is one.</returns>
    public static bool TryFind(string name, [NotNullWhen(true)] out Architecture? architecture)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (Architecture candidate in All)
        {
            if (candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                architecture = candidate;
                return true;
            }
        }

        architecture = null;
        return false;
    }
}
