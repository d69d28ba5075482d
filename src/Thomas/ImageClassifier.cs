using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas;

/// <summary>
/// Classifies images with a compiled model. Safe for any number of threads: keep one for as long as the program needs it, as a singleton in a web application.
/// Up to
/// <see cref="Concurrency"/> calls work side by side and further ones wait; they share the weights, and each beyond the first adds the model's working memory
/// when it is first needed. Disposal lets calls under way finish, and ends those that wait with an <see cref="ObjectDisposedException"/>.
/// </summary>
/// <example>
/// <code>
/// using ImageClassifier classifier = new(Model.Load("flowers.tflite"));
/// ClassScore best = classifier.Classify(ImageDecoders.Best(), File.ReadAllBytes("new.jpg"))[0];
/// Console.WriteLine($"{best.Label} {best.Probability:P0}");
/// </code>
/// </example>
public sealed class ImageClassifier : IDisposable
{
    /// <summary>Calls that work side by side where nothing else is asked for: one for each processor, but no more than this.</summary>
    public const int DefaultConcurrency = 8;

    /// <summary>The most calls that can be asked to work side by side.</summary>
    public const int MaximumConcurrency = 1024;

    private readonly FallbackPool _pool;
    private readonly Preprocessor _preprocessor;
    private readonly UnknownDetector? _unknown;

    /// <summary>Compiles a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="preprocessing">Overrides what the model says.</param>
    /// <param name="options">Device and threads.</param>
    /// <param name="batch">Images per run, for <see cref="Classify(IReadOnlyList{RgbImage}, int)"/>.</param>
    /// <param name="concurrency">Most calls that work side by side; 0 for one for each processor, up to <see cref="DefaultConcurrency"/>.</param>
    /// <exception cref="ThomasException">The model is no image classifier, its weights are damaged, or the batch does not fit into memory: then the message
    /// names the largest that does.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="batch"/> is below 1, or <paramref name="concurrency"/> negative or above
    /// <see cref="MaximumConcurrency"/>.</exception>
    public ImageClassifier(Model model, Preprocessing? preprocessing = null, CompileOptions? options = null, int batch = 1, int concurrency = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(concurrency);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(concurrency, MaximumConcurrency);
        Input = ImageInput.Of(model, preprocessing);
        ModelChecks.RequireFinite(model);
        Output = ClassOutput.Of(model);
        Batch = batch;
        Concurrency = concurrency > 0 ? concurrency : Math.Min(Environment.ProcessorCount, DefaultConcurrency);
        _preprocessor = new Preprocessor(Input.Preprocessing);
        _unknown = UnknownDetector.Of(model);
        Graph graph = _unknown?.Graph ?? Output.Alone().Graph;
        _pool = new FallbackPool(
            options ?? new CompileOptions(),
            compile => new ExecutablePool(BatchFit.Compile(graph, Batch, compile), Concurrency, nameof(ImageClassifier)));
    }

    /// <summary>The preprocessing in use and where it comes from.</summary>
    public ImageInput Input { get; }

    /// <summary>Which of the model's outputs names the classes, and what its numbers mean.</summary>
    public ClassOutput Output { get; }

    /// <summary>Number of classes; two where the model has a single output.</summary>
    public int Classes => Output.Classes;

    /// <summary>Class names, one for each class.</summary>
    public IReadOnlyList<string> Labels => Output.Labels;

    /// <summary>
    /// The similarity below which <see cref="Recognize(RgbImage, int)"/> calls an image unknown; null where the model carries none, or carries feature vectors
    /// that do not fit its network.
    /// </summary>
    public float? UnknownThreshold => _unknown?.Threshold;

    /// <summary>Images per run.</summary>
    public int Batch { get; }

    /// <summary>Most calls that work side by side.</summary>
    public int Concurrency { get; }

    /// <summary>Names of the kernels in the order they run, for logs and reports.</summary>
    public IReadOnlyList<string> Kernels => _pool.Pool.Kernels;

    /// <summary>
    /// What a person should know of the device: kernels of it that cannot be used, and that it has failed, so that the CPU has computed from there on.
    /// </summary>
    public IReadOnlyList<string> Notes => _pool.Notes;

    /// <summary>Bytes held beyond the model itself: packed weights, and working memory for as many calls as have worked side by side so far.</summary>
    public long SizeBytes => _pool.Pool.SizeBytes;

