using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Training;

// The features of the images: computed, or read from the cache.
internal sealed partial class TuningJob
{
    // Part of the cache key: change it when kernels or passes begin to give other bits.
    private const int FeatureVersion = 2;

    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);
    private int _noticesBefore;

    private FeatureMatrix Features(Graph graph, PreparedSet set, Dataset part, ImageInput input, int[] outputs, bool isCheck)
    {
        using (_timer.Measure("features"))
        {
            _broken.AddRange(set.Broken);
            foreach (string notice in set.Notices) Warn(notice);
            _warnings.AddRange(LostClasses.Of(part, set.Dataset, "validation image"));
            ImageSamples samples = new(set, new Preprocessor(input.Preprocessing), new Augmentation(), outputs);
            if (options.CacheDirectory is null) return Compute();
            _noticesBefore = set.Notices.Count;
            FeatureCache cache = new(Path.Combine(options.CacheDirectory, "features"));
            bool computed = false;
            FeatureMatrix matrix = cache.GetOrCompute(
                CacheKey(graph, set, input, outputs),
                () =>
                {
                    computed = true;
                    return Compute();
                },
                matrix => Problem(matrix, graph, samples),
                Warn);
            AddLateNotices(set);
            if (!computed) _notes.Add($"features of the {(isCheck ? "validation" : "training")} images read from the cache");
            return matrix;

            FeatureMatrix Compute() => this.Compute(
                graph, samples, index => set.Dataset.Samples[index].Image.Name, StageProgress.Counting(progress, "features", set.Count * set.Views));
        }
    }

    /// <summary>Tells of what is wrong with the cache; of each kind once, though it strikes training and validation images alike.</summary>
    private void Warn(string note)
    {
        _notes.Add(note);
        int name = note.IndexOf('\'', StringComparison.Ordinal);
        if (_warned.Add(name < 0 ? note : note[..name])) progress?.Report(StageProgress.Warning("features", note));
    }

    /// <summary>What is wrong with features from a file; its checksum holds, but whoever wrote it may have been wrong, or hostile.</summary>
    private static string? Problem(FeatureMatrix matrix, Graph graph, ImageSamples samples)
    {
        if (matrix.Samples != samples.Count || matrix.Views != samples.Views || matrix.Features != graph.Outputs[0].Shape[-1])
        {
            return "it holds a different number of features or images";
        }

        for (int i = 0; i < matrix.Samples; i++)
        {
            if (matrix.Labels[i] != samples.Label(i)) return "its images have other classes";
            for (int view = 0; view < matrix.Views; view++)
            {
                foreach (float value in matrix.Row(i, view))
                {
                    if (!float.IsFinite(value)) return "it holds values that are not finite";
                }
            }
        }

        return null;
    }

    /// <summary>What happened to the prepared images while they were in use.</summary>
    private void AddLateNotices(PreparedSet set)
    {
        IReadOnlyList<string> notices = set.Notices;
        for (int i = _noticesBefore; i < notices.Count; i++) Warn(notices[i]);
    }

    private FeatureMatrix Compute(Graph graph, SampleSource samples, Func<int, string> nameOf, IProgress<int>? progress)
    {
        int[] labels = new int[samples.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = samples.Label(i);
        FeatureMatrix matrix = new(labels, graph.Outputs[0].Shape[-1], samples.Views);
        try
        {
            _kernels = FeatureExtractor.Run(
                graph,
                samples,
                options.Compile,
                (index, view, values) =>
                {
                    foreach (float value in values)
                    {
                        if (!float.IsFinite(value))
                        {
                            throw new ThomasException(
                                $"{model.Info.Name}: the features of {nameOf(index)} are not finite; the model's weights are "
                                + $"damaged or the preprocessing is wrong.");
                        }
                    }

                    values.CopyTo(matrix.WritableRow(index, view));
                },
                progress,
                cancellation,
                _plan?.FeatureBatch ?? FeatureExtractor.DefaultBatch,
                Warn,
                _watch);
            return matrix;
        }
        catch
        {
            matrix.Dispose();
            throw;
        }
    }

    /// <summary>All that the feature bits and labels depend on.</summary>
    private string CacheKey(Graph graph, PreparedSet set, ImageInput input, int[] outputs)
    {
        List<string> parts = [
            $"features {FeatureVersion}", $"model {ModelHash.Of(graph):x32}", $"images {set.Key:x32}",
            $"device {Device.Of(options.Compile).Identity} {CpuFeatures.TierName}", $"rounding {options.Compile.QuantizedRounding}",
            $"outputs {XxHash128.HashToUInt128(MemoryMarshal.AsBytes<int>(outputs)):x32}"];
        foreach (KeyValuePair<string, string> pair in PreprocessingText.Format(input.Preprocessing)) parts.Add($"{pair.Key} {pair.Value}");

        // As a hash: one line an image would outgrow a key's 64 KiB from some 15,000 images on.
        int[] labels = new int[set.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = set.Label(i);
        parts.Add($"labels {XxHash128.HashToUInt128(MemoryMarshal.AsBytes<int>(labels)):x32} of {labels.Length}");
        return string.Join('\n', parts);
    }
}
