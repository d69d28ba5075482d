using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What may be wrong with single images that can be read.</summary>
internal static class ImageChecks
{
    // Without a model: this small, or this much smaller than half of the others.
    private const int TinySide = 32, TimesSmaller = 4;

    /// <summary>Images with a shorter side than this lack the detail that the model was made for.</summary>
    public static int SmallestFor(Preprocessing wanted) => Math.Min(wanted.Width, wanted.Height) / 2;

    public static void Add(Dataset usable, IReadOnlyList<ImageLook> looks, Preprocessing? wanted, List<DatasetFinding> findings)
    {
        int smallest = wanted is null ? Math.Min(TinySide, MedianSide(looks) / TimesSmaller) : SmallestFor(wanted);
        int gray = 0;
        foreach (ImageLook look in looks) gray += look.IsGray && !look.IsOneColor ? 1 : 0;
        bool isGrayRare = gray * 2 < looks.Count;
        for (int i = 0; i < looks.Count; i++)
        {
            Sample[] image = [usable.Samples[i]];
            if (looks[i].IsOneColor)
            {
                findings.Add(new DatasetFinding(FindingKind.OneColor, image, "has one color only"));
            }
            else if (looks[i].IsGray && isGrayRare)
            {
                findings.Add(new DatasetFinding(FindingKind.GrayImage, image, "gray; most others have colors") { IsWarning = false });
            }

            if (looks[i].ShortSide >= smallest) continue;
            string side = string.Create(CultureInfo.InvariantCulture, $"the shorter side has {looks[i].ShortSide} pixel{(looks[i].ShortSide == 1 ? "" : "s")}");
            string than = wanted is null
                ? "far fewer than those of the other images"
                : string.Create(CultureInfo.InvariantCulture, $"the model takes {wanted.Width}x{wanted.Height}");
            findings.Add(new DatasetFinding(FindingKind.SmallImage, image, $"{side}, {than}") { IsWarning = false });
        }
    }

    private static int MedianSide(IReadOnlyList<ImageLook> looks)
    {
        if (looks.Count == 0) return 0;
        List<int> sides = [];
        foreach (ImageLook look in looks) sides.Add(look.ShortSide);
        sides.Sort();
        return sides[sides.Count / 2];
    }
}
