using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;


namespace Thomas.Data;

/// <summary>Ways to set images aside for validation.</summary>
public static class Split
{
    /// <summary>
    /// Splits every class in the same proportion: of its n images, n * <paramref name="validationShare"/> rounded, but at least 1 and at most n - 1, become
    /// <see cref="Subset.Validation"/>, the others <see cref="Subset.Train"/>. Images that are <see cref="Subset.Test"/> stay that.
    /// </summary>
    /// <param name="dataset">A data set without validation images.</param>
    /// <param name="validationShare">Share to set aside, above 0 and below 1.</param>
    /// <param name="seed">Which images of a class are taken depends on this and on the class' own images only, not on the other classes.</param>
    /// <returns>The data set with every image assigned, in the same order.</returns>
    /// <exception cref="DataException">A class has a single image, or the data set has validation images already.</exception>
    public static Dataset Stratified(Dataset dataset, double validationShare, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(dataset);
        if (!(validationShare is > 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(validationShare),
                string.Create(CultureInfo.InvariantCulture, $"The validation share is {validationShare}; it must be above 0 and below 1."));
        }

        if (dataset.Has(Subset.Validation))
        {
            throw new DataException($"{dataset.Name} already has validation images; it is not split again.");
        }

        List<int>[] byClass = new List<int>[dataset.ClassNames.Count];
        for (int c = 0; c < byClass.Length; c++)
        {
            byClass[c] = [];
        }

        for (int i = 0; i < dataset.Samples.Count; i++)
        {
            if (dataset.Samples[i].Subset != Subset.Test)
            {
                byClass[dataset.Samples[i].ClassIndex].Add(i);
            }
        }

        CheckImages(dataset, byClass);
        Sample[] samples = [.. dataset.Samples];
        foreach (List<int> indexes in byClass)
        {
            // The same stream for each class: adding a class must not reshuffle the others.
            Span<int> order = CollectionsMarshal.AsSpan(indexes);
            new Rng(seed).Shuffle(order);
            int validation = Math.Clamp((int)Math.Round(order.Length * validationShare), 1, Math.Max(1, order.Length - 1));
            for (int i = 0; i < order.Length; i++)
            {
                samples[order[i]] = samples[order[i]] with { Subset = i < validation ? Subset.Validation : Subset.Train };
            }
        }

        return new Dataset(dataset.Name, dataset.ClassNames, samples);
    }

    private static void CheckImages(Dataset dataset, List<int>[] byClass)
    {
        List<string> single = [];
        for (int c = 0; c < byClass.Length; c++)
        {
            if (byClass[c].Count == 1)
            {
                single.Add(dataset.ClassNames[c]);
            }
        }

        if (single.Count > 0)
        {
            throw new DataException(
                $"{dataset.Name}: only one image of {Dataset.Quote(single)}; each class needs at least one for training and one for validation. " +
                "Add images, or remove the class.");
        }
    }
}
