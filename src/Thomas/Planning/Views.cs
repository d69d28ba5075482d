using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>Views show the bytes of another value: a reshaped one, say.</summary>
internal static class Views
{
    /// <summary>
    /// For each value of a graph the one whose bytes it shows: itself, but for views. Found in graph order, so that views of views cost no more.
    /// </summary>
    public static Value[] Origins(Graph graph)
    {
        Value[] origins = [.. graph.Values];
        foreach (Node node in graph.Nodes)
        {
            if (!node.Op.IsView(node)) continue;
            foreach (Value output in node.Outputs) origins[output.Id] = origins[node.Inputs[0].Id];
        }

        return origins;
    }
}
