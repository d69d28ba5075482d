using System;
using System.Collections.Generic;

namespace Thomas.Formats.TfLite;

/// <summary>An operator of the file, or this use of it, cannot be expressed; the importer collects these and goes on, to name all of them at once.</summary>
internal sealed class UnsupportedOperandException(string operatorName, string? reason) : Exception($"{operatorName}: {reason}")
{
    /// <summary>What about it is not supported; null where the operator is not known at all.</summary>
    public string? Reason { get; } = reason;
}

/// <summary>Everything that a file needs and Thomas lacks; each kind once, with how often and where first.</summary>
internal sealed class UnsupportedList
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, (int Count, string? First)> _uses = new(StringComparer.Ordinal);

    public void Add(string operatorName, string? reason, string? first)
    {
        string key = reason is null ? operatorName : $"{operatorName} with {reason}";
        if (_uses.TryGetValue(key, out (int Count, string? First) use))
        {
            _uses[key] = (use.Count + 1, use.First);
            return;
        }

        _order.Add(key);
        _uses.Add(key, (1, first));
    }

    public void ThrowIfAny(string file)
    {
        if (_order.Count > 0) throw new UnsupportedModelException(file, ToLines());
    }

    public IReadOnlyList<string> ToLines()
    {
        string[] lines = new string[_order.Count];
        for (int i = 0; i < lines.Length; i++)
        {
            (int count, string? first) = _uses[_order[i]];
            lines[i] = first is null ? _order[i] : count == 1 ? $"{_order[i]} (at {first})" : $"{_order[i]} ({count} times, first at {first})";
        }

        return lines;
    }
}
