using System;
using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>What there is of a model's old classes to measure on, when others are added.</summary>
internal sealed class KeptClasses
{
    private readonly LinearHead _old;
    private readonly int _classes;
    private readonly List<(float[] Row, int Class)> _rows = [];

    private KeptClasses(LinearHead old, int classes, Rehearsal? rehearsal) => (_old, _classes, Rehearsal) = (old, classes, rehearsal);

    /// <summary>The vectors that the model carries and that fit it; null for none.</summary>
    public Rehearsal? Rehearsal { get; }

    /// <summary>The old layer on what there is; null where there is nothing.</summary>
    public ConfusionMatrix? Before => Evaluate(_old);

    /// <summary>What there is, in words; empty for nothing.</summary>
    public string Method { get; private init; } = "";

    /// <summary>Collects it.</summary>
    /// <param name="old">The old layer.</param>
    /// <param name="classes">Old and new classes.</param>
    /// <param name="rehearsal">Vectors that fit it; null for none.</param>
    /// <param name="validation">Features of the validation images.</param>
    public static KeptClasses Of(LinearHead old, int classes, Rehearsal? rehearsal, FeatureMatrix validation)
    {
        int stored = (rehearsal?.Vectors ?? 0) - (rehearsal?.TrainingVectors ?? 0), images = 0;
        foreach (int label in validation.Labels) images += label < old.Classes ? 1 : 0;
        List<string> parts = [];
        if (stored > 0) parts.Add($"{stored} feature vectors that the model carries of images set aside");
        if (images > 0) parts.Add($"{images} validation images of known classes");
        KeptClasses kept = new(old, classes, rehearsal) { Method = string.Join(" and ", parts) };
        for (int i = rehearsal?.TrainingVectors ?? 0; i < rehearsal?.Vectors; i++)
        {
            float[] row = new float[rehearsal.Features];
            rehearsal.Read(i, row);
            kept._rows.Add((row, rehearsal.Labels[i]));
        }

        for (int i = 0; i < validation.Samples; i++)
        {
            if (validation.Labels[i] < old.Classes) kept._rows.Add((validation.Row(i).ToArray(), validation.Labels[i]));
        }

        return kept;
    }

    /// <summary>Whether images of an old class are among those that are given.</summary>
    /// <param name="outputs">The class of each class of the data set.</param>
    public bool HasKnownClasses(int[] outputs) => Array.Exists(outputs, output => output < _old.Classes);

    /// <summary>A layer on what there is; null where there is nothing.</summary>
    public ConfusionMatrix? Evaluate(LinearHead head)
    {
        if (_rows.Count == 0) return null;
        ConfusionMatrix confusion = new(_classes);
        float[] logits = new float[head.Classes];
        foreach ((float[] row, int label) in _rows)
        {
            head.Logits(row, logits);
            confusion.Add(label, TopK.Best(logits));
        }

        return confusion;
    }

    /// <summary>The old layer on images of old and new classes; it is never right about a new one.</summary>
    public ConfusionMatrix EvaluateOld(FeatureMatrix validation)
    {
        ConfusionMatrix confusion = new(_classes);
        float[] logits = new float[_old.Classes];
        for (int i = 0; i < validation.Samples; i++)
        {
            _old.Logits(validation.Row(i), logits);
            confusion.Add(validation.Labels[i], TopK.Best(logits));
        }

        return confusion;
    }
}
