using System;
using System.Collections.Generic;
using System.IO.Hashing;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>Groups of images that are the same, by their bytes. Nothing is decoded, and files are read only where others are as long.</summary>
internal static class SameImages
{
    // Empty files are no images, so they are not the same image either.
    private static readonly UInt128 OfNothing = XxHash128.HashToUInt128([]);

    /// <summary>The groups of two images or more, in the order of their first images; images that cannot be read are in none.</summary>
    public static List<List<int>> ByBytes(IReadOnlyList<Sample> samples, CancellationToken cancellation)
    {
        bool isKnown = true;
        for (int i = 0; i < samples.Count && isKnown; i++) isKnown = samples[i].Image.LastHash is not null;
        List<List<int>> groups = [];
        List<List<int>> candidates = isKnown ? [All(samples.Count)] : Group(All(samples.Count), i => Length(samples[i].Image, cancellation));
        foreach (List<int> same in candidates) groups.AddRange(Group(same, i => Hash(samples[i].Image, cancellation)));

        groups.Sort(static (a, b) => a[0].CompareTo(b[0]));
        return groups;
    }

    /// <summary>Those of the numbers that have a key in common with others; a key that is null is like no other.</summary>
    public static List<List<int>> Group<TKey>(IReadOnlyList<int> numbers, Func<int, TKey?> keyOf)
        where TKey : struct
    {
        Dictionary<TKey, int> first = [];
        Dictionary<TKey, List<int>> several = [];
        List<List<int>> groups = [];
        foreach (int i in numbers)
        {
            if (keyOf(i) is not TKey key || first.TryAdd(key, i)) continue;
            if (!several.TryGetValue(key, out List<int>? group))
            {
                several.Add(key, group = [first[key]]);
                groups.Add(group);
            }

            group.Add(i);
        }

        return groups;
    }

    private static List<int> All(int count)
    {
        List<int> numbers = new(count);
        for (int i = 0; i < count; i++) numbers.Add(i);
        return numbers;
    }

    private static long? Length(ImageSource image, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            return image.Length();
        }
        catch (DataException)
        {
            return null;
        }
    }

    private static UInt128? Hash(ImageSource image, CancellationToken cancellation)
    {
        // Images of one size may all be as long as each other, so this is asked before each of them is read.
        cancellation.ThrowIfCancellationRequested();
        try
        {
            UInt128 hash = image.LastHash ?? image.Hash();
            return hash == OfNothing ? null : hash;
        }
        catch (DataException)
        {
            return null;
        }
    }
}
