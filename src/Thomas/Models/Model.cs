using System;
using Thomas.Graphs;

namespace Thomas;

/// <summary>A network with what is known about its images and classes. Immutable.</summary>
/// <example>
/// <code>
/// Model model = Model.Load("mobilenet_v2.onnx");
/// Console.WriteLine($"{model.Info.Name}: {model.Info.Labels?.Count} classes");
/// model.Save("mobilenet_v2.tflite");
/// </code>
/// </example>
public sealed class Model
{
    /// <summary>Puts a graph and its description together.</summary>
    public Model(Graph graph, ModelInfo info)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(info);
        Graph = graph;
        Info = info;
    }

    /// <summary>The network, for a batch of one; images are NHWC, all numbers float32.</summary>
    public Graph Graph { get; }

    /// <summary>Labels, preprocessing, origin.</summary>
    public ModelInfo Info { get; }

    /// <summary>
    /// The same network for images of another size. Convolutional networks that end in global pooling allow it; smaller images make training faster and cost
    /// accuracy.
    /// </summary>
    /// <param name="height">Rows of the images.</param>
    /// <param name="width">Columns of the images.</param>
    /// <exception cref="ThomasException">The network works for its own size only; the message names the layer that does not fit.</exception>
    public Model WithImageSize(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Shape input = Graph.Inputs[0].Shape;
        if (input.Rank != 4) throw new ThomasException($"{Info.Name}: the input {Graph.Inputs[0]} is not an image, so its size cannot be changed.");
        try
        {
            Graph resized = Passes.ResizeInput.Run(Graph, height, width);
            if (resized.Outputs[0].Shape != Graph.Outputs[0].Shape)
            {
                throw new GraphException($"the output would become {resized.Outputs[0].Shape} instead of {Graph.Outputs[0].Shape}");
            }

            Preprocessing? preprocessing = Info.Preprocessing is Preprocessing p ? p with { Width = width, Height = height } : null;
            return new Model(resized, Info with { Rehearsal = null, Preprocessing = preprocessing });
        }
        catch (GraphException e)
        {
            throw new ThomasException($"{Info.Name} works only for images of {input[2]}x{input[1]}, not {width}x{height}: {e.Message}", e);
        }
    }

    /// <summary>
    /// The same network with the weights of its layers as 16-bit floats (rounded to nearest, ties to even): files of half the size, computed in float32 as
    /// before. Weights that lie beyond their range, 65504, stay float32; a note names them.
    /// </summary>
    /// <exception cref="ThomasException">It is an 8-bit network, whose weights are smaller already.</exception>
    public Model WithHalfWeights()
    {
        if (Info.IsQuantized) throw new ThomasException($"{Info.Name} has 8-bit weights; 16 bits would be larger.");
        Graph graph = Passes.HalfWeights.Run(Graph, out _, out string[] tooLarge);
        return tooLarge.Length == 0 ? new Model(graph, Info) : new Model(graph, Info with { Notes = [.. Info.Notes, TooLargeNote(tooLarge)] });
    }

    /// <summary>The same network on the signed grids that <c>.tflite</c> files have, if it came from an <c>.onnx</c> file with unsigned ones.</summary>
    internal Model WithSignedGrids() => Info.SourceFormat == ModelFormat.Onnx ? new Model(Passes.SignedGrids.Run(Graph), Info) : this;

    private static string TooLargeNote(string[] tensors) =>
        $"{tensors.Length} tensor(s) with numbers beyond 65504 stay float32: {string.Join(", ", tensors.AsSpan(0, Math.Min(tensors.Length, 3)).ToArray())}"
        + (tensors.Length > 3 ? ", ..." : ".");
}
