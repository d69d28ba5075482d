using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Makes one node of a 1x1 convolution, a depthwise one and another 1x1 convolution where nothing else reads what is between them, so that the expanded image
/// never exists as a whole; the same bits. Where the first or the last cannot join, of the other two.
/// </summary>
internal static class FuseInvertedResidual
{
    /// <summary>Least size of the depthwise convolution's input.</summary>
    private const long LeastBytes = 1 << 20;

    /// <summary>Most output channels of a block without expansion.</summary>
    private const int MostOutputs = 64;

    public static Graph Run(Graph graph) => Run(graph, Pays);

    /// <summary>
    /// Rewrites a graph for devices of OpenCL: whole blocks with channels in fours, which one launch computes. That may differ by rounding.
    /// </summary>
    public static Graph RunOnOpenCl(Graph graph) => Run(graph, PaysOnOpenCl);

    private static Graph Run(Graph graph, Predicate<Block> pays)
    {
        Dictionary<Node, Block> blocks = [];
        HashSet<Node> inside = [];
        foreach (Node node in graph.Nodes)
        {
            if (Find(graph, node, blocks) is not Block block || !pays(block)) continue;
            blocks.Add(block.Last, block);
            if (block.Expand is not null) inside.Add(block.Expand);
            if (block.Project is not null) inside.Add(block.Depthwise);
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

    /// <summary>The block around a depthwise convolution, if there is one; its expansion is no earlier block's projection.</summary>
    private static Block? Find(Graph graph, Node node, Dictionary<Node, Block> earlier)
    {
        if (node.Stage != Stage.Forward || node.Attributes is not DepthwiseConv2dAttributes a || a.Window.DilationH != 1
            || node.Output.Shape[3] != node.Inputs[0].Shape[3])
        {
            return null;
        }

        Node? expand = node.Inputs[0].Producer, project = OnlyReader(graph, node);
        bool expands = IsPointwise(expand) && !((Conv2dAttributes)expand.Attributes).HasResidual && OnlyReader(graph, expand) is not null
            && !earlier.ContainsKey(expand);
        bool projects = IsPointwise(project) && ReferenceEquals(project.Inputs[0], node.Output);
        return new Block(expands ? expand : null, node, projects ? project : null);
    }

    private static bool IsPointwise([NotNullWhen(true)] Node? node) =>
        node is { Stage: Stage.Forward, Attributes: Conv2dAttributes a } && InvertedResidual.IsPointwise(a);

    /// <summary>
    /// What the second-level cache holds need not be kept from being written. Without expansion only the result of the depthwise convolution is saved, which
    /// does not weigh against the projection where that is large.
    /// </summary>
    private static bool Pays(Block block) =>
        block.Depthwise.Inputs[0].Type.SizeBytes >= LeastBytes
        && (block.Expand is not null || (block.Project is not null && block.Last.Output.Shape[3] <= MostOutputs));

    private static bool PaysOnOpenCl(Block block) =>
        block is { Expand: Node expand, Project: not null } && block.Depthwise.Inputs[0].Type.SizeBytes >= LeastBytes
        && expand.Inputs[0].Shape[3] % 4 == 0 && expand.Output.Shape[3] % 4 == 0 && block.Last.Output.Shape[3] % 4 == 0;

    private static void Emit(GraphRewriter rewriter, Block block)
    {
        rewriter.Enter(block.Last);
        List<Value> inputs = [];
        if (block.Expand is not null) inputs.AddRange(rewriter.MapInputs(block.Expand));
        inputs.AddRange(rewriter.MapInputs(block.Depthwise, block.Expand is null ? 0 : 1));
        if (block.Project is not null) inputs.AddRange(rewriter.MapInputs(block.Project, 1));
        InvertedResidualAttributes attributes = new(
            (Conv2dAttributes?)block.Expand?.Attributes, (DepthwiseConv2dAttributes)block.Depthwise.Attributes, (Conv2dAttributes?)block.Project?.Attributes);
        rewriter.Set(block.Last.Output, rewriter.Builder.Add(OpCatalog.InvertedResidual, [.. inputs], attributes, block.Last.Name));
    }

    private static Node? OnlyReader(Graph graph, Node node) =>
        node.Output.Consumers.Count == 1 && !graph.IsOutput(node.Output) ? node.Output.Consumers[0] : null;

    private readonly record struct Block(Node? Expand, Node Depthwise, Node? Project)
    {
        public Node Last => Project ?? Depthwise;
    }
}
