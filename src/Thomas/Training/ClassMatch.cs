using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>A model whose outputs include all classes of a data set.</summary>
/// <param name="Model">The model as given, or with a last layer that was replaced or extended.</param>
/// <param name="Map">The output of each of the data set's classes.</param>
/// <param name="IsKnown">Whether the model was given with these classes, so that its weights are worth comparing with.</param>
internal sealed record ClassMatch(Model Model, int[] Map, bool IsKnown)
{
    /// <summary>
    /// Uses the model's outputs where their labels are the data set's classes (or where it has no labels and as many outputs). Else the last layer is replaced
    /// or, where classes are kept, extended; new rows are zeros, so that they do not disturb the layers before them at first (Kolesnikov et al. 2020).
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="names">The data set's classes.</param>
    /// <param name="keep">Whether other classes of the model stay.</param>
    /// <param name="preprocessing">Goes into the new model.</param>
    /// <param name="notes">Told what was decided.</param>
    /// <exception cref="ThomasException">A new last layer is needed and cannot be made.</exception>
    public static ClassMatch Of(Model model, IReadOnlyList<string> names, bool keep, Preprocessing preprocessing, List<string> notes)
    {
        ClassOutput output = ClassOutput.Of(model);
        if (AsSoftmax(model, output, preprocessing, notes) is not Model usable)
        {
            return keep ? throw CannotKeep(model, HeadSplit.Find(model)) : NewHead(model, names, preprocessing, notes);
        }

        model = usable;
        int[] map = new int[names.Count];
        if (model.Info.Labels is null)
        {
            if (output.Classes != names.Count) return NewHead(model, names, preprocessing, notes);
            notes.Add("the model has no labels: its outputs are assumed to be in the order of the data set's classes");
            for (int i = 0; i < map.Length; i++) map[i] = i;
            return new ClassMatch(Relabel(model, [.. names], preprocessing), map, IsKnown: true);
        }

        List<string> labels = [.. output.Labels];
        map = ClassNames.Match(model.Info.Name, labels, names, notes);
        List<string> missing = [];
        for (int i = 0; i < map.Length; i++)
        {
            if (map[i] >= 0) continue;
            map[i] = labels.Count + missing.Count;
            missing.Add(names[i]);
        }

        if (missing.Count == 0 && (keep || labels.Count == names.Count)) return new ClassMatch(Relabel(model, labels, preprocessing), map, IsKnown: true);
        return keep ? Extended(model, labels, missing, map, preprocessing, notes) : NewHead(model, names, preprocessing, notes);
    }

    /// <summary>
    /// The model with one output for each class, whose softmax gives the probabilities: itself, or with two rows in place of a single output's, which changes
    /// no probability. Null where there is no such model, as for independent probabilities.
    /// </summary>
    private static Model? AsSoftmax(Model model, ClassOutput output, Preprocessing preprocessing, List<string> notes)
    {
        if (output.IsIndependent) return null;
        if (!output.IsBinary && output.Kind != ScoreKind.Bounded) return model;
        HeadSplit split = HeadSplit.Find(model);
        if (split.Head is null) return null;
        if (output.IsBinary) notes.Add("the model's single output becomes two, with the same probabilities");
        Model two = split.WithHead(split.Head, output.Labels, preprocessing);
        return model.Info.Labels is null ? new Model(two.Graph, two.Info with { Labels = null }) : two;
    }

    private static Model Relabel(Model model, List<string> labels, Preprocessing preprocessing) =>
        new(model.Graph, model.Info with { Labels = labels, Preprocessing = preprocessing, PreprocessingSource = "" });

    private static ClassMatch NewHead(Model model, IReadOnlyList<string> names, Preprocessing preprocessing, List<string> notes)
    {
        HeadSplit split = HeadSplit.Find(model);
        int[] map = new int[names.Count];
        for (int i = 0; i < map.Length; i++) map[i] = i;
        notes.Add($"new last layer for {names.Count} classes replaces the {split.Description}");
        LinearHead head = new(new float[names.Count * split.FeatureCount], new float[names.Count]);
        return new ClassMatch(split.WithHead(head, [.. names], preprocessing), map, IsKnown: false);
    }

    private static ThomasException CannotKeep(Model model, HeadSplit split) => new(
        $"{model.Info.Name}: the old classes cannot be kept, because their probabilities are not the softmax of a linear layer on the features "
        + $"({split.Description}); train without keeping them.");

    private static ClassMatch Extended(Model model, List<string> labels, List<string> missing, int[] map, Preprocessing preprocessing, List<string> notes)
    {
        HeadSplit split = HeadSplit.Find(model);
        LinearHead old = split.Head ?? throw CannotKeep(model, split);
        notes.Add($"{missing.Count} new classes appended to the model's own {old.Classes}");
        float[] weights = new float[(old.Classes + missing.Count) * old.Features], bias = new float[old.Classes + missing.Count];
        old.Weights.CopyTo(weights);
        old.Bias.CopyTo(bias);
        labels.AddRange(missing);
        return new ClassMatch(split.WithHead(new LinearHead(weights, bias), labels, preprocessing), map, IsKnown: false);
    }
}
