using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>Whether the parts of a data set have enough images, and of all classes.</summary>
internal static class PartChecks
{
    // Of fewer training images hardly anything can be learned, even of the last layer alone.
    private const int FewImages = 10;

    // A perfect result on fewer images leaves more than a tenth open (Wilson's interval); of one class, more than a quarter.
    private const int FewChecked = 35, FewCheckedOfClass = 12;

    private const int TimesAsMany = 10;

    public static void Add(Dataset usable, double validationShare, List<DatasetFinding> findings)
    {
        try
        {
            usable.CheckTrainable();
        }
        catch (DataException error)
        {
            findings.Add(new DatasetFinding(FindingKind.Untrainable, [], error.Message));
            return;
        }

        AddSizes(usable, findings);
        try
        {
            bool isSplit = usable.Has(Subset.Validation);
            AddChecked(isSplit ? usable : Split.Stratified(usable, validationShare, seed: 1), isSplit, findings);
        }
        catch (DataException error)
        {
            findings.Add(new DatasetFinding(FindingKind.Untrainable, [], error.Message));
        }
    }

    /// <summary>What a part is called in messages.</summary>
    public static string NameOf(Subset part) => part switch
    {
        Subset.Train => "training",
        Subset.Validation => "validation",
        Subset.Test => "test",
        Subset.Unassigned => "",
        _ => throw new UnreachableException($"Unknown {part}."),
    };

    private static void AddSizes(Dataset usable, List<DatasetFinding> findings)
    {
        int[] train = usable.CountByClass(Subset.Train), unassigned = usable.CountByClass(Subset.Unassigned);
        int least = 0, most = 0;
        for (int c = 0; c < train.Length; c++)
        {
            train[c] += unassigned[c];
            if (train[c] < train[least]) least = c;
            if (train[c] > train[most]) most = c;
            if (train[c] >= FewImages) continue;
            findings.Add(new DatasetFinding(
                FindingKind.FewImages, [], string.Create(
                    CultureInfo.InvariantCulture, $"'{usable.ClassNames[c]}' has {train[c]} training image{(train[c] == 1 ? "" : "s")}")));
        }

        if (train[most] < (long)TimesAsMany * train[least]) return;
        findings.Add(new DatasetFinding(
            FindingKind.Imbalance, [], string.Create(
                CultureInfo.InvariantCulture,
                $"'{usable.ClassNames[most]}' has {train[most]} training images, '{usable.ClassNames[least]}' {train[least]}: training weights the classes, "
                + $"but a class with few images is still learned worse"))
        {
            IsWarning = false,
        });
    }

    private static void AddChecked(Dataset divided, bool isSplit, List<DatasetFinding> findings)
    {
        int[] counts = divided.CountByClass(Subset.Validation);
        int total = 0, few = 0, least = -1;
        for (int c = 0; c < counts.Length; c++)
        {
            total += counts[c];
            if (counts[c] == 0 || counts[c] >= FewCheckedOfClass) continue;
            few++;
            if (least < 0 || counts[c] < counts[least]) least = c;
        }

        string where = isSplit ? "" : " will be set aside";
        if (total < FewChecked)
        {
            findings.Add(new DatasetFinding(FindingKind.FewValidationImages, [], string.Create(
                CultureInfo.InvariantCulture,
                $"{total} validation image{(total == 1 ? "" : "s")}{where}: {total} of {total} correct would mean an accuracy of {Open(total)} (95 % "
                + $"interval)")));
        }
        else if (few > 0)
        {
            string classes = few == 1 ? "1 class has" : string.Create(CultureInfo.InvariantCulture, $"{few} classes have");
            findings.Add(new DatasetFinding(FindingKind.FewValidationImages, [], string.Create(
                CultureInfo.InvariantCulture,
                $"{classes} fewer than {FewCheckedOfClass} validation images{where}; '{divided.ClassNames[least]}' has {counts[least]}: {counts[least]} of "
                + $"{counts[least]} correct would mean a recall of {Open(counts[least])}"))
            {
                IsWarning = false,
            });
        }
    }

    private static string Open(int images)
    {
        ShareInterval interval = ShareInterval.Wilson(images, images);
        return string.Create(CultureInfo.InvariantCulture, $"{interval.Low * 100:0} to {interval.High * 100:0} %");
    }
}
