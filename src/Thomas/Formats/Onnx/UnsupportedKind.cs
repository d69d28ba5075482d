using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Formats.Onnx;

/// <summary>One kind of what a file needs and Thomas lacks, with the nodes that need it.</summary>
/// <param name="reason">What it is.</param>
/// <param name="detail">Names and sizes at the first of the nodes.</param>
internal sealed class UnsupportedKind(string reason, string? detail)
{
    private const int Listed = 3;

    private readonly List<string> _first = [];
    private int _count;

    public string Reason { get; } = reason;

    public void Add(string node)
    {
        _count++;
        if (_first.Count < Listed) _first.Add($"'{node}'");
    }

    /// <summary>For example <c>Foo (53 nodes: 'a', 'b', 'c' and 50 more)</c>.</summary>
    public override string ToString()
    {
        string names = string.Join(", ", _first), tail = detail is null ? "" : _count == 1 ? $": {detail}" : $"; at the first {detail}";
        if (_count == 1) return $"{Reason} (node {names}{tail})";
        string more = _count > Listed ? string.Create(CultureInfo.InvariantCulture, $" and {_count - Listed} more") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Reason} ({_count} nodes: {names}{more}{tail})");
    }
}
