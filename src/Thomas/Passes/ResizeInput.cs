using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Gives the images of a network another height and width and infers all shapes anew.</summary>
internal static class ResizeInput
{
    /// <param name="graph">A graph whose first input is NHWC.</param>
    /// <param name="height">Rows of the images.</param>
    /// <param name="width">Columns of the images.</param>
    /// <exception cref="GraphException">Some node works for the old size only, for example a dense layer behind a flattened feature map.</exception>
    public static Graph Run(Graph graph, int height, int width)
    {
        Value images = graph.Inputs[0];
        GraphRewriter rewriter = new(
            graph, input => ReferenceEquals(input, images) ? new TensorType(input.Type.DType, input.Shape.With(1, height).With(2, width)) : input.Type);
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }
}
