using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Data;

/// <summary>Counts files that are passed over because their names do not end like those of images.</summary>
internal sealed class PassedOver
{
    private const int Named = 8;

    private readonly SortedDictionary<string, int> _counts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Counts a file.</summary>
    public void Add(string path)
    {
        string ending = Path.GetExtension(path);
        _counts[ending] = _counts.GetValueOrDefault(ending) + 1;
    }

    /// <summary>All of them in one sentence, the most frequent endings first; null if there are none.</summary>
    public string? Describe()
    {
        if (_counts.Count == 0) return null;
        List<KeyValuePair<string, int>> counts = [.. _counts];

        // The sort must keep the order of names where counts are equal.
        counts.Sort(static (a, b) => a.Value != b.Value ? b.Value.CompareTo(a.Value) : string.Compare(a.Key, b.Key, StringComparison.OrdinalIgnoreCase));
        int files = 0;
        List<string> endings = [];
        foreach ((string ending, int count) in counts)
        {
            files += count;
            if (endings.Count < Named)
            {
                endings.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {(ending.Length == 0 ? "without an extension" : ending)}"));
            }
        }

        string more = counts.Count > Named ? $" and {counts.Count - Named} other extensions" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{files} {(files == 1 ? "file was" : "files were")} skipped by extension: {string.Join(", ", endings)}{more}; JPEG, PNG, WebP, GIF, BMP "
            + $"and TIFF images are read");
    }
}
