using System;
using System.Collections.Generic;
using Thomas.Formats;
using Thomas.Graphs;

namespace Thomas;

/// <summary>The tensors of a weight file that have one name in common: those of a convolution, a dense layer or a normalization.</summary>
/// <param name="name">What their names begin with.</param>
internal sealed class FileLayer(string name)
{
    public const string Weight = "weight", Bias = "bias", Mean = "running_mean", Variance = "running_var";

    public string Name { get; } = name;

    /// <summary>The tensors by the last part of their names.</summary>
    public Dictionary<string, NamedTensor> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether it normalizes: it has statistics, or its weight is one number a channel.</summary>
    public bool IsNorm => Tensors.ContainsKey(Mean) || (Tensors.TryGetValue(Weight, out NamedTensor? weight) && weight.Shape.Rank < 2);

    /// <summary>Output channels, or those that are normalized.</summary>
    public int Channels => (Tensors.TryGetValue(Weight, out NamedTensor? tensor) || Tensors.TryGetValue(Mean, out tensor)) && tensor.Shape.Rank > 0
        ? tensor.Shape[0]
        : 0;

    /// <summary>
    /// The layers of a file in its order. Counters and what profilers leave in a network are no layers' tensors.
    /// </summary>
    public static List<FileLayer> Of(IReadOnlyList<NamedTensor> tensors)
    {
        List<FileLayer> layers = [];
        Dictionary<string, FileLayer> byName = new(StringComparer.Ordinal);
        foreach (NamedTensor tensor in tensors)
        {
            if (!IsWeight(tensor)) continue;
            int dot = tensor.Name.LastIndexOf('.');
            string parent = dot < 0 ? "" : tensor.Name[..dot];
            if (!byName.TryGetValue(parent, out FileLayer? layer))
            {
                byName.Add(parent, layer = new FileLayer(parent));
                layers.Add(layer);
            }

            layer.Tensors[tensor.Name[(dot + 1)..]] = tensor;
        }

        return layers;
    }

    /// <summary>Whether a tensor can be one that a network needs.</summary>
    public static bool IsWeight(NamedTensor tensor) =>
        tensor.Data.Type.DType.IsFloat() && !EndsWithPart(tensor.Name, WeightCollector.StepCounter) && !EndsWithPart(tensor.Name, "total_ops")
        && !EndsWithPart(tensor.Name, "total_params");

    private static bool EndsWithPart(string name, string part) =>
        name.EndsWith(part, StringComparison.Ordinal) && (name.Length == part.Length || name[^(part.Length + 1)] == '.');
}

/// <summary>A convolution or dense layer of a weight file, with the normalization behind it.</summary>
internal sealed record FileUnit(FileLayer Layer, FileLayer? Norm)
{
    public string Name => Layer.Name;

    /// <summary>Pairs each convolution with its normalization; <paramref name="problem"/> names a normalization that belongs to none.</summary>
    public static List<FileUnit> Of(List<FileLayer> layers, out string problem)
    {
        problem = "";
        List<FileUnit> units = [];
        HashSet<FileLayer> taken = [];
        NumberedNorms numbered = new(layers);
        for (int i = 0; i < layers.Count; i++)
        {
            FileLayer layer = layers[i];
            if (layer.IsNorm) continue;
            FileLayer? other = numbered.Of(layer);
            FileLayer? norm = i + 1 < layers.Count && Follows(layer, layers[i + 1]) && !(other is not null && AreNumberedApart(layer, layers[i + 1]))
                ? layers[i + 1]
                : other;
            if (norm is not null) taken.Add(norm);
            units.Add(new FileUnit(layer, norm));
        }

        foreach (FileLayer layer in layers)
        {
            if (!layer.IsNorm || taken.Contains(layer)) continue;
            problem = $"the normalization '{layer.Name}' follows no convolution of its size";
            break;
        }

        return units;
    }

    private static bool Follows(FileLayer layer, FileLayer norm) => norm.IsNorm && norm.Channels == layer.Channels;

    /// <summary>conv1, conv2, bn1, bn2: what stands behind conv2 is bn1, whose number is conv1's.</summary>
    private static bool AreNumberedApart(FileLayer layer, FileLayer behind)
    {
        int number = NaturalOrder.Numbered(layer.Name).Number, norm = NaturalOrder.Numbered(behind.Name).Number;
        return number >= 0 && norm >= 0 && number != norm;
    }

    /// <summary>The first normalization of each parent, number and size: bn1 is beside conv1.</summary>
    private sealed class NumberedNorms
    {
        private readonly Dictionary<(string Parent, int Number, int Channels), FileLayer> _norms = [];

        public NumberedNorms(List<FileLayer> layers)
        {
            foreach (FileLayer layer in layers)
            {
                if (layer.IsNorm && TryKey(layer, out (string Parent, int Number, int Channels) key)) _norms.TryAdd(key, layer);
            }
        }

        /// <summary>The normalization beside a layer that has the layer's number and size.</summary>
        public FileLayer? Of(FileLayer layer) => TryKey(layer, out (string Parent, int Number, int Channels) key) ? _norms.GetValueOrDefault(key) : null;

        private static bool TryKey(FileLayer layer, out (string Parent, int Number, int Channels) key)
        {
            (string stem, int number) = NaturalOrder.Numbered(layer.Name);
            bool isNumbered = number >= 0 && stem.Length > 0;
            key = isNumbered ? (NaturalOrder.Parent(layer.Name), number, layer.Channels) : default;
            return isNumbered;
        }
    }
}

/// <summary>A convolution or dense layer of a network, with the normalization behind it.</summary>
/// <param name="Weight">The weight.</param>
/// <param name="Layout">Its layout in PyTorch.</param>
/// <param name="Bias">The bias, if it has one.</param>
/// <param name="Norm">The normalization's scale, shift, mean and variance; empty where there is none.</param>
internal sealed record GraphUnit(Value Weight, Formats.PyTorch.TorchLayout Layout, Value? Bias, Value[] Norm)
{
    public string Name => NaturalOrder.Parent(Weight.Name);

    /// <summary>Whether the tensors of a file's layer are of this one's sizes.</summary>
    public bool Fits(FileUnit unit)
    {
        if (!unit.Layer.Tensors.TryGetValue(FileLayer.Weight, out NamedTensor? weight) || !FitsWeight(weight.Shape)) return false;
        if (unit.Norm is not null && Norm.Length == 0) return false;
        if (Norm.Length > 0 && unit.Norm is null && !unit.Layer.Tensors.ContainsKey(FileLayer.Bias)) return false;
        return unit.Norm is null || unit.Norm.Channels == Norm[0].Shape.ElementCount;
    }

    /// <summary>
    /// Also a convolution over the whole map in place of a dense layer behind a flatten: [120,16,5,5] are the numbers of [120,400] in the same order.
    /// </summary>
    public bool FitsWeight(Shape torch) => Layout.Fits(torch)
        || (Layout.TorchShape.Rank == 2 && torch.Rank == 4 && torch[0] == Layout.TorchShape[0] && torch.ElementCount == Layout.TorchShape.ElementCount
            && Layout.Channels == torch[1] && Layout.Pixels == torch[2] * torch[3]);
}
