using System.IO;
using Thomas.Formats.TfLite.Writing;

namespace Thomas.Formats.TfLite;

/// <summary>Writes TensorFlow Lite (LiteRT) models: schema version 3, float32 or 8-bit integers, one graph, labels and preprocessing as metadata.</summary>
internal static class TfLiteWriter
{
    /// <summary>Writes a model. The same model gives the same bytes.</summary>
    /// <exception cref="ThomasException">The model does not fit the format: above 1 GB, or a grid of more than 16 bits.</exception>
    public static void Write(Model model, Stream stream, SaveOptions? options = null)
    {
        bool integers = options?.Integers ?? model.Info.WritesIntegers;
        if (integers) model = model.WithSignedGrids();
        FileGraph graph = GraphEmitter.Emit(model, integers, options?.Ends ?? IntegerEnds.Float);
        using MemoryStream file = new();
        FileSerializer.Write(
            graph,
            MetadataSerializer.Entries(
                model.Info, model.Info.Labels is { Count: > 0 } ? ClassOutput.Find(model) : null, graph.Inputs.Count, graph.Outputs.Count), file);
        if (model.Info.Labels is { Count: > 0 } labels) AppendedZip.Append(file, MetadataSerializer.LabelFile, MetadataSerializer.LabelText(labels));
        file.WriteTo(stream);
    }
}
