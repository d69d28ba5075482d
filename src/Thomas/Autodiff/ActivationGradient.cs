using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Autodiff;

/// <summary>
/// A classifier's graph that also computes what a class's score owes to each place of the image: the last activation that still has rows and columns, and
/// the gradient of the score with respect to it.
/// </summary>
/// <remarks>
/// Inputs of <see cref="Graph"/>: the image, then weights of the scores, for example 1 for one class and 0 for all others. Outputs: the weighted sum of the
/// scores [], the model's own output, the activation [1,h,w,k], its gradient [1,h,w,k]. The gradient is that of <see cref="Offset"/>, a variable of zeros that
/// is added to the activation, so it comes from the same rewrite as the gradients of training.
/// </remarks>
internal sealed class ActivationGradient
{
    private ActivationGradient(Graph graph, Variable offset, string layer) => (Graph, Offset, Layer) = (graph, offset, layer);

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>The variable that it needs, all zeros.</summary>
    public Variable Offset { get; }

    /// <summary>Name of the activation.</summary>
    public string Layer { get; }

    /// <summary>Builds the graph.</summary>
    /// <param name="source">A model's graph for one image, NHWC.</param>
    /// <param name="output">The output that is handed out with it.</param>
    /// <param name="scores">What is differentiated: class scores before any softmax or sigmoid; the output depends on it or is it.</param>
    /// <returns>The graph; null where no layer that the scores depend on keeps rows and columns.</returns>
    /// <exception cref="GraphException">A node between the activation and the scores has no gradient; the message names it.</exception>
    public static ActivationGradient? Build(Graph source, Value output, Value scores)
    {
        if (FindLast(source, scores) is not Value last) return null;
        GraphRewriter rewriter = new(source);
        GraphBuilder builder = rewriter.Builder;
        Value weights = builder.Input("explain.weights", scores.Type);
        Variable offset = new("explain.offset", last.Shape, VariableKind.Gradient);
        Value? activation = null;
        foreach (Node node in source.Nodes)
        {
            rewriter.Copy(node);
            if (!ReferenceEquals(node.Output, last)) continue;
            activation = builder.Add(OpCatalog.Add, [rewriter.Map(last), builder.Variable(offset)], name: "explain.activation");
            rewriter.Set(last, activation);
        }

        int[] axes = new int[scores.Shape.Rank];
        for (int i = 0; i < axes.Length; i++) axes[i] = i;
        Value weighted = builder.Add(OpCatalog.Multiply, [rewriter.Map(scores), weights], name: "explain.weighted");
        Value score = builder.Add(OpCatalog.Reduce, [weighted], new ReduceAttributes(ReduceKind.Sum, new IntList(axes), KeepDims: false), "explain.score");
        Graph forward = EliminateDeadNodes.Run(builder.Build(score, rewriter.Map(output), activation!));
        return new ActivationGradient(Differentiate.Run(forward, [offset], (_, _, gradient) => [gradient]), offset, last.Name);
    }

    /// <summary>
    /// The last value with rows and columns that the scores depend on. It descends from a layer that joins neighboring pixels: a network without one treats
    /// the image as a list of numbers. Reshaped and transposed values do not count, since their axes are no longer rows and columns.
    /// </summary>
    private static Value? FindLast(Graph graph, Value scores)
    {
        bool[] isSpatial = new bool[graph.Values.Count], isFeature = new bool[graph.Values.Count], matters = new bool[graph.Values.Count];
        isSpatial[graph.Inputs[0].Id] = true;
        foreach (Node node in graph.Nodes)
        {
            bool spatial = false, feature = node.Op is Conv2d or DepthwiseConv2d or MaxPool2d or AveragePool2d or InvertedResidual;
            foreach (Value input in node.Inputs)
            {
                spatial |= isSpatial[input.Id];
                feature |= isFeature[input.Id];
            }

            if (!spatial || node.Op is Transpose or Reshape) continue;
            foreach (Value value in node.Outputs)
            {
                isSpatial[value.Id] = value.Shape.Rank == 4 && value.Shape[0] == 1 && value.Shape[1] * value.Shape[2] > 1;
                isFeature[value.Id] = feature;
            }
        }

        matters[scores.Id] = true;
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            bool needed = false;
            foreach (Value value in node.Outputs) needed |= matters[value.Id];
            if (!needed) continue;
            if (isSpatial[node.Output.Id] && isFeature[node.Output.Id]) return node.Output;
            foreach (Value input in node.Inputs) matters[input.Id] = true;
        }

        return null;
    }
}
