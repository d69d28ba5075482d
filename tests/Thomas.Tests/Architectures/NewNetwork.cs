using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Architectures;

/// <summary>Builds networks and looks into them.</summary>
internal static class NewNetwork
{
    /// <summary>Networks above this number of parameters are kept only until memory is collected.</summary>
    private const long Large = 10_000_000;

    private static readonly ConcurrentDictionary<(string, ArchitectureOptions), Graph> Kept = [];
    private static readonly ConcurrentDictionary<(string, ArchitectureOptions), WeakReference<Graph>> KeptForAWhile = [];

    public static Architecture Architecture(string name)
    {
        Assert.True(ArchitectureCatalog.TryFind(name, out Architecture? architecture), name);
        return architecture;
    }

    public static Graph Build(string name, int classes, int size = 0, int channels = 0, float width = 1) =>
        Build(name, Options(classes, size, channels, width));

    /// <summary>A network, which several tests may share: graphs do not change.</summary>
    public static Graph Build(string name, ArchitectureOptions options)
    {
        if (Kept.TryGetValue((name, options), out Graph? graph)) return graph;
        if (KeptForAWhile.TryGetValue((name, options), out WeakReference<Graph>? reference) && reference.TryGetTarget(out graph)) return graph;
        graph = Architecture(name).Build(options);
        if (graph.ParameterCount > Large) KeptForAWhile[(name, options)] = new WeakReference<Graph>(graph);
        else Kept[(name, options)] = graph;
        return graph;
    }

    public static ArchitectureOptions Options(int classes, int size = 0, int channels = 0, float width = 1) => new()
    {
        Classes = classes,
        Height = size,
        Width = size,
        Channels = channels,
        WidthMultiplier = width,
        Seed = 1,
    };

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
