using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Architectures;

namespace Thomas;

/// <summary>
/// Whose code made the weights, told by names of layers and, where repositories share names, by the name of the file; and what that code computes that the
/// weights do not show.
/// </summary>
internal static class WeightOrigin
{
    private const string Published = "the published network";

    /// <summary>Words of <see cref="Architecture.Variants"/> that the origin implies, and the origin in words.</summary>
    public static (string Words, string Origin) Of(WeightView view, string architecture)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (FileLayer layer in view.Layers) names.Add(layer.Name);
        string file = Path.GetFileName(view.File.Name).ToLowerInvariant();
        if (names.Contains("conv_stem") && names.Contains("blocks.0.0.conv_dw")) return Timm(architecture, file);
        if (names.Contains("conv1") && names.Contains("layers.0.conv1"))
        {
            string words = architecture == "mobilenet-v2" ? "relu,cifar" : architecture == "mobilenet-v1" ? "cifar" : "";
            return (words, "kuangliu/pytorch-cifar");
        }

        if (architecture.StartsWith("mobilenet-v3", StringComparison.Ordinal) && names.Contains("features.1.conv.0"))
        {
            bool exciteFirst = false;
            foreach (string name in names)
            {
                // 0 expansion, 1 norm, 2 activation, 3 depthwise, 4 norm, and the activation comes sixth or fifth.
                exciteFirst |= name.StartsWith("features.", StringComparison.Ordinal) && name.EndsWith(".conv.5.fc.0", StringComparison.Ordinal);
            }

            return (exciteFirst ? "epsilon=1e-5,excite-first" : "epsilon=1e-5", "d-li14/mobilenetv3.pytorch");
        }

        return architecture is "mobilenet-v1" or "mobilenet-v2" && file.Contains("cifar", StringComparison.Ordinal)
            ? ("cifar", "a network for CIFAR, by the file's name")
            : ("", Published);
    }

    private static (string Words, string Origin) Timm(string architecture, string file)
    {
        bool isTensorFlows = file.Contains("tf_mobilenet", StringComparison.Ordinal);
        string words = architecture switch
        {
            "mobilenet-v1" => "relu6",
            "mobilenet-v3-small" or "mobilenet-v3-large" => "epsilon=1e-5",
            _ => "",
        };
        return isTensorFlows
            ? (VariantWords.Join(words, "same,epsilon=0.001"), "a tf_ model of timm, by the file's name")
            : (words, "timm (for its tf_ models, converted from TensorFlow, give same,epsilon=0.001)");
    }
}
