using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>What every imported graph goes through, so that a model means the same whatever file it came from. Nothing that training needs is lost.</summary>
internal static class ImportPasses
{
    public static Graph Run(Graph graph)
    {
        string[] outputNames = new string[graph.Outputs.Count];
        for (int i = 0; i < outputNames.Length; i++) outputNames[i] = graph.Outputs[i].Name;
        return NameOutputs.Run(FuseRounding.Run(FoldConstants.Run(EliminateTransposes.Run(EliminateDeadNodes.Run(graph)))), outputNames);
    }
}
