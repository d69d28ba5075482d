using System;
using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>What accuracies of a run do not say by themselves.</summary>
internal static class TuningWarnings
{
    private const int ListedClasses = 5;
    private const double NotableLoss = 0.03;

    /// <summary>What a user must be told of a tuning.</summary>
    public static IEnumerable<string> Of(TuningResult result)
    {
        if (result.KeptClasses > 0 && result.OldAfter is null)
        {
            yield return $"the {Count(result.KeptClasses, "old class", "old classes")} kept in the model were not checked: the data has only images of "
                + "the new ones, and the model carries no feature vectors of the old ones, which may be recognized far worse than before. Measure this with "
                + "'evaluate' on images of all classes.";
        }
        else if (result.OldAfter is ConfusionMatrix old && result.OldBefore!.MacroRecall - old.MacroRecall > NotableLoss)
        {
            yield return FormattableString.Invariant(
                $"the old classes are recognized worse than before: mean recall {old.MacroRecall:0.0%} instead of {result.OldBefore.MacroRecall:0.0%}, on ")
                + $"{result.OldMethod}. Give images of the old classes too, and they are trained together.";
        }

        List<string> unchecked_ = [];
        for (int c = result.OldAfter is null ? result.KeptClasses : 0; c < result.Labels.Count; c++)
        {
            if (result.After.Support(c) == 0 && (result.OldAfter?.Support(c) ?? 0) == 0) unchecked_.Add(result.Labels[c]);
        }

        if (unchecked_.Count > 0) yield return Unchecked(unchecked_);
        if (result.IsBelowBaseline)
        {
            yield return Below(result.After, result.Before, result.BeforeMethod)
                + " More images of each class usually help most; otherwise try a smaller --lr, more --epochs, or --update last.";
        }
        else if (result.AfterLastLayer is ConfusionMatrix last && result.After.Accuracy < last.Accuracy)
        {
            yield return Below(result.After, last, "the new last layer alone")
                + " The best epoch was chosen by mean recall; --balance none chooses it by accuracy.";
        }
    }

    /// <summary>What a user must be told of a training.</summary>
    public static IEnumerable<string> Of(TrainerResult result)
    {
        if (result.UncheckedClasses is { Count: > 0 } classes) yield return Unchecked(classes);
        if (result.IsBelowBaseline)
        {
            yield return Below(result.After!, result.Before!, "the model before training")
                + " Try a smaller --lr, more --epochs, or more images of each class.";
        }
    }

    /// <summary>What accuracies were measured on.</summary>
    public static string Checked(TuningResult result)
    {
        ConfusionMatrix after = result.After;
        int fresh = result.Labels.Count - result.KeptClasses, missing = 0;
        for (int c = result.KeptClasses; c < result.Labels.Count; c++) missing += after.Support(c) == 0 ? 1 : 0;
        string images = Count(after.Total, "validation image", "validation images");
        string without = missing > 0 ? $"; {missing} of them have none" : "";
        if (result.KeptClasses == 0) return $"{images} of {Count(fresh, "class", "classes")}{without}";
        List<string> parts = [];
        if (fresh > 0) parts.Add(Count(fresh, "new class", "new classes"));
        if (result.KnownClasses > 0) parts.Add(Count(result.KnownClasses, "known class", "known classes"));
        string old = result.OldAfter is null
            ? $"the {Count(result.KeptClasses, "old class", "old classes")} {(result.KeptClasses == 1 ? "was" : "were")} not checked"
            : $"old classes on {result.OldMethod}";
        return $"{images} of the {string.Join(" and ", parts)}{without}; {old}";
    }

    /// <summary>Classes that no image was set aside of.</summary>
    internal static string Unchecked(IReadOnlyList<string> classes)
    {
        List<string> listed = [];
        for (int i = 0; i < classes.Count && i < ListedClasses; i++) listed.Add($"'{classes[i]}'");
        string more = classes.Count > ListedClasses ? $" and {classes.Count - ListedClasses} more" : "";
        return $"no validation image of {string.Join(", ", listed)}{more}: how well {(classes.Count == 1 ? "it is" : "they are")} recognized is unknown";
    }

    /// <summary>A result that training did not improve on.</summary>
    internal static string Below(ConfusionMatrix after, ConfusionMatrix before, string method) =>
        FormattableString.Invariant(
            $"the result ({after.Accuracy:0.0%}) is below the baseline ({before.Accuracy:0.0%}, {method}) on the same {after.Total} images.");

    private static string Count(int count, string one, string many) => FormattableString.Invariant($"{count} {(count == 1 ? one : many)}");
}
