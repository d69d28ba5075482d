using System;
using System.Collections.Generic;

namespace Thomas;

/// <summary>The tensors of a file, or those of them whose names share a prefix, without it: a network inside another one.</summary>
internal sealed class WeightView
{
    /// <summary>A part is looked at by itself if it has at least this share of the tensors: two networks of one size share a file.</summary>
    private const int SharesOfFile = 3;
    private const int PrefixParts = 3;

    private static readonly string[] Averages = ["ema", "ema_model", "model_ema", "teacher", "averaged", "swa"];

    private WeightView(WeightFile file, string prefix, int leftOut)
    {
        File = file;
        Prefix = prefix;
        Layers = FileLayer.Of(file.Tensors);
        if (file.Format == WeightFormat.Safetensors)
        {
            NaturalOrder order = new(Layers);
            List<FileLayer> sorted = [.. Layers];
            sorted.Sort((a, b) => order.Compare(a.Name, b.Name));
            Layers = sorted;
        }

        Units = FileUnit.Of(Layers, out string problem);
        Problem = problem;
        if (prefix.Length == 0) return;
        string rest = leftOut > 0 ? $"; without it and left out: {leftOut} of the tensors" : "";
        Notes.Add($"the prefix '{prefix}' was removed from names{rest}");
    }

    public WeightFile File { get; }

    public string Prefix { get; }

    /// <summary>The layers in the order in which they were made.</summary>
    public List<FileLayer> Layers { get; }

    /// <summary>The convolutions and dense layers with their normalizations.</summary>
    public List<FileUnit> Units { get; }

    /// <summary>Which normalization belongs to no layer; empty if each does.</summary>
    public string Problem { get; }

    public List<string> Notes { get; } = [];

    /// <summary>The whole file, then its parts, larger ones first.</summary>
    public static List<WeightView> Of(WeightFile file)
    {
        List<WeightView> views = [new(file, "", 0)];
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        int total = 0;
        foreach (NamedTensor tensor in file.Tensors)
        {
            if (!FileLayer.IsWeight(tensor)) continue;
            total++;
            int dot = -1;
            for (int part = 0; part < PrefixParts && (dot = tensor.Name.IndexOf('.', dot + 1)) >= 0; part++)
            {
                string prefix = tensor.Name[..(dot + 1)];
                counts[prefix] = counts.GetValueOrDefault(prefix) + 1;
            }
        }

        List<string> prefixes = [];
        foreach ((string prefix, int count) in counts)
        {
            if (count * SharesOfFile >= total) prefixes.Add(prefix);
        }

        prefixes.Sort((a, b) => counts[a] != counts[b] ? counts[b].CompareTo(counts[a]) : b.Length.CompareTo(a.Length));
        foreach (string prefix in prefixes)
        {
            List<NamedTensor> inside = [];
            foreach (NamedTensor tensor in file.Tensors)
            {
                if (tensor.Name.StartsWith(prefix, StringComparison.Ordinal)) inside.Add(tensor with { Name = tensor.Name[prefix.Length..] });
            }

            views.Add(new WeightView(new WeightFile(file.Name, file.Format, inside, file.Notes), prefix, total - counts[prefix]));
        }

        return views;
    }

    /// <summary>The one to take of several that fit: the whole file, an average, or the only part.</summary>
    /// <exception cref="WeightMismatchException">Two parts of the file are such networks.</exception>
    public static (WeightMatch Match, WeightView View) Choose(List<(WeightMatch Match, WeightView View)> found, string file)
    {
        (WeightMatch Match, WeightView View) first = found[0];
        foreach ((WeightMatch Match, WeightView View) other in found)
        {
            // A part of a part, as in model.backbone., is the same network.
            if (IsWithin(other.View.Prefix, first.View.Prefix) || IsWithin(first.View.Prefix, other.View.Prefix)) continue;
            if (IsAverage(other.View.Prefix) == IsAverage(first.View.Prefix))
            {
                throw new WeightMismatchException(
                    file, [$"the file holds two such networks, under '{first.View.Prefix}' and '{other.View.Prefix}'; save the weights of one of them"]);
            }

            return IsAverage(first.View.Prefix) ? first : other;
        }

        return first;
    }

    private static bool IsWithin(string prefix, string outer) => prefix.StartsWith(outer, StringComparison.Ordinal);

    private static bool IsAverage(string prefix) => Array.Exists(prefix.Split('.'), static part => Array.IndexOf(Averages, part) >= 0);
}
