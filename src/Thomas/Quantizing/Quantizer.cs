using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Training;

namespace Thomas.Quantizing;

/// <summary>Makes an 8-bit network of a float one, with images to measure the ranges of its activations on (post-training quantization).</summary>
/// <remarks>
/// Weights get int8 numbers with a scale for each output channel (one for a dense layer, as runtimes want it), activations int8 numbers with a scale and a zero
/// point, biases 32-bit integers. The model runs in Thomas as every 8-bit network does, in integers.
/// </remarks>
/// <example>
/// <code>
/// Dataset images = CalibrationImages.Load(["photos"], 100);
/// QuantizedModel small = Quantizer.Quantize(Model.Load("net.onnx"), images, new SkiaImageDecoder());
/// small.Model.Save("net_int8.tflite");
/// Console.WriteLine($"the same class for {small.Agreement:P0} of the calibration images");
/// </code>
/// </example>
public static class Quantizer
{
    /// <summary>Whether a network is rounded to 8-bit grids already.</summary>
    /// <param name="model">The model.</param>
    public static bool IsQuantized(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is FakeQuantize) return true;
        }

        return false;
    }

    /// <summary>Quantizes a model.</summary>
    /// <param name="model">A network of one image.</param>
    /// <param name="images">What it will see; a hundred are plenty, their classes do not count.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">How ranges are chosen.</param>
    /// <param name="progress">Told stage, images done and images in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <exception cref="DataException">There are no images, or none can be read.</exception>
    /// <exception cref="ThomasException">The model is quantized already, takes no image, or has no layer that 8-bit kernels compute.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static QuantizedModel Quantize(
        Model model, Dataset images, IImageDecoder decoder, QuantizerOptions? options = null, IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new QuantizerOptions();
        options.Check();
        RequireCompletable(model);
        if (images.Samples.Count == 0) throw new DataException($"{images.Name} has no images to measure the ranges of activations on.");
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        PreparedSetOptions prepare = new() { Preprocessing = input.Preprocessing, Threads = options.Compile.Threads, MayLoseClasses = true };
        using PreparedSet set = PreparedSet.Create(images, decoder, prepare, StageProgress.Decoding(progress), cancellation);
        Calibration calibration = new(set, options.Compile, progress, cancellation);
        Graph graph = new QuantizationRun(model, input.Preprocessing, options, calibration).Run(out IReadOnlyList<string> notes, cancellation);
        ModelInfo info = model.Info with { IsQuantized = true, WritesIntegers = true, Rehearsal = null };
        if (model.Info.Rehearsal is not null)
        {
            notes = [
                .. notes,
                "the stored feature vectors of the float network are left out: classes cannot be added without the old images, no image is called unknown"];
        }

        Model quantized = new(graph, info);
        return Comparison.Of(model, quantized, calibration, set.Broken, notes);
    }

    /// <summary>An 8-bit network of which layers were trained keeps its grids, and what left them gets new ones, if all are as those made here.</summary>
    private static void RequireCompletable(Model model)
    {
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Attributes is not FakeQuantizeAttributes { Quantization.IsPerTensor: var isPerTensor } grid) continue;
            if (model.Info.SourceFormat != ModelFormat.Onnx && isPerTensor && (grid.Minimum, grid.Maximum) == (sbyte.MinValue, sbyte.MaxValue)) continue;
            throw new ThomasException(
                $"{model.Info.Name} is an 8-bit network already, and its grids are not those of signed 8-bit .tflite files, so nothing can be added.");
        }
    }
}
