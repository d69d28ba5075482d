using System;
using System.Collections.Generic;

namespace Thomas.Architectures;

/// <summary>Every architecture; the only list of them.</summary>
public static class ArchitectureCatalog
{
    /// <summary>All architectures, small and old ones first.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        LeNet5.Architecture, AlexNet.Architecture, SqueezeNet.Architecture, ResNet20.Architecture,
        MobileNetV1.Architecture, MobileNetV2.Architecture, MobileNetV3.Small, MobileNetV3.Large,
    ];

    /// <summary>Finds an architecture by its name, in any case.</summary>
    /// <param name="name">For example <c>mobilenet-v2</c>.</param>
    /// <returns>The architecture, or null where there is none of this name.</returns>
    public static Architecture? TryFind(string name)
    {
        foreach (Architecture architecture in All)
        {
            if (architecture.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return architecture;
        }

        return null;
    }
}
