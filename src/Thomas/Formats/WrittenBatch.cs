using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Formats;

/// <summary>Gives a model the batch that its file is to have.</summary>
internal static class WrittenBatch
{
    /// <summary>The model for the batch size asked for; <see cref="ModelInfo.BatchIsSymbolic"/> tells the writers whether it is open.</summary>
    /// <exception cref="ThomasException">The network cannot take that batch.</exception>
    public static Model Apply(Model model, ModelFormat format, SaveOptions options)
    {
        options.Check();
        int wanted = options.BatchSize ?? (format == ModelFormat.TfLite ? 1 : SaveOptions.OpenBatch);
        if (wanted == 1) return Described(model, model.Graph, isOpen: false);
        try
        {
            // Two images tell whether the network takes any number: what is fixed to one shows.
            int batch = wanted == SaveOptions.OpenBatch ? 2 : wanted;
            Graph graph = Rebatch.Run(model.Graph, batch);
            foreach (Value output in graph.Outputs)
            {
                if (output.Shape.Rank == 0 || output.Shape[0] != batch)
                {
                    throw new GraphException($"its output '{output.Name}' would have the shape {output.Shape}");
                }
            }

            return wanted == SaveOptions.OpenBatch ? Described(model, Rebatch.ForAnyBatch(model.Graph), isOpen: true) : Described(model, graph, isOpen: false);
        }
        catch (GraphException) when (options.BatchSize is null)
        {
            return Described(model, model.Graph, isOpen: false);
        }
        catch (GraphException e)
        {
            throw new ThomasException(
                $"{model.Info.Name} works for one image at a time, so its batch cannot be {(wanted == SaveOptions.OpenBatch ? "open" : wanted)}: {e.Message}",
                e);
        }
    }

    private static Model Described(Model model, Graph graph, bool isOpen) => new(graph, model.Info with { BatchIsSymbolic = isOpen });
}
