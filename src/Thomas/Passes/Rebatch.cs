using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Gives the first axis of every graph input another size and infers all shapes anew.</summary>
internal static class Rebatch
{
    /// <exception cref="GraphException">Some node cannot take another batch, for example one that moves the batch axis.</exception>
    public static Graph Run(Graph graph, int batch)
    {
        GraphRewriter rewriter = new(graph, input => input.Shape.Rank == 0 ? input.Type : new TensorType(input.Type.DType, input.Shape.With(0, batch)));
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }
}
