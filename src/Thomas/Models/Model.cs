using System;
using System.IO;
using System.Threading;
using Thomas.Graphs;

namespace Thomas;

/// <summary>A network with what is known about its images and classes. Immutable.</summary>
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
    /// The same network for images of another size. Convolutional networks that end in global pooling allow it; smaller images make training faster and cost accuracy.
    /// </summary>
    /// <param name="height">Rows of the images.</param>
    /// <param name="width">Columns of the images.</param>
    /// <exception cref="ThomasException">The network works for its own size only; the message names the layer that does not fit.</exception>
    public Model WithImageSize(int height, int width)
    {
        System.ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        System.ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Shape input = Graph.Inputs[0].Shape;
        if (input.Rank != 4) throw new ThomasException($"{Info.Name}: the input {Graph.Inputs[0]} is no image, so its size cannot be changed.");
        try
        {
            Graph resized = Passes.ResizeInput.Run(Graph, height, width);
            if (resized.Outputs[0].Shape != Graph.Outputs[0].Shape) throw new GraphException($"the output would become {resized.Outputs[0].Shape} instead of {Graph.Outputs[0].Shape}");
            return new Model(resized, Info with { Preprocessing = Info.Preprocessing is Preprocessing p ? p with { Width = width, Height = height } : null });
        }
        catch (GraphException e)
        {
            throw new ThomasException($"{Info.Name} works for images of {input[2]}x{input[1]} only, not {width}x{height}: {e.Message}", e);
        }
    }

    /// <summary>Reads a <c>.tflite</c> or <c>.onnx</c> file; the format is told by the contents.</summary>
    /// <exception cref="ModelFormatException">The file is damaged; the message names the place.</exception>
    /// <exception cref="UnsupportedModelException">The file uses operators that Thomas does not have; all are listed.</exception>
    /// <exception cref="ThomasException">The file cannot be read.</exception>
    /// <param name="path">The file: a regular file of at most 2 GiB, or a link to one.</param>
    /// <param name="cancellation">Ends the reading of a long file.</param>
    /// <exception cref="System.OperationCanceledException">The reading was canceled.</exception>
    public static Model Load(string path, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ModelFiles.Load(path, cancellation: cancellation);
    }

    /// <summary>Reads a <c>.tflite</c> or <c>.onnx</c> file, with answers to what it may leave open.</summary>
    /// <exception cref="ModelFormatException">The file is damaged; the message names the place.</exception>
    /// <exception cref="UnsupportedModelException">The file uses operators that Thomas does not have; all are listed.</exception>
    /// <exception cref="ThomasException">The file cannot be read, or the network does not work for the image size.</exception>
    /// <param name="path">The file: a regular file of at most 2 GiB, or a link to one.</param>
    /// <param name="options">The answers.</param>
    /// <param name="cancellation">Ends the reading of a long file.</param>
    /// <exception cref="System.OperationCanceledException">The reading was canceled.</exception>
    public static Model Load(string path, ModelLoadOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        return ModelFiles.Load(path, options, cancellation);
    }

    /// <summary>Reads a model from a stream up to its end, with answers to what it may leave open; <paramref name="name"/> stands for the file in messages.</summary>
    public static Model Load(Stream stream, string name, ModelLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        return ModelFiles.Load(stream, name, options);
    }

    /// <summary>Reads a model from a stream up to its end; <paramref name="name"/> stands for the file in messages.</summary>
    public static Model Load(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        return ModelFiles.Load(stream, name);
    }

    /// <summary>Writes the model in the format that the path's ending names. The file appears whole or not at all.</summary>
    /// <exception cref="OutputException">The ending is not known, or the file cannot be written.</exception>
    public void Save(string path) => Save(path, new SaveOptions());

    /// <summary>Writes the model in the format that the path's ending names. The file appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">For example the batch that the file takes.</param>
    /// <exception cref="OutputException">The ending is not known, or the file cannot be written.</exception>
    /// <exception cref="ThomasException">The network cannot take the batch that is asked for.</exception>
    public void Save(string path, SaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        ModelFiles.Save(this, path, options);
    }

    /// <summary>Writes the model to a stream.</summary>
    public void Save(Stream stream, ModelFormat format) => Save(stream, format, new SaveOptions());

    /// <summary>Writes the model to a stream.</summary>
    /// <param name="stream">Receives the file.</param>
    /// <param name="format">Its format.</param>
    /// <param name="options">For example the batch that the file takes.</param>
    /// <exception cref="ThomasException">The network cannot take the batch that is asked for.</exception>
    public void Save(Stream stream, ModelFormat format, SaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        ModelFiles.Save(this, stream, format, options);
    }
}
