using System;
using System.Collections.Generic;
using Thomas.Formats.PyTorch;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas;

/// <summary>
/// Finds which layer of a file is which of a network where the names differ. State dicts list layers in the order in which the network's code makes them,
/// which is nearly always that in which they run: the sizes must agree layer by layer. Layers of one block may stand in another order (a shortcut before the
/// convolutions that it spans) if their sizes tell them apart or their numbers do; where neither does, nothing is assigned.
/// </summary>
internal sealed class LayerAlignment
{
    /// <summary>What a head of the user's own may have: two hidden layers.</summary>
    private const int MostHeadLayers = 3;

    private readonly List<GraphUnit> _network;
    private readonly List<FileUnit> _file;

    private LayerAlignment(List<GraphUnit> network, List<FileUnit> file)
    {
        _network = network;
        _file = file;
    }

    /// <summary>The file's layer for each of the network's, in its order; the last is null where the head does not fit.</summary>
    public List<(GraphUnit Network, FileUnit? File)> Pairs { get; } = [];

    /// <summary>Layers of the file's head that the network has no place for.</summary>
    public List<FileUnit> LeftOut { get; } = [];

    /// <summary>Why there is no assignment.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Aligns layers.</summary>
    /// <param name="network">Those of the network, in its order.</param>
    /// <param name="layers">Those of the file, in the order in which they were made.</param>
    /// <param name="allowHeadMismatch">Whether the last layer may differ, be missing or be several.</param>
    /// <returns>Without pairs where there is no certain assignment.</returns>
    public static LayerAlignment Find(List<GraphUnit> network, List<FileLayer> layers, bool allowHeadMismatch)
    {
        List<FileUnit> units = FileUnit.Of(layers, out string problem);
        return Find(network, units, problem, allowHeadMismatch);
    }

    /// <summary>As above, with the file's layers paired already; <paramref name="problem"/> says why they could not be.</summary>
    public static LayerAlignment Find(List<GraphUnit> network, List<FileUnit> units, string problem, bool allowHeadMismatch)
    {
        LayerAlignment alignment = new(network, units) { Problem = problem };
        if (problem.Length > 0) return alignment;
        if (units.Count == network.Count && alignment.TryOrder(network.Count)) return alignment;
        int body = network.Count - 1, rest = units.Count - body;
        if (allowHeadMismatch && body > 0 && rest is >= 0 and <= MostHeadLayers && alignment.TryOrder(body))
        {
            alignment.Pairs.Add((network[^1], null));
            alignment.LeftOut.AddRange(units[body..]);
        }

        return alignment;
    }

    /// <summary>The layers of a network in the order in which they run.</summary>
    public static List<GraphUnit> UnitsOf(Graph graph)
    {
        List<GraphUnit> units = [];
        foreach (Node node in graph.Nodes)
        {
            if (!LinearNode.TryGet(node, out LinearNode linear) || !linear.Weights.IsConstant) continue;
            Value[] norm = [];
            if (node.Output.Consumers.Count == 1 && node.Output.Consumers[0] is { Op: BatchNorm } next && next.Inputs[0] == node.Output)
            {
                norm = [next.Inputs[1], next.Inputs[2], next.Inputs[3], next.Inputs[4]];
            }

            units.Add(new GraphUnit(linear.Weights, TorchLayout.Of(node, linear.Weights), linear.Bias, norm));
        }

        return units;
    }

    /// <summary>How many layers of a network have one of their sizes in the file, in the same order: the longest such sequence.</summary>
    public static int CountInOrder(List<GraphUnit> network, List<FileUnit> file)
    {
        int[] before = new int[file.Count + 1];
        foreach (GraphUnit unit in network)
        {
            int diagonal = 0;
            for (int i = 0; i < file.Count; i++)
            {
                int longest = unit.Fits(file[i]) ? diagonal + 1 : Math.Max(before[i + 1], before[i]);
                diagonal = before[i + 1];
                before[i + 1] = longest;
            }
        }

        return before[^1];
    }

    private bool TryOrder(int count)
    {
        int[] order = new int[count];
        bool[] taken = new bool[count];
        for (int i = 0; i < count; i++)
        {
            int found = _network[i].Fits(_file[i]) && !taken[i] ? i : Array.IndexOf(taken, false, 0, count);
            while (found >= 0 && found < count && (taken[found] || !_network[i].Fits(_file[found]))) found++;
            if (found < 0 || found >= count) return false;
            taken[found] = true;
            order[i] = found;
        }

        if (!IsCertain(order)) return false;
        for (int i = 0; i < count; i++) Pairs.Add((_network[i], _file[order[i]]));
        return true;
    }

    private bool IsCertain(int[] order)
    {
        for (int start = 0, end = 0, furthest = -1; end < order.Length; end++)
        {
            furthest = Math.Max(furthest, order[end]);
            if (furthest != end) continue;
            if (end > start && !IsOneBlock(order.AsSpan()[start..(end + 1)])) return false;
            start = end + 1;
        }

        for (int i = 0; i < order.Length; i++)
        {
            for (int j = i + 1; j < order.Length; j++)
            {
                if (!_network[i].Fits(_file[order[j]]) || !_network[j].Fits(_file[order[i]])) continue;
                if (IsNamedOtherwise(i, j, order)) return false;
            }
        }

        return true;
    }

    /// <summary>Whether names of two layers that could be exchanged say that they should be.</summary>
    private bool IsNamedOtherwise(int i, int j, int[] order)
    {
        string first = _file[order[i]].Name, second = _file[order[j]].Name;
        bool isExchanged = (first == _network[j].Name && second != _network[j].Name) || (second == _network[i].Name && first != _network[i].Name);
        if (!isExchanged && NaturalOrder.Parent(first) == NaturalOrder.Parent(second))
        {
            (string stem, int number) = NaturalOrder.Numbered(first);
            (string otherStem, int other) = NaturalOrder.Numbered(second);
            isExchanged = stem == otherStem && number >= 0 && other >= 0 && number > other;
        }

        if (isExchanged)
        {
            Problem = $"'{first}' and '{second}' are of one size, and their order contradicts their names: "
                + "which is which cannot be told";
        }

        return isExchanged;
    }

    /// <summary>Whether layers that stand in another order than in the network belong to one block, in which each has its place for certain.</summary>
    private bool IsOneBlock(ReadOnlySpan<int> order)
    {
        string shared = NaturalOrder.Parent(_file[order[0]].Name);
        int first = _file.Count;
        foreach (int at in order)
        {
            while (shared.Length > 0 && !_file[at].Name.StartsWith(shared + ".", StringComparison.Ordinal)) shared = NaturalOrder.Parent(shared);
            first = Math.Min(first, at);
        }

        // A block is one of many: layer2.0, blocks.3.1, stage2.unit1.
        if (NaturalOrder.Numbered(shared).Number < 0)
        {
            Problem = $"the layers from '{_file[first].Name}' on stand in another order than in the network, and not within one block";
            return false;
        }

        for (int i = 0; i < order.Length; i++)
        {
            for (int j = i + 1; j < order.Length; j++)
            {
                FileUnit a = _file[order[i]], b = _file[order[j]];
                if (!_network[first + i].Fits(b) || !_network[first + j].Fits(a)) continue;
                (string stem, int number) = NaturalOrder.Numbered(a.Name);
                (string otherStem, int other) = NaturalOrder.Numbered(b.Name);
                if (stem.Length > 0 && stem == otherStem && number >= 0 && number < other) continue;
                Problem = $"'{a.Name}' and '{b.Name}' of block '{shared}' are of one size, and nothing tells which is which";
                return false;
            }
        }

        return true;
    }
}
