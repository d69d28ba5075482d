using System.Collections.Generic;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>Classes that vanish from a part of a data set because none of their images can be read.</summary>
internal static class LostClasses
{
    /// <summary>A sentence for each of them.</summary>
    /// <param name="part">The images as listed.</param>
    /// <param name="usable">Those that could be read.</param>
    /// <param name="what">What they are called, for example "validation image".</param>
    public static IEnumerable<string> Of(Dataset part, Dataset usable, string what)
    {
        int[] before = part.CountByClass(), after = usable.CountByClass();
        for (int c = 0; c < before.Length; c++)
        {
            if (before[c] > 0 && after[c] == 0) yield return $"no {what} of '{part.ClassNames[c]}' can be used: its recall is unknown";
        }
    }
}
