using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>Lets convolutions and dense layers add the residual and apply the activation that follow them before the result leaves the registers.</summary>
internal static class FuseEpilogue
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Node, Chain> chains = FindChains(graph);
        if (chains.Count == 0) return graph;
        HashSet<Node> inside = [];
        foreach (KeyValuePair<Node, Chain> pair in chains)
        {
            foreach (Node? member in (Node?[])[pair.Value.Linear.Node, pair.Value.Add, pair.Value.Activate])
            {
                if (member is not null && member != pair.Key) inside.Add(member);
            }
        }

        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (inside.Contains(node)) continue;
            if (chains.TryGetValue(node, out Chain chain)) Emit(rewriter, node, chain);
            else rewriter.Copy(node);
        }

        return rewriter.Build();
    }

    /// <summary>Chains by their last node. Later convolutions choose first: of two that meet in one sum, the later one takes it.</summary>
    private static Dictionary<Node, Chain> FindChains(Graph graph)
    {
        Dictionary<Node, Chain> chains = [];
        HashSet<Node> taken = [];
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            if (!LinearNode.TryGet(graph.Nodes[i], out LinearNode linear) || !linear.HasEpilogue || linear.Activation != default || linear.HasResidual)
            {
                continue;
            }

            Node last = linear.Node;
            Node? add = null, activate = null;
            if (OnlyConsumer(graph, last) is { Op: Add } sum && last.Op is Conv2d && !taken.Contains(sum)
                && sum.Inputs[0].Shape == sum.Inputs[1].Shape && !ReferenceEquals(sum.Inputs[0], sum.Inputs[1])) last = add = sum;
            if (OnlyConsumer(graph, last) is { Op: Activate } function) last = activate = function;
            if (last == linear.Node) continue;
            if (add is not null) taken.Add(add);
            chains.Add(last, new Chain(linear, add, activate));
        }

        return chains;
    }

    private static void Emit(GraphRewriter rewriter, Node last, Chain chain)
    {
        rewriter.Enter(last);
        List<Value> inputs = [.. rewriter.MapInputs(chain.Linear.Node)];
        if (chain.Add is not null)
        {
            bool first = ReferenceEquals(chain.Add.Inputs[0], chain.Linear.Node.Output);
            inputs.Add(rewriter.Map(chain.Add.Inputs[first ? 1 : 0]));
        }

        Activation activation = chain.Activate is null ? default : ((ActivateAttributes)chain.Activate.Attributes).Activation;
        OpAttributes attributes = chain.Linear.With(chain.Linear.HasBias, chain.Add is not null, activation);
        rewriter.Set(last.Output, rewriter.Builder.Add(chain.Linear.Node.Op, [.. inputs], attributes, last.Name));
    }

    private static Node? OnlyConsumer(Graph graph, Node node) =>
        node.Output.Consumers.Count == 1 && !graph.IsOutput(node.Output) ? node.Output.Consumers[0] : null;

    private readonly record struct Chain(LinearNode Linear, Node? Add, Node? Activate);
}
