using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas;

/// <summary>Checks of a model's contents that its file format does not make.</summary>
internal static class ModelChecks
{
    private const int Listed = 5;

    private static readonly ConditionalWeakTable<Model, IReadOnlyList<string>> Checked = [];

    /// <summary>Names the constants that hold NaN or infinite numbers: what is left of a training that diverged, or a damaged file.</summary>
    /// <param name="model">The model.</param>
    /// <returns>Their names, in graph order; empty for a sound model.</returns>
    public static IReadOnlyList<string> NonFiniteConstants(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        List<string> names = [];
        foreach (Value value in model.Graph.Values)
        {
            if (value.Constant is TensorData data && !AllFinite(data)) names.Add(value.Name);
        }

        return names;
    }

    /// <exception cref="ModelFormatException">A constant is not finite; the message names it.</exception>
    internal static void RequireFinite(Model model)
    {
        // Weights are many bytes to read, and a model never changes.
        IReadOnlyList<string> names = Checked.GetValue(model, NonFiniteConstants);
        if (names.Count == 0) return;
        List<string> quoted = [];
        for (int i = 0; i < names.Count && i < Listed; i++) quoted.Add($"'{names[i]}'");
        string more = names.Count > Listed ? $" and {names.Count - Listed} more" : "";
        throw new ModelFormatException(
            model.Info.Name,
            $"{(names.Count == 1 ? "tensor" : "tensors")} {string.Join(", ", quoted)}{more}",
            "found values that are not finite (NaN or infinity); the weights are damaged, so download or export the file again");
    }

    private static bool AllFinite(TensorData data) => data.Type.DType switch
    {
        // A grid's scales are finite, and steps are few.
        DType.F32 => data.Steps is not null || AllFinite(data.Floats),
        DType.F16 or DType.BF16 => Elements.HalvesAreFinite(data.Type.DType, data.Bytes.Span),
        _ => true,
    };

    // x * 0 is 0 for every finite x and NaN for all others, which the sum then keeps.
    private static bool AllFinite(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors) sum += vector * Vector<float>.Zero;
        float rest = Vector.Sum(sum);
        for (int i = vectors.Length * Vector<float>.Count; i < values.Length; i++) rest += values[i] * 0;
        return !float.IsNaN(rest);
    }
}
