using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas;

/// <summary>The tensors of a file under the names of a network, once it is known which is which.</summary>
internal sealed class AlignedWeights
{
    private readonly List<NamedTensor> _tensors = [];
    private readonly List<string> _renamed = [], _notes = [];
    private int _biasesMoved, _biasesAdded;

    private AlignedWeights()
    {
    }

    /// <summary>Renames tensors, and moves what the network has elsewhere: a bias before a normalization goes into its mean.</summary>
    public static WeightFile Of(WeightFile file, LayerAlignment alignment)
    {
        AlignedWeights aligned = new();
        foreach ((GraphUnit network, FileUnit? unit) in alignment.Pairs)
        {
            if (unit is not null) aligned.Add(network, unit);
        }

        return new WeightFile(file.Name, file.Format, aligned._tensors, aligned.Notes(file, alignment));
    }

    private List<string> Notes(WeightFile file, LayerAlignment alignment)
    {
        List<string> notes = [.. file.Notes];
        if (_renamed.Count > 0)
        {
            string more = _renamed.Count > 2 ? $" ... {_renamed[^1]}" : "";
            notes.Add(
                $"{_renamed.Count} layers have other names in the file and were matched by order and size: "
                + $"{string.Join(", ", _renamed.GetRange(0, Math.Min(2, _renamed.Count)))}{more}");
        }

        if (_biasesMoved > 0) notes.Add($"{_biasesMoved} biases before batch normalizations were moved into their means");
        if (_biasesAdded > 0) notes.Add($"{_biasesAdded} layers have no bias in the file; it is zero");
        if (alignment.LeftOut.Count > 0)
        {
            List<string> names = [];
            foreach (FileUnit unit in alignment.LeftOut) names.Add($"'{unit.Name}'");
            notes.Add($"left out, because the last layer is another one: {string.Join(", ", names)}");
        }

        return notes;
    }

    private void Add(GraphUnit network, FileUnit unit)
    {
        if (unit.Name != network.Name) _renamed.Add($"'{unit.Name}' is {network.Name}");
        NamedTensor weight = unit.Layer.Tensors[FileLayer.Weight];
        unit.Layer.Tensors.TryGetValue(FileLayer.Bias, out NamedTensor? bias);
        TensorData data = network.Layout.Fits(weight.Shape) ? weight.Data : weight.Data.Reshaped(network.Layout.TorchShape);
        _tensors.Add(weight with { Name = network.Weight.Name, Data = data });
        int channels = weight.Shape[0];
        if (network.Bias is not null)
        {
            if (bias is null) _biasesAdded++;
            _tensors.Add(bias is null ? Filled(network.Bias.Name, channels, 0) : bias with { Name = network.Bias.Name });
        }
        else if (bias is not null && unit.Norm is null)
        {
            // The normalization is folded: the loader makes one of the bias.
            _tensors.Add(bias with { Name = $"{network.Name}.{FileLayer.Bias}" });
        }

        if (unit.Norm is not null) AddNorm(network, unit.Norm, network.Bias is null ? bias : null);
        AddUnknown(unit.Layer, [FileLayer.Weight, FileLayer.Bias]);
        if (unit.Norm is not null) AddUnknown(unit.Norm, [FileLayer.Weight, FileLayer.Bias, FileLayer.Mean, FileLayer.Variance]);
    }

    private void AddNorm(GraphUnit network, FileLayer norm, NamedTensor? bias)
    {
        string[] parts = [FileLayer.Weight, FileLayer.Bias, FileLayer.Mean, FileLayer.Variance];
        for (int i = 0; i < parts.Length; i++)
        {
            string name = network.Norm[i].Name;
            if (norm.Tensors.TryGetValue(parts[i], out NamedTensor? tensor))
            {
                if (i == 2 && bias is not null && bias.Shape == tensor.Shape)
                {
                    // (x + b - mean) is (x - (mean - b)).
                    float[] mean = tensor.Data.ToFloats(), added = bias.Data.ToFloats();
                    for (int c = 0; c < mean.Length; c++) mean[c] -= added[c];
                    tensor = tensor with { Data = TensorData.FromFloats(tensor.Shape, mean) };
                    _biasesMoved++;
                }

                _tensors.Add(tensor with { Name = name });
            }
            else if (i < 2 && norm.Tensors.TryGetValue(FileLayer.Mean, out NamedTensor? statistic))
            {
                // affine=False: neither scale nor shift.
                _tensors.Add(Filled(name, statistic.Shape.ElementCount, i == 0 ? 1 : 0));
            }
        }
    }

    /// <summary>What a layer of the network has no place for stays, so that it is told.</summary>
    private void AddUnknown(FileLayer layer, string[] known)
    {
        foreach ((string part, NamedTensor tensor) in layer.Tensors)
        {
            if (Array.IndexOf(known, part) < 0) _tensors.Add(tensor);
        }
    }

    private static NamedTensor Filled(string name, int count, float value)
    {
        float[] values = new float[count];
        Array.Fill(values, value);
        return new NamedTensor(name, "F32", TensorData.FromFloats(new Shape(count), values));
    }
}