    /// <summary>Classifies an image and returns the best classes, best first; equal scores keep the order of the classes.</summary>
    /// <param name="image">The image.</param>
    /// <param name="top">Most classes to return.</param>
    public IReadOnlyList<ClassScore> Classify(RgbImage image, int top = 5)
    {
        Check(image, top);
        return _pool.Work(executable => Rank(Run(executable, image), top));
    }

    /// <summary>Classifies an encoded image.</summary>
    /// <param name="decoder">Decodes it; may be called by several threads at once.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="top">Most classes to return.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    public IReadOnlyList<ClassScore> Classify(IImageDecoder decoder, ReadOnlyMemory<byte> encoded, int top = 5)
    {
        Check(decoder, top);
        return _pool.Work(executable => Rank(Run(executable, Decode(decoder, encoded)), top));
    }

    /// <summary>Reads a stream to its end and classifies the image in it.</summary>
    /// <param name="decoder">Decodes it; may be called by several threads at once.</param>
    /// <param name="stream">The stream, at the start of the encoded image. It is left open.</param>
    /// <param name="top">Most classes to return.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded, or is longer than
    /// <see cref="ImageDecoderExtensions.MaximumEncodedBytes"/>.</exception>
    public IReadOnlyList<ClassScore> Classify(IImageDecoder decoder, Stream stream, int top = 5)
    {
        Check(decoder, top);
        return Classify(decoder, ImageDecoderExtensions.ReadToEnd(stream), top);
    }

    /// <summary>
    /// Classifies an image and tells whether it is of any of the classes at all. Models that Thomas has tuned carry what that takes; of another one the answer
    /// is that of <see cref="Classify(RgbImage, int)"/>, with no similarity. Costs as much as classifying.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="top">Most classes to return.</param>
    /// <example>
    /// <code>
    /// Recognition answer = classifier.Recognize(image);
    /// Console.WriteLine(answer.IsUnknown ? $"unknown ({answer.Similarity:F2})" : answer.Scores[0].Label);
    /// </code>
    /// </example>
    public Recognition Recognize(RgbImage image, int top = 5)
    {
        Check(image, top);
        return _pool.Work(executable => Recognized(Run(executable, image), top));
    }

    /// <summary>As <see cref="Recognize(RgbImage, int)"/>, for an encoded image.</summary>
    /// <param name="decoder">Decodes it; may be called by several threads at once.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="top">Most classes to return.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    public Recognition Recognize(IImageDecoder decoder, ReadOnlyMemory<byte> encoded, int top = 5)
    {
        Check(decoder, top);
        return _pool.Work(executable => Recognized(Run(executable, Decode(decoder, encoded)), top));
    }

    /// <summary>As <see cref="Recognize(RgbImage, int)"/>, on the thread pool.</summary>
    /// <param name="image">The image; its pixels must not change before the task ends.</param>
    /// <param name="top">Most classes to return.</param>
    /// <param name="cancellation">Ends the wait for others to finish; a run that has begun is not cut short.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public Task<Recognition> RecognizeAsync(RgbImage image, int top = 5, CancellationToken cancellation = default)
    {
        Check(image, top);
        return _pool.WorkAsync(executable => Recognized(Run(executable, image), top), cancellation);
    }

    /// <summary>Classifies images, <see cref="Batch"/> of them per run. Each has the scores that it would have alone.</summary>
    /// <param name="images">The images.</param>
    /// <param name="top">Most classes to return for each.</param>
    /// <returns>The best classes of each image.</returns>
    public IReadOnlyList<IReadOnlyList<ClassScore>> Classify(IReadOnlyList<RgbImage> images, int top = 5)
    {
        ArgumentNullException.ThrowIfNull(images);
        foreach (RgbImage image in images) Check(image, top);
        return _pool.Work(executable =>
        {
            IReadOnlyList<ClassScore>[] results = new IReadOnlyList<ClassScore>[images.Count];
            int length = _preprocessor.InputLength, stride = executable.Graph.Outputs[0].Shape.ElementCount / Batch;
            executable.RunAll(0, (results.Length + Batch - 1) / Batch, Fill, Receive);
            return results;

            int Count(int number) => Math.Min(Batch, results.Length - (number * Batch));

            void Fill(int number, Span<float> input)
            {
                for (int i = 0; i < Count(number); i++) _preprocessor.Run(images[(number * Batch) + i], input.Slice(i * length, length));
            }

            void Receive(int number, ReadOnlySpan<float> numbers)
            {
                for (int i = 0; i < Count(number); i++)
                    results[(number * Batch) + i] = Output.Rank(numbers.Slice(i * stride, Output.Numbers), top);
            }
        });
    }

