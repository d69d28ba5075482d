using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Runs under a bound of all that they add to their process.</summary>
public sealed partial class RunPlannerTests
{
    private const int Side = 64, Channels = 16;

    [Fact]
    public void A_bound_that_forces_recomputation_changes_no_byte_of_the_result()
    {
        TuningOptions options = new()
        {
            Network = new TrainerOptions { Epochs = 2, BatchSize = 8, MicroBatch = 8, LearningRate = 1e-3f },
            Head = TrainerOptions.LastLayer with { Epochs = 3 },
            Compile = new CompileOptions { Threads = 1 },
        };
        Model model = Network();
        Dataset data = Images();
        string refusal = Assert.ThrowsAny<ThomasException>(() => Tuner.Plan(model, data, options with { MemoryBytes = 1 })).Message;
        Assert.True(ByteSize.TryParse(SmallestBound().Match(refusal).Groups[1].Value, out long bound), refusal);

        TuningResult free = Tuner.Tune(model, data, new SkiaImageDecoder(), options),
            bounded = Tuner.Tune(model, data, new SkiaImageDecoder(), options with { MemoryBytes = bound });
        Assert.Equal(1, bounded.Plan!.Step!.Runs);
        Assert.True(bounded.Plan.Step.Recomputed.Count > 0);
        Assert.InRange(bounded.BestEpoch, 1, 2);
        foreach (ModelFormat format in new[] { ModelFormat.Onnx, ModelFormat.TfLite }) Assert.Equal(Bytes(free.Model, format), Bytes(bounded.Model, format));
        Assert.NotEqual(Bytes(model, ModelFormat.Onnx), Bytes(bounded.Model, ModelFormat.Onnx));
    }

    [Theory]
    [InlineData("all")]
    [InlineData("sparse:5MiB")]
    public void A_plan_holds_for_a_model_of_other_weights_as_if_it_were_made_anew(string name)
    {
        Assert.True(UpdatePolicy.TryParse(name, out UpdatePolicy policy));
        Model model = Network(), other = TrainingPlanner.WithClasses(Network(), 4);
        TrainingPlanOptions options = new() { Policy = policy, Batch = 8, MicroBatch = 8, Compile = new CompileOptions { Threads = 1 } };
        long least = policy.Kind == UpdateKind.Sparse ? 1 << 30 : TrainingPlanner.Smallest(model, options).Memory.Total;
        options = options with { MemoryBytes = least };
        TrainingPlan first = TrainingPlanner.Plan(model, options), again = first.For(other, options)!, anew = TrainingPlanner.Plan(other, options);
        Assert.Equal(anew.ToText(), again.ToText());
        Assert.Equal(policy.Kind == UpdateKind.Sparse, again.Recomputed.Count == 0);
        Assert.Null(first.For(other, options with { Batch = 16 }));
        Assert.Null(first.For(other, options with { MemoryBytes = first.Memory.Total - 1 }));
        Assert.Null(first.For(TrainerJob.Model(), options));
    }

    [Fact]
    public void What_is_concluded_from_a_model_is_concluded_once()
    {
        Model model = Network();
        Assert.Same(HeadSplit.Find(model), HeadSplit.Find(model));
        Assert.Same(ImageInput.Of(model), ImageInput.Of(model));
        Assert.NotSame(HeadSplit.Find(model), HeadSplit.Find(Network()));
    }

    [Fact]
    public void Views_of_many_images_are_counted_beyond_32_bits()
    {
        RunPlanOptions options = new() { Classes = 4, Images = 100_000_000, Compile = new CompileOptions { Threads = 1 } };
        long Features(int views) => RunPlanner.Plan(Network(), options with { Views = views }).Stages[1].Parts[2].Bytes;
        Assert.Equal(100_000_000L * Channels * sizeof(float), Features(1));
        Assert.Equal(64 * Features(1), Features(64));
    }

    [Fact]
    public void Under_a_bound_images_that_no_file_takes_end_the_run()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["taken"], "");
        TuningOptions options = new() { CacheDirectory = folder["taken"], Compile = new CompileOptions { Threads = 1 } };
        OutputException error = Assert.Throws<OutputException>(
            () => Tuner.Tune(Network(), Images(), new SkiaImageDecoder(), options with { MemoryBytes = 1L << 30 }));
        Assert.Contains("With a memory bound", error.Message, StringComparison.Ordinal);
        Assert.Contains(folder["taken"], error.Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(Model model, ModelFormat format)
    {
        using MemoryStream file = new();
        model.Save(file, format);
        return file.ToArray();
    }

    private static Dataset Images()
    {
        List<Sample> samples = [];
        for (int i = 0; i < 24; i++)
        {
            RgbImage noise = Tests.Data.Images.Noise(Side, Side, (ulong)i);
            for (int p = i % 2; p < noise.Pixels.Length; p += 3) noise.Pixels[p] /= 4;
            samples.Add(new Sample(ImageSource.FromPixels($"{i}", noise), i % 2, Subset.Unassigned));
        }

        return new Dataset("noise", ["red", "green"], samples);
    }

    /// <summary>Layers as wide as the image, whose activations need what went in: much to keep, and much that can be computed again.</summary>
    private static Model Network()
    {
        GraphBuilder b = new();
        Value y = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        for (int i = 0; i < 6; i++)
        {
            Value weight = b.Constant(
                $"conv{i}.weight", TensorData.FromFloats(new Shape(Channels, 1, 1, y.Shape[3]), TestGraphs.Noise(Channels * y.Shape[3], (uint)(i + 1))));
            y = b.Add(OpCatalog.Conv2d, [y, weight], new Conv2dAttributes(new Window2d(1, 1, 1, 1, 1, 1, default)), $"conv{i}");
            y = b.Add(OpCatalog.Activate, [y], new ActivateAttributes(new Activation(ActivationKind.HardSwish)), $"swish{i}");
        }

        y = b.Add(OpCatalog.Reduce, [y], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "pooled");
        y = b.Add(OpCatalog.Dense, [y, b.Weights("head", 21, 4, Channels), b.Weights("bias", 22, 4)], new DenseAttributes(HasBias: true), "scores");
        y = b.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes(), "probabilities");
        return new Model(b.Build(y), new ModelInfo { Name = "wide", Preprocessing = Preprocessing.Preset("unit", Side, Side) });
    }

    [GeneratedRegex(@"smallest bound that works is ([0-9.]+[A-Za-z]+)\.")]
    private static partial Regex SmallestBound();
}
