using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Architectures;

/// <summary>Builds networks and looks into them.</summary>
internal static class NewNetwork
{
    public static Architecture Architecture(string name)
    {
        Assert.True(ArchitectureCatalog.TryFind(name, out Architecture? architecture), name);
        return architecture;
    }

    public static Graph Build(string name, int classes, int size = 0, int channels = 0, float width = 1, ulong seed = 1) =>
        Architecture(name).Build(new ArchitectureOptions
        {
            Classes = classes,
            Height = size,
            Width = size,
            Channels = channels,
            WidthMultiplier = width,
            Seed = seed,
        });

    public static Dictionary<string, Value> Constants(Graph graph)
    {
        Dictionary<string, Value> constants = [];
        foreach (Value value in graph.Values)
        {
            if (value.IsConstant) constants.Add(value.Name, value);
        }

        return constants;
    }

    public static List<Node> NodesOf(Graph graph, Op op)
    {
        List<Node> nodes = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op == op) nodes.Add(node);
        }

        return nodes;
    }

    /// <summary>Elements of all constants but the running statistics, which are found by their place among the operands.</summary>
    public static long TrainedParameters(Graph graph)
    {
        long count = graph.ParameterCount;
        foreach (Node node in NodesOf(graph, OpCatalog.BatchNorm)) count -= node.Inputs[3].Shape.ElementCount + node.Inputs[4].Shape.ElementCount;
        return count;
    }

    public static TheoryData<string> Names()
    {
        TheoryData<string> names = [];
        foreach (Architecture architecture in ArchitectureCatalog.All) names.Add(architecture.Name);
        return names;
    }
}
