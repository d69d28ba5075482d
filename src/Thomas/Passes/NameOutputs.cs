using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>Gives the graph's outputs the names that users know them by, after passes that put other values in their place.</summary>
internal static class NameOutputs
{
    /// <param name="graph">The graph.</param>
    /// <param name="names">The name of each output; no graph input has one of them unless it is that output.</param>
    public static Graph Run(Graph graph, IReadOnlyList<string> names)
    {
        Dictionary<Value, string> owners = [];
        HashSet<string> claimed = new(StringComparer.Ordinal);
        bool isNamed = true;
        for (int i = 0; i < names.Count; i++)
        {
            Value output = graph.Outputs[i];
            isNamed &= output.Name == names[i];
            claimed.Add(names[i]);
            if (!output.IsInput) owners.TryAdd(output, names[i]);
        }

        if (isNamed) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Value value in graph.Values)
        {
            if (value.Constant is not null && NameOf(value, owners, claimed) is string name && name != value.Name)
            {
                rewriter.Set(value, rewriter.Builder.Constant(name, value.Constant));
            }
        }

        foreach (Node node in graph.Nodes)
        {
            Node copy = rewriter.Builder.AddNode(node.Op, rewriter.MapInputs(node), node.Attributes, NameOf(node.Output, owners, claimed));
            for (int i = 0; i < node.Outputs.Count; i++) rewriter.Set(node.Outputs[i], copy.Outputs[i]);
        }

        Value[] outputs = new Value[names.Count];
        for (int i = 0; i < outputs.Length; i++)
        {
            Value output = rewriter.Map(graph.Outputs[i]);

            // A value that is handed out under two names, or an input that is handed out, needs a view to carry the second name.
            outputs[i] = output.Name == names[i]
                ? output
                : rewriter.Builder.Add(OpCatalog.Reshape, [output], ReshapeAttributes.Same(output.Shape.Rank), names[i]);
        }

        return rewriter.Builder.Build(outputs);
    }

    /// <summary>The new name of a value: the output's, or its own unless an output has that.</summary>
    private static string NameOf(Value value, Dictionary<Value, string> owners, HashSet<string> claimed) =>
        owners.TryGetValue(value, out string? name) ? name : claimed.Contains(value.Name) ? $"{value.Name}/inner" : value.Name;
}
