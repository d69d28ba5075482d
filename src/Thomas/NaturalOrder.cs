using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas;

/// <summary>
/// The order in which a network's layers were made, from their names alone: safetensors files are sorted by name. Numbers count as numbers, what is called
/// stem or init stands first and what is called head or classifier last, a convolution stands before the normalization of its number.
/// </summary>
internal sealed class NaturalOrder : IComparer<string>
{
    private static readonly string[] First = ["stem", "conv_stem", "init", "init_block", "first", "convnet", "input"];
    private static readonly string[] Last =
        ["head", "final", "final_block", "last", "classifier", "fc", "linear", "output", "logits", "dense", "out", "identity_conv", "downsample", "shortcut"];
    private static readonly string[] Containers = ["features", "blocks", "layers", "stages", "layer", "backbone", "body", "encoder", "bottlenecks"];

    // timm's names inside a block; with conv_pwl it is an inverted residual, without it a separable convolution.
    private static readonly string[] Inverted = ["conv_pw", "bn1", "conv_dw", "bn2", "se", "conv_pwl", "bn3"];
    private static readonly string[] Separable = ["conv_dw", "bn1", "se", "conv_pw", "bn2"];
    private static readonly string[] Plain = ["conv", "bn1"];
    private static readonly string[] Whole = ["conv_stem", "bn1", "blocks", "conv_head", "bn2", "classifier"];
    private static readonly string[] Excitation = ["conv_reduce", "conv_expand"];

    private readonly HashSet<string> _parents = new(StringComparer.Ordinal);
    private readonly bool _isTimm;

    public NaturalOrder(List<FileLayer> layers)
    {
        foreach (FileLayer layer in layers) _parents.Add(layer.Name);
        _isTimm = _parents.Contains("conv_stem") && _parents.Contains("blocks.0.0.conv_dw");
    }

    /// <summary>All of a name but its last part.</summary>
    public static string Parent(string name) => name.LastIndexOf('.') is int dot and >= 0 ? name[..dot] : "";

    /// <summary>The last part of a name without the number at its end, and the number; -1 where there is none.</summary>
    public static (string Stem, int Number) Numbered(string name) => Split(name.AsSpan(name.LastIndexOf('.') + 1));

    public int Compare(string? x, string? y)
    {
        string[] a = x!.Split('.'), b = y!.Split('.');
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            if (a[i] == b[i]) continue;
            if (_isTimm)
            {
                // Parts that timm's list does not have stand behind those that it has: a sort needs one order of all.
                string[] known = TimmOrder(string.Join('.', a[..i]));
                int at = Array.IndexOf(known, a[i]), other = Array.IndexOf(known, b[i]);
                if (at != other) return (uint)at < (uint)other ? -1 : 1;
            }

            (int Place, int Number, int Kind) first = Rank(a[i]), second = Rank(b[i]);
            return first != second ? first.CompareTo(second) : string.CompareOrdinal(a[i], b[i]);
        }

        return a.Length.CompareTo(b.Length);
    }

    private string[] TimmOrder(string parent)
    {
        if (parent.Length == 0) return Whole;
        if (parent.EndsWith(".se", StringComparison.Ordinal)) return Excitation;
        return _parents.Contains(parent + ".conv_pwl") ? Inverted : _parents.Contains(parent + ".conv_dw") ? Separable : Plain;
    }

    private static (int Place, int Number, int Kind) Rank(string part)
    {
        (string stem, int number) = Split(part);
        bool Is(string[] words) => Array.IndexOf(words, part) >= 0 || (stem.Length > 0 && Array.IndexOf(words, stem.TrimEnd('_')) >= 0);
        int place = Is(First) ? 0 : Is(Last) ? 2 : 1;
        bool isNorm = stem is "bn" or "norm" or "batchnorm" or "batch_norm" or "n";
        return (place, number < 0 ? int.MaxValue : number, Is(Containers) ? (number < 0 ? 0 : 3) : isNorm ? 2 : 1);
    }

    private static (string Stem, int Number) Split(ReadOnlySpan<char> part)
    {
        int digits = part.Length;
        while (digits > 0 && char.IsAsciiDigit(part[digits - 1])) digits--;
        return int.TryParse(part[digits..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? (part[..digits].ToString(), number)
            : (part.ToString(), -1);
    }
}
