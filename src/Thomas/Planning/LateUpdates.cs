using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Planning;

/// <summary>
/// Moves the updates of small variables to the end of a schedule, those of the same kind one behind the other, so that a device can make them in one launch.
/// Their gradients live longer for it, which costs little memory. No result depends on the order.
/// </summary>
internal static class LateUpdates
{
    /// <summary>The schedule with small updates at its end; the given one where there are none.</summary>
    /// <param name="schedule">Any order.</param>
    /// <param name="mostElements">Elements of the largest variable whose update is moved.</param>
    public static Schedule Run(Schedule schedule, int mostElements)
    {
        IReadOnlyList<Node> nodes = schedule.Graph.Nodes;
        bool[] isLate = new bool[nodes.Count];
        HashSet<Value> readEarly = [];
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            isLate[i] = IsSmallUpdate(nodes[i], mostElements) && !readEarly.Overlaps(nodes[i].Outputs);
            if (!isLate[i]) readEarly.UnionWith(nodes[i].Inputs);
        }

        // An average of weights comes after the update of the weights.
        HashSet<Value> lateResults = [];
        Dictionary<(Op, OpAttributes), int> kinds = [];
        List<int> order = [], late = [];
        List<long> keys = [];
        for (int i = 0; i < nodes.Count; i++)
        {
            if (!isLate[i])
            {
                order.Add(i);
                continue;
            }

            long kind = kinds.TryAdd((nodes[i].Op, nodes[i].Attributes), kinds.Count) ? kinds.Count - 1 : kinds[(nodes[i].Op, nodes[i].Attributes)];
            late.Add(i);
            keys.Add(((lateResults.Overlaps(nodes[i].Inputs) ? 1L : 0) << 60) + (kind << 32) + i);
            lateResults.UnionWith(nodes[i].Outputs);
        }

        if (late.Count < 2) return schedule;
        int[] sorted = [.. late];
        Array.Sort([.. keys], sorted);
        order.AddRange(sorted);
        GraphRewriter rewriter = new(schedule.Graph);
        foreach (int node in order) rewriter.Copy(nodes[node]);
        return schedule.With(rewriter.Build(), order);
    }

    private static bool IsSmallUpdate(Node node, int mostElements)
    {
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            if (node.Op.UpdatedInput(output) < 0 || node.Outputs[output].Shape.ElementCount > mostElements) return false;
        }

        return true;
    }
}
