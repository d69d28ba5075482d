using System;
using System.Globalization;

namespace Thomas.Graphs;

/// <summary>An immutable list of integers (axes, permutations, pads) that compares by value, for use in attributes.</summary>
internal readonly struct IntList : IEquatable<IntList>
{
    private readonly int[]? _items;

    /// <summary>Copies the items.</summary>
    public IntList(params ReadOnlySpan<int> items) => _items = items.ToArray();

    /// <summary>The items.</summary>
    public ReadOnlySpan<int> Items => _items;

    /// <summary>Number of items.</summary>
    public int Count => _items?.Length ?? 0;

    /// <summary>One item.</summary>
    public int this[int index] => _items![index];

    /// <inheritdoc/>
    public bool Equals(IntList other) => Items.SequenceEqual(other.Items);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IntList other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int item in Items) hash.Add(item);
        return hash.ToHashCode();
    }

    /// <summary>Item-wise equality.</summary>
    public static bool operator ==(IntList left, IntList right) => left.Equals(right);

    /// <summary>Item-wise inequality.</summary>
    public static bool operator !=(IntList left, IntList right) => !left.Equals(right);

    /// <summary>For example <c>(0,3,1,2)</c>.</summary>
    public override string ToString()
    {
        string text = "(";
        for (int i = 0; i < Count; i++) text += (i == 0 ? "" : ",") + _items![i].ToString(CultureInfo.InvariantCulture);
        return text + ")";
    }
}
