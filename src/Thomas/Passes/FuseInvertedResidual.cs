using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Makes one node of a 1x1 convolution, a depthwise one and another 1x1 convolution where nothing else reads what is between them, so that the expanded picture never exists
/// as a whole; the same bits. Where the first cannot join, of the other two.
/// </summary>
internal static class FuseInvertedResidual
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Block> blocks = [];
        HashSet<Node> inside = [], last = [];
        foreach (Node node in graph.Nodes)
        {
            if (Find(graph, node, last) is not Block block) continue;
            blocks.Add(block.Project, block);
            last.Add(block.Project);
            inside.Add(block.Depthwise);
            if (block.Expand is not null) inside.Add(block.Expand);
        }

        if (blocks.Count == 0) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (inside.Contains(node)) continue;
            if (blocks.TryGetValue(node, out Block block)) Emit(rewriter, block);
            else rewriter.Copy(node);
        }

        return rewriter.Build();
    }

    /// <summary>The block around a depthwise convolution, if there is one; its expansion is no block's projection.</summary>
    private static Block? Find(Graph graph, Node node, HashSet<Node> projections)
    {
        if (node.Attributes is not DepthwiseConv2dAttributes a || a.Window.DilationH != 1 || node.Output.Shape[3] != node.Inputs[0].Shape[3]) return null;
        if (OnlyReader(graph, node) is not { Attributes: Conv2dAttributes project } next || !InvertedResidual.IsPointwise(project)) return null;
        if (!ReferenceEquals(next.Inputs[0], node.Output) || next.Stage != node.Stage) return null;
        Node? expand = node.Inputs[0].Producer;
        bool joins = expand is { Attributes: Conv2dAttributes { HasResidual: false } e } && InvertedResidual.IsPointwise(e) && expand.Stage == node.Stage
            && OnlyReader(graph, expand) is not null && !projections.Contains(expand);
        Block block = new(joins ? expand : null, node, next);
        return Pays(block) ? block : null;
    }

    private static bool Pays(Block block) => block.Depthwise.Inputs[0].Type.SizeBytes >= MinBytes && (block.Expand is not null || System.Environment.GetEnvironmentVariable("IRE") is null);

    private static readonly long MinBytes = long.Parse(System.Environment.GetEnvironmentVariable("IRB") ?? "0");

    private static void Emit(GraphRewriter rewriter, Block block)
    {
        rewriter.Enter(block.Project);
        List<Value> inputs = [];
        if (block.Expand is not null) inputs.AddRange(rewriter.MapInputs(block.Expand));
        inputs.AddRange(rewriter.MapInputs(block.Depthwise, block.Expand is null ? 0 : 1));
        inputs.AddRange(rewriter.MapInputs(block.Project, 1));
        InvertedResidualAttributes attributes = new(
            (Conv2dAttributes?)block.Expand?.Attributes, (DepthwiseConv2dAttributes)block.Depthwise.Attributes, (Conv2dAttributes)block.Project.Attributes);
        rewriter.Set(block.Project.Output, rewriter.Builder.Add(OpCatalog.InvertedResidual, [.. inputs], attributes, block.Project.Name));
    }

    private static Node? OnlyReader(Graph graph, Node node) =>
        node.Output.Consumers.Count == 1 && !graph.IsOutput(node.Output) ? node.Output.Consumers[0] : null;

    private readonly record struct Block(Node? Expand, Node Depthwise, Node Project);
}
