using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Makes both gradients of a depthwise convolution in one pass over memory, the input's over the forward input where that dies with them: three readings and
/// writings of a tensor instead of five. If the forward input was clipped (relu, relu6) and nothing else reads its gradient, the gradient of that and the sums
/// for the bias before it are made on the way: three instead of eight.
/// </summary>
internal static class FuseDepthwiseGradients
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Node> inputs = [];
        Dictionary<Node, Node> activations = [];
        HashSet<Node> fused = [];
        Dictionary<(Value, OpAttributes), Queue<Node>> candidates = InputGradients(graph);
        if (candidates.Count == 0) return graph;
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not DepthwiseConv2dFilterGradient || InputGradient(node, candidates) is not Node input) continue;
            inputs.Add(node, input);
            fused.Add(input);
            if (ActivationGradient(graph, input.Output, node.Inputs[0]) is not Node activation) continue;
            activations.Add(node, activation);
            fused.Add(activation);
        }

        if (inputs.Count == 0) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (fused.Contains(node)) continue;
            if (inputs.TryGetValue(node, out Node? input)) Fuse(rewriter, node, input, activations.GetValueOrDefault(node));
            else rewriter.Copy(node);
        }

        return rewriter.Build();
    }

    private static void Fuse(GraphRewriter rewriter, Node filter, Node input, Node? activation)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)filter.Attributes;
        Activation undone = activation is null ? default : ((ActivateAttributes)activation.Attributes).Activation;
        rewriter.Enter(filter);
        Node both = rewriter.Builder.AddNode(
            OpCatalog.DepthwiseConv2dGradient, [rewriter.Map(filter.Inputs[0]), rewriter.Map(filter.Inputs[1]), rewriter.Map(input.Inputs[1])],
            new DepthwiseConv2dGradientAttributes(a.Window, a.InputH, a.InputW, undone), (activation ?? input).Name);
        rewriter.Set((activation ?? input).Output, both.Outputs[0]);
        rewriter.Set(filter.Output, both.Outputs[1]);
        if (activation is { Outputs.Count: > 1 }) rewriter.Set(activation.Outputs[1], both.Outputs[2]);
    }

    /// <summary>
    /// The inputs' gradients by what they and a filter's gradient have in common, in graph order. Their filter must be there before the filter's gradient: a
    /// variable, a constant, or weights that are rounded for both.
    /// </summary>
    private static Dictionary<(Value Dy, OpAttributes Attributes), Queue<Node>> InputGradients(Graph graph)
    {
        Dictionary<(Value, OpAttributes), Queue<Node>> candidates = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not DepthwiseConv2dInputGradient || node.Inputs[1].Producer is not (null or { Op: RoundWeights or DequantizeFilter })) continue;
            if (!candidates.TryGetValue((node.Inputs[0], node.Attributes), out Queue<Node>? queue))
            {
                candidates.Add((node.Inputs[0], node.Attributes), queue = []);
            }

            queue.Enqueue(node);
        }

        return candidates;
    }

    /// <summary>The input's gradient that belongs to a filter's, if one kernel makes both; it is taken then.</summary>
    private static Node? InputGradient(Node node, Dictionary<(Value Dy, OpAttributes Attributes), Queue<Node>> candidates)
    {
        Value dy = node.Inputs[1];
        if (!DepthwiseConv2dGradient.Fits(((Conv2dGradientAttributes)node.Attributes).Window, node.Inputs[0].Shape, dy.Shape)) return null;
        if (!candidates.TryGetValue((dy, node.Attributes), out Queue<Node>? queue) || !queue.TryPeek(out Node? input)) return null;
        return input.Inputs[1].Producer is null || IsBefore(input.Inputs[1], node) ? queue.Dequeue() : null;
    }

    private static bool IsBefore(Value value, Node node) => value.Id < node.Output.Id;

    /// <summary>The gradient of a clipping whose result is <paramref name="x"/>, if it alone reads <paramref name="dx"/>.</summary>
    private static Node? ActivationGradient(Graph graph, Value dx, Value x) =>
        dx.Consumers.Count == 1 && !graph.IsOutput(dx) && dx.Consumers[0] is { Op: ActivateGradient or ActivateBiasGradient } node
        && ReferenceEquals(node.Inputs[0], dx) && ReferenceEquals(node.Inputs[1], x)
        && DepthwiseConv2dGradientAttributes.Fuses(((ActivateAttributes)node.Attributes).Activation) ? node : null;
}