    /// <summary>As <see cref="Classify(RgbImage, int)"/>, on the thread pool.</summary>
    /// <param name="image">The image; its pixels must not change before the task ends.</param>
    /// <param name="top">Most classes to return.</param>
    /// <param name="cancellation">Ends the wait for others to finish; a run that has begun is not cut short, it takes milliseconds.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public Task<IReadOnlyList<ClassScore>> ClassifyAsync(RgbImage image, int top = 5, CancellationToken cancellation = default)
    {
        Check(image, top);
        return _pool.WorkAsync(executable => Rank(Run(executable, image), top), cancellation);
    }

    /// <summary>
    /// As <see cref="Classify(IImageDecoder, ReadOnlyMemory{byte}, int)"/>, on the thread pool. No more images are decoded at once than
    /// <see cref="Concurrency"/>.
    /// </summary>
    /// <param name="decoder">Decodes the image; may be called by several threads at once.</param>
    /// <param name="encoded">The whole encoded file; it must not change before the task ends.</param>
    /// <param name="top">Most classes to return.</param>
    /// <param name="cancellation">Ends the wait for others to finish, and is looked at once more between decoding and the run.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public Task<IReadOnlyList<ClassScore>> ClassifyAsync(
        IImageDecoder decoder, ReadOnlyMemory<byte> encoded, int top = 5, CancellationToken cancellation = default)
    {
        Check(decoder, top);
        return _pool.WorkAsync(
            executable =>
            {
                RgbImage image = Decode(decoder, encoded);
                cancellation.ThrowIfCancellationRequested();
                return Rank(Run(executable, image), top);
            },
            cancellation);
    }

    /// <summary>As <see cref="Classify(IImageDecoder, Stream, int)"/>, reading and working asynchronously.</summary>
    /// <param name="decoder">Decodes the image; may be called by several threads at once.</param>
    /// <param name="stream">The stream, at the start of the encoded image. It is left open.</param>
    /// <param name="top">Most classes to return.</param>
    /// <param name="cancellation">Ends reading and waiting.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded, or is longer than
    /// <see cref="ImageDecoderExtensions.MaximumEncodedBytes"/>.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public Task<IReadOnlyList<ClassScore>> ClassifyAsync(IImageDecoder decoder, Stream stream, int top = 5, CancellationToken cancellation = default)
    {
        Check(decoder, top);
        ArgumentNullException.ThrowIfNull(stream);
        return ReadAndClassify();

        async Task<IReadOnlyList<ClassScore>> ReadAndClassify()
        {
            byte[] encoded = await ImageDecoderExtensions.ReadToEndAsync(stream, cancellation).ConfigureAwait(false);
            return await ClassifyAsync(decoder, encoded, top, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The model's own numbers for an image, as they are; <see cref="Output"/> says what they mean and makes probabilities of them.</summary>
    /// <param name="image">The image.</param>
    /// <returns><see cref="ClassOutput.Numbers"/> numbers: one for each class, or a single one for two classes.</returns>
    public float[] Scores(RgbImage image)
    {
        Check(image, 0);
        return _pool.Work(executable => Run(executable, image)[..Output.Numbers].ToArray());
    }

    /// <summary>Frees memory and threads when the calls under way have finished; does not wait for them.</summary>
    public void Dispose() => _pool.Dispose();

    private static void Check(object argument, int top, [CallerArgumentExpression(nameof(argument))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(argument, name);
        ArgumentOutOfRangeException.ThrowIfNegative(top);
    }

    private RgbImage Decode(IImageDecoder decoder, ReadOnlyMemory<byte> encoded) =>
        decoder.WithBackground(_preprocessor.Preprocessing.Background).DecodeChecked(encoded, _preprocessor.MinimumShortSide, "the image");

    private IReadOnlyList<ClassScore> Rank(ReadOnlySpan<float> output, int top) => Output.Rank(output[..Output.Numbers], top);

    private Recognition Recognized(ReadOnlySpan<float> output, int top) => new(Rank(output, top), _unknown?.Similarity(output), _unknown?.Threshold);

    /// <summary>The scores of one image, and its features where a threshold needs them; valid while the executable is the caller's.</summary>
    private ReadOnlySpan<float> Run(Executable executable, RgbImage image)
    {
        _preprocessor.Run(image, executable.Stage()[.._preprocessor.InputLength]);
        executable.Send();
        executable.Run();
        return executable.Fetch();
    }
}
