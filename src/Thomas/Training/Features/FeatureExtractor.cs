using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>Runs a graph from images to vectors over samples, batch by batch.</summary>
internal static class FeatureExtractor
{
    /// <summary>Large enough to fill the kernels, small enough for a phone's memory.</summary>
    public const int DefaultBatch = 8;

    /// <summary>Hands out the vectors of one image.</summary>
    /// <param name="index">The image's index in the set.</param>
    /// <param name="view">Its view.</param>
    /// <param name="values">The graph's first output for it; valid during the call.</param>
    public delegate void Receiver(int index, int view, ReadOnlySpan<float> values);

    /// <summary>Runs all views of all images.</summary>
    /// <param name="graph">From one NHWC image to one vector.</param>
    /// <param name="samples">The images.</param>
    /// <param name="options">Device and threads.</param>
    /// <param name="receive">Gets each result, views outermost, images in order.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancellation">Ends the work after the batch at hand.</param>
    /// <param name="largestBatch">The most images of a run; the results do not depend on it.</param>
    /// <param name="note">Told what a person should know of the device.</param>
    /// <param name="watch">Pauses the work while the device is too hot or its battery too low; null for never.</param>
    /// <returns>Names of the kernels that ran.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static IReadOnlyList<string> Run(
        Graph graph, SampleSource samples, CompileOptions options, Receiver receive, IProgress<int>? progress, CancellationToken cancellation,
        int largestBatch = DefaultBatch, Action<string>? note = null, GuardWatch? watch = null)
    {
        int batch = Math.Min(largestBatch, samples.Count);
        if (batch > 1 && !CanTake(graph, batch)) batch = 1;
        using FallbackExecutable executable = new(graph, batch, options, note);
        SampleReader reader = samples.Open();
        Rng rng = new(0);
        int inputLength = samples.InputLength, length = executable.Graph.Outputs[0].Shape.ElementCount / batch;
        int perView = (samples.Count + batch - 1) / batch;
        executable.RunAll(samples.Views * perView, Fill, Receive);
        return executable.Kernels;

        // A short last batch repeats its last image; results are computed for each image alone.
        void Fill(int number, Span<float> inputs)
        {
            cancellation.ThrowIfCancellationRequested();
            watch?.Pass("features", cancellation);
            int start = number % perView * batch, last = Math.Min(batch, samples.Count - start) - 1;
            for (int i = 0; i < batch; i++)
                reader.Read(start + Math.Min(i, last), number / perView, rng, inputs.Slice(i * inputLength, inputLength));
        }

        void Receive(int number, ReadOnlySpan<float> values)
        {
            int view = number / perView, start = number % perView * batch, count = Math.Min(batch, samples.Count - start);
            for (int i = 0; i < count; i++) receive(start + i, view, values.Slice(i * length, length));
            progress?.Report((view * samples.Count) + start + count);
        }
    }

    /// <summary>Whether the first output of the graph grows with the batch; one that drops the batch axis can only take image after image.</summary>
    private static bool CanTake(Graph graph, int batch)
    {
        Shape one = graph.Outputs[0].Shape;
        try
        {
            return one.Rank > 0 && Rebatch.Run(graph, batch).Outputs[0].Shape == one.With(0, batch);
        }
        catch (GraphException)
        {
            return false;
        }
    }
}
