using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Drops nodes and constants that no output depends on.</summary>
internal static class EliminateDeadNodes
{
    public static Graph Run(Graph graph)
    {
        bool[] live = new bool[graph.Values.Count];
        foreach (Value output in graph.Outputs) live[output.Id] = true;
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            if (!IsLive(graph.Nodes[i], live)) continue;
            foreach (Value input in graph.Nodes[i].Inputs) live[input.Id] = true;
        }

        if (!HasDead(graph, live)) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (IsLive(node, live)) rewriter.Copy(node);
        }

        return rewriter.Build();
    }

    private static bool HasDead(Graph graph, bool[] live)
    {
        foreach (Node node in graph.Nodes)
        {
            if (!IsLive(node, live)) return true;
        }

        foreach (Value value in graph.Values)
        {
            if (!live[value.Id] && (value.IsConstant || value.IsVariable)) return true;
        }

        return false;
    }

    private static bool IsLive(Node node, bool[] live)
    {
        foreach (Value output in node.Outputs)
        {
            if (live[output.Id]) return true;
        }

        return false;
    }
}
