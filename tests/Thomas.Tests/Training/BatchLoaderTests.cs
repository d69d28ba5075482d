using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

[Collection(nameof(ProcessMeasurements))]
public sealed class BatchLoaderTests
{
    private static readonly Preprocessing Input = Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 };

    private static readonly Augmentation Changes = new() { Flip = true, MinimumCropScale = 0.5f, Color = 0.3f };

    [Fact]
    public void Batches_do_not_depend_on_the_threads()
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset(), Trainer.PrepareFor(Input, Changes));
        List<float> expected = Epochs(set, 0);
        Assert.Equal(expected, Epochs(set, 1));
        Assert.Equal(expected, Epochs(set, 3));
        Assert.NotEqual(expected.GetRange(0, 100), Epochs(set, 0, seed: 2).GetRange(0, 100));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_epoch_can_be_entered_anywhere_and_at_any_time(int threads)
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset());
        BatchPlan plan = Plan(set, 1);
        using BatchLoader loader = Loader(set, plan, threads, Changes);
        loader.Start(2, 0);
        List<float[]> all = [];
        for (int i = 0; i < 8; i++) all.Add([.. Next(loader).Images]);
        Assert.Throws<InvalidOperationException>(() => Next(loader));
        for (int step = 3; step >= 0; step--)
        {
            loader.Start(1, 0);
            Next(loader);
            loader.Start(2, step);
            for (int i = step * 2; i < 8; i++) Assert.Equal(all[i], Next(loader).Images);
        }
    }

    [Fact]
    public void Without_changes_a_batch_is_what_the_set_fills()
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset());
        BatchPlan plan = Plan(set, 1);
        using BatchLoader loader = Loader(set, plan, 1, new Augmentation());
        loader.Start(1, 0);
        Read batch = Next(loader);
        int[] picks = [plan.Draw(0, new Rng(0)).Sample, plan.Draw(1, new Rng(0)).Sample];
        float[] expected = new float[2 * set.InputLength];
        set.Fill(picks, 0, expected);
        Assert.Equal(expected, batch.Images);
        Assert.Equal([set.Label(picks[0]), set.Label(picks[1])], batch.Labels);
    }

    [Fact]
    public void Rows_that_nobody_fills_weigh_nothing()
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset());
        BatchPlan plan = Plan(set, 1);
        using BatchLoader loader = Loader(set, plan, 1, new Augmentation());
        loader.Start(1, 3);
        Next(loader);
        Read last = Next(loader);
        Assert.True(last.Weights[0] > 0);
        Assert.Equal((0, Batch.NotCounted), (last.Weights[1], last.Labels[1]));
        Assert.All(last.Images[set.InputLength..], value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void What_goes_wrong_on_a_thread_reaches_the_caller(int threads)
    {
        // A plan of more images than the set has.
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset());
        BatchPlan beyond = new(new int[200], [1, 1, 1], new BatchPlanOptions(4, 2, false, 1, 0, 0, TinyModels.Side, TinyModels.Side, 1));
        using BatchLoader loader = Loader(set, beyond, threads, new Augmentation());
        loader.Start(1, 0);
        Assert.Throws<IndexOutOfRangeException>(() =>
        {
            for (int i = 0; i < 100; i++) Next(loader);
        });
    }

    [Fact]
    public void Waiting_is_measured()
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(5, 1, TrainerJob.Classes).ToDataset());
        using BatchLoader loader = Loader(set, Plan(set, 1), 0, Changes);
        loader.Start(1, 0);
        Next(loader);
        Assert.True(loader.Waited > TimeSpan.Zero);
    }

    [Fact]
    public void Warm_batches_allocate_nothing_on_any_thread()
    {
        using PreparedSet set = TrainerJob.Prepare(TinyModels.Images(160, 1, TrainerJob.Classes).ToDataset(), Trainer.PrepareFor(Input, Changes));
        using BatchLoader loader = Loader(set, Plan(set, 1, mixup: 0.5f), 2, Changes);
        Read read = new();
        for (int epoch = 1; epoch <= 3; epoch++)
        {
            loader.Start(epoch, 0);
            for (int i = 0; i < 240; i++) read.From(loader);
        }

        loader.Start(4, 0);
        for (int i = 0; i < 10; i++) read.From(loader);
        long allocated = ProcessMeasurements.LeastAllocated(() =>
        {
            for (int i = 0; i < 5; i++) read.From(loader);
        });
        Assert.Equal(0, allocated);
    }

    private static BatchPlan Plan(PreparedSet set, ulong seed, float mixup = 0)
    {
        int[] labels = new int[set.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = set.Label(i);
        return new BatchPlan(labels, [1, 1, 1], new BatchPlanOptions(4, 2, false, set.Views, mixup, 0, TinyModels.Side, TinyModels.Side, seed));
    }

    private static BatchLoader Loader(PreparedSet set, BatchPlan plan, int threads, Augmentation augmentation)
    {
        Preprocessor preprocessor = new(Input);
        return new BatchLoader(
            plan, threads, preprocessor.InputLength, () => new BatchMaker(new ImageSamples(set, preprocessor, augmentation, [0, 1, 2]), plan, 0.1f));
    }

    private static List<float> Epochs(PreparedSet set, int threads, ulong seed = 1)
    {
        using BatchLoader loader = Loader(set, Plan(set, seed, mixup: 0.3f), threads, Changes);
        List<float> numbers = [];
        for (int epoch = 1; epoch <= 2; epoch++)
        {
            loader.Start(epoch, 0);
            for (int i = 0; i < 8; i++)
            {
                Read batch = Next(loader);
                numbers.AddRange(batch.Images);
                numbers.AddRange(batch.Targets);
                numbers.AddRange(batch.Weights);
            }
        }

        return numbers;
    }

    private static Read Next(BatchLoader loader)
    {
        Read read = new();
        read.From(loader);
        return read;
    }

    /// <summary>Two rows of a batch.</summary>
    private sealed class Read
    {
        public float[] Images { get; } = new float[2 * TinyModels.Side * TinyModels.Side * 3];

        public float[] Targets { get; } = new float[2 * 3];

        public float[] Weights { get; } = new float[2];

        public int[] Labels { get; } = new int[2];

        public void From(BatchLoader loader) => loader.Next(new BatchSpans(Images, Targets, Weights, Labels));
    }
}
