using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Lets batch normalization in training apply the clipping that follows it (relu, relu6), and its gradient that clipping's mask, which it finds again from its
/// own argument: two passes over the activations less in each direction.
/// </summary>
internal static class FuseBatchNormActivation
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Node> forward = [], backward = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not Activate || !BatchNormTrainingAttributes.Fuses(ActivationOf(node)) || Unfused(node.Inputs[0]) is not Node norm) continue;
            if (!OnlyReader(graph, norm.Outputs[0], node)) continue;
            forward.Add(norm, node);
            foreach (Node reader in node.Output.Consumers)
            {
                if (reader.Op is ActivateGradient && ReferenceEquals(reader.Inputs[1], node.Output) && GradientOf(graph, reader, norm) is Node gradient)
                {
                    backward.Add(gradient, reader);
                }
            }
        }

        return forward.Count == 0 ? graph : Rewrite(graph, forward, backward);
    }

    private static Graph Rewrite(Graph graph, Dictionary<Node, Node> forward, Dictionary<Node, Node> backward)
    {
        HashSet<Node> gone = [.. forward.Values, .. backward.Values];
        Dictionary<Value, Node> norms = [];
        foreach (Node norm in forward.Keys) norms.Add(norm.Outputs[1], norm);
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (gone.Contains(node)) continue;
            rewriter.Enter(node);
            if (forward.TryGetValue(node, out Node? activate))
            {
                Node fused = rewriter.Builder.AddNode(node.Op, rewriter.MapInputs(node), With(node, ActivationOf(activate)), activate.Name);
                rewriter.Set(activate.Output, fused.Outputs[0]);
                for (int i = 1; i < 3; i++) rewriter.Set(node.Outputs[i], fused.Outputs[i]);
            }
            else if (backward.TryGetValue(node, out Node? mask))
            {
                Value[] inputs = [
                    rewriter.Map(node.Inputs[0]), rewriter.Map(mask.Inputs[0]), .. MapFrom(rewriter, node, 2), rewriter.Map(norms[node.Inputs[3]].Inputs[2])];
                Node fused = rewriter.Builder.AddNode(node.Op, inputs, With(node, ActivationOf(mask)), node.Name);
                for (int i = 0; i < 3; i++) rewriter.Set(node.Outputs[i], fused.Outputs[i]);
            }
            else
            {
                rewriter.Copy(node);
            }
        }

        return rewriter.Build();
    }

    /// <summary>The training batch normalization whose result a value is, if it has no activation yet.</summary>
    private static Node? Unfused(Value value) =>
        value.Producer is { Op: BatchNormTraining, Attributes: BatchNormTrainingAttributes { Activation.Kind: ActivationKind.None } } norm
        && ReferenceEquals(norm.Outputs[0], value) ? norm : null;

    /// <summary>The gradient of a batch normalization that alone reads what a mask lets through.</summary>
    private static Node? GradientOf(Graph graph, Node mask, Node norm) =>
        mask.Output.Consumers.Count == 1 && mask.Output.Consumers[0] is { Op: BatchNormTrainingGradient } gradient && OnlyReader(graph, mask.Output, gradient)
        && ReferenceEquals(gradient.Inputs[1], mask.Output) && IsOf(gradient, norm) ? gradient : null;

    /// <summary>
    /// Whether a gradient is that of a normalization: of the same x, scale, mean, variance and epsilon, from which it finds again what was clipped.
    /// </summary>
    private static bool IsOf(Node gradient, Node norm) =>
        ReferenceEquals(gradient.Inputs[0], norm.Inputs[0]) && ReferenceEquals(gradient.Inputs[2], norm.Inputs[1])
        && ReferenceEquals(gradient.Inputs[3], norm.Outputs[1])
        && ReferenceEquals(gradient.Inputs[4], norm.Outputs[2]) && gradient.Attributes.Equals(norm.Attributes);

    private static bool OnlyReader(Graph graph, Value value, Node reader) =>
        value.Consumers.Count == 1 && ReferenceEquals(value.Consumers[0], reader) && !graph.IsOutput(value);

    private static Activation ActivationOf(Node node) => ((ActivateAttributes)node.Attributes).Activation;

    private static BatchNormTrainingAttributes With(Node node, Activation activation) =>
        ((BatchNormTrainingAttributes)node.Attributes) with { Activation = activation };

    private static Value[] MapFrom(GraphRewriter rewriter, Node node, int first)
    {
        Value[] values = new Value[node.Inputs.Count - first];
        for (int i = 0; i < values.Length; i++) values[i] = rewriter.Map(node.Inputs[first + i]);
        return values;
    }
}
