using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
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
    /// <summary>Images that ranges are measured on where nobody says how many.</summary>
    public const int DefaultImages = 64;

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
        RequireArguments(model, images, decoder);
        options ??= new QuantizerOptions();
        options.Check();
        model = model.WithSignedGrids();
        RequireCompletable(model);
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        using PreparedSet set = Prepare(images, decoder, input, options, progress, cancellation);
        Calibration calibration = new(set, options.Compile, Calibration.MostTurnBytes, progress, cancellation);
        QuantizationRun run = new(model.Info.Name, model.Graph, input.Preprocessing, options, calibration);
        Graph graph = run.Run(out IReadOnlyList<string> notes, cancellation);
        ModelInfo info = model.Info with { IsQuantized = true, WritesIntegers = true, Rehearsal = null };
        return Comparison.Of(model, new Model(graph, info), calibration, set.Broken, [.. notes, .. OldVectors(model)]);
    }

    /// <summary>
    /// Quantizes only what a policy leaves frozen: the layers before the first one that is trained. They then run in integers, with a quarter of the memory for
    /// their weights, and what is trained behind them, in float32, learns from what they give.
    /// </summary>
    /// <param name="model">A network of one image.</param>
    /// <param name="policy">What will be trained; <c>last</c> and <c>last:N</c> leave layers frozen.</param>
    /// <param name="images">Some of the training images; a hundred are plenty, their classes do not count.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">How ranges are chosen.</param>
    /// <param name="progress">Told stage, images done and images in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <returns>The model to tune, in place of the other.</returns>
    /// <exception cref="DataException">There are no images, or none can be read.</exception>
    /// <exception cref="ThomasException">
    /// The model is quantized already, takes no image, has no frozen layer that 8-bit kernels compute, or the policy leaves nothing frozen.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    /// <example>
    /// <code>
    /// Model model = Model.Load("mobilenet_v2.onnx");
    /// UpdatePolicy policy = new(UpdateKind.LastLayers, 3);
    /// Dataset dataset = DatasetLoader.Load("flowers");
    /// Model frozen = Quantizer.QuantizeFrozen(model, policy, Quantizer.Some(dataset), ImageDecoders.Best()).Model;
    /// TuningOptions options = new() { Network = new TrainerOptions { Policy = policy } };
    /// Tuner.Tune(frozen, dataset, ImageDecoders.Best(), options).Model.Save("flowers.tflite");
    /// </code>
    /// </example>
    public static QuantizedModel QuantizeFrozen(
        Model model, UpdatePolicy policy, Dataset images, IImageDecoder decoder, QuantizerOptions? options = null,
        IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        RequireArguments(model, images, decoder);
        options ??= new QuantizerOptions();
        options.Check();
        options = options.Bounded();
        RequireFloat(model);
        FrozenPart part = FrozenPart.Of(model, policy);
        long turn = part.TurnBytes(options, images.Samples.Count, images.HeldBytes);
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        using PreparedSet set = Prepare(images, decoder, input, options, progress, cancellation);
        Calibration calibration = new(set, options.Compile, turn, progress, cancellation);
        Model quantized = WithFrozen(model, part, input.Preprocessing, options, calibration, out IReadOnlyList<string> notes, cancellation);
        return Comparison.Of(model, quantized, calibration, set.Broken, [.. notes, .. OldVectors(model)]);
    }

    /// <summary>
    /// What <see cref="QuantizeFrozen"/> gives, on grids that fit no image: operators, types and memory are the same, so that training can be planned without
    /// images.
    /// </summary>
    /// <param name="model">A network of one image.</param>
    /// <param name="policy">What will be trained.</param>
    /// <returns>A model to plan with; its results mean nothing.</returns>
    /// <exception cref="ThomasException">As for <see cref="QuantizeFrozen"/>.</exception>
    public static Model OutlineFrozen(Model model, UpdatePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(model);
        RequireFloat(model);
        return WithFrozen(model, FrozenPart.Of(model, policy), ImageInput.Of(model, null).Preprocessing, new QuantizerOptions(), null, out _, default);
    }

    /// <summary>What <see cref="Quantize"/> gives, on grids that fit no image.</summary>
    internal static Model Outline(Model model)
    {
        QuantizationRun run = new(model.Info.Name, model.Graph, ImageInput.Of(model, null).Preprocessing, new QuantizerOptions(), null);
        return new Model(run.Run(out _, default), model.Info with { IsQuantized = true, WritesIntegers = true, Rehearsal = null });
    }

    /// <summary>What <see cref="QuantizeFrozen"/> adds to the process at least, beside the data set and the runtime.</summary>
    internal static long FrozenBytes(Model model, UpdatePolicy policy, CompileOptions compile, int images) =>
        FrozenPart.Of(model, policy).LeastBytes(compile, Math.Min(images, DefaultImages)).Bytes;

    /// <summary>Some training images of a data set to measure ranges on, spread evenly over it.</summary>
    /// <param name="dataset">The data set; of one that is not split, any image may be among them.</param>
    /// <param name="count">The most images to take.</param>
    public static Dataset Some(Dataset dataset, int count = DefaultImages)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Dataset source = dataset.Has(Subset.Train) ? dataset.Only(Subset.Train) : dataset;
        int all = source.Samples.Count, wanted = Math.Min(count, all);
        List<Sample> samples = [];
        for (int i = 0; i < wanted; i++) samples.Add(source.Samples[(int)((long)i * all / wanted)]);
        return new Dataset(source.Name, [.. source.ClassNames], samples);
    }

    private static Model WithFrozen(
        Model model, FrozenPart part, Preprocessing preprocessing, QuantizerOptions options, Calibration? calibration, out IReadOnlyList<string> notes,
        CancellationToken cancellation)
    {
        QuantizationRun run = new(model.Info.Name, part.Graph(), preprocessing, options, calibration, givesScores: false);
        return new Model(part.With(run.Run(out notes, cancellation)), model.Info with { IsQuantized = true, WritesIntegers = true, Rehearsal = null });
    }

    private static void RequireArguments(Model model, Dataset images, IImageDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(decoder);
        if (images.Samples.Count == 0) throw new DataException($"{images.Name} has no images to measure the ranges of activations on.");
    }

    private static PreparedSet Prepare(
        Dataset images, IImageDecoder decoder, ImageInput input, QuantizerOptions options, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        PreparedSetOptions prepare = new() { Preprocessing = input.Preprocessing, Threads = options.Compile.Threads, MayLoseClasses = true };
        return PreparedSet.Create(images, decoder, prepare, StageProgress.Decoding(progress), cancellation);
    }

    private static string[] OldVectors(Model model) => model.Info.Rehearsal is null
        ? []
        : ["the stored feature vectors of the float network are left out: classes cannot be added without the old images, no image is called unknown"];

    private static void RequireFloat(Model model)
    {
        if (IsQuantized(model)) throw new ThomasException($"{model.Info.Name} is an 8-bit network already: what is not trained runs in integers as it is.");
    }

    /// <summary>
    /// An 8-bit network of which layers were trained keeps its grids, and what left them gets new ones, if all are as those made here; only that of the images
    /// may be unsigned, since files often take bytes as they are.
    /// </summary>
    private static void RequireCompletable(Model model)
    {
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Attributes is not FakeQuantizeAttributes { Quantization.IsPerTensor: var isPerTensor } grid) continue;
            bool isSigned = (grid.Minimum, grid.Maximum) == (sbyte.MinValue, sbyte.MaxValue) || node.Inputs[0].IsInput;
            if (isPerTensor && isSigned) continue;
            throw new ThomasException(
                $"{model.Info.Name} is an 8-bit network already, and its grids are not those of signed 8-bit networks, so nothing can be added.");
        }
    }
}
