using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas;

/// <summary>
/// The names of classes that have none: their numbers, made when they are asked for. A file of a few hundred bytes can have an output of a hundred million
/// numbers.
/// </summary>
internal sealed class NumberedLabels(int count) : IReadOnlyList<string>
{
    public int Count => count;

    public string this[int index] => (uint)index < (uint)count
        ? index.ToString(CultureInfo.InvariantCulture)
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {count} classes.");

    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
