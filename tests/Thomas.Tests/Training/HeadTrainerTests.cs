using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class HeadTrainerTests
{
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    [InlineData(OptimizerKind.AdamW)]
    public void A_separable_problem_is_learned_completely(OptimizerKind optimizer)
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20, 20], 12, seed: 51, distance: 12);
        using FeatureMatrix validation = Surrogate.Gaussians([20, 20, 20], 12, seed: 52, distance: 12);
        HeadResult result = Train(Of(optimizer), train, validation, 3);
        Assert.Equal(1, result.Head.Evaluate(train).Accuracy);
        Assert.Equal(1, result.Head.Evaluate(validation).Accuracy);
        Assert.True(result.Epochs[^1].TrainLoss < result.Epochs[0].TrainLoss);
    }

    [Fact]
    public void Defaults_beat_the_nearest_centroid_on_features_like_a_networks()
    {
        const int Features = 640;
        using FeatureMatrix train = Surrogate.Relu6Clusters([60, 60, 60, 60, 60], Features, world: 5, seed: 1, separation: 0.14f);
        using FeatureMatrix test = Surrogate.Relu6Clusters([100, 100, 100, 100, 100], Features, world: 5, seed: 2, separation: 0.14f);
        double centroid = NearestCentroid.Fit(train, 5).Evaluate(test).Accuracy;
        HeadResult result = Train(Default, train, null, 5);
        double trained = result.Head.Evaluate(test).Accuracy;
        Assert.Equal(50, result.BestEpoch);
        Expect.True(trained > centroid + 0.1, $"trained {trained}, nearest centroid {centroid}");
    }

    [Fact]
    public void Scale_and_offset_of_the_features_do_not_matter()
    {
        using FeatureMatrix train = Surrogate.Gaussians([30, 30], 8, seed: 53, distance: 2);
        using FeatureMatrix scaled = new(train.Labels, 8);
        for (int i = 0; i < train.Samples; i++)
            for (int k = 0; k < 8; k++) scaled.WritableRow(i)[k] = (1024 * train.Row(i)[k]) + 64;
        TrainerOptions trainer = Default;
        HeadResult plain = Train(trainer, train, null, 2), large = Train(trainer, scaled, null, 2);
        Assert.Equal(plain.Epochs[^1].TrainLoss, large.Epochs[^1].TrainLoss, 1e-4);
        for (int i = 0; i < plain.Head.Weights.Length; i++) Assert.Equal(plain.Head.Weights[i], 1024 * large.Head.Weights[i], 1e-3f);
    }

    [Fact]
    public void Keeps_the_epoch_that_the_rule_names_and_stops_when_patience_ends()
    {
        // Labels at random: training memorizes them, validation wanders around chance.
        using FeatureMatrix train = RandomLabels(61), validation = RandomLabels(62);
        TrainerOptions options = Default with { Epochs = 200, EarlyStoppingPatience = 7, FinalLearningRateShare = 1, ClassBalance = ClassBalance.None };
        HeadResult result = Train(options, train, validation, 3);
        Assert.True(result.StoppedEarly);
        Assert.False(result.Cancelled);
        Assert.Equal(result.BestEpoch + 7, result.Epochs.Count);

        EpochReport best = result.Epochs[0];
        foreach (EpochReport epoch in result.Epochs)
        {
            bool better = epoch.ValidationAccuracy > best.ValidationAccuracy
                || (epoch.ValidationAccuracy == best.ValidationAccuracy && epoch.ValidationLoss < best.ValidationLoss);
            if (better) best = epoch;
            Assert.Equal(better || epoch.Epoch == 1, epoch.IsBest);
        }

        Assert.Equal(best.Epoch, result.BestEpoch);
        Assert.Equal(best.ValidationAccuracy, result.Head.Evaluate(validation).Accuracy);
        Assert.Equal(best.ValidationLoss!.Value, Loss(result.Head, validation, smoothing: 0), 1e-5);
        Assert.NotEqual(best.ValidationLoss!.Value, result.Epochs[^1].ValidationLoss!.Value, 1e-3);
        Assert.True(result.Epochs[^1].TrainAccuracy > result.Epochs[0].TrainAccuracy);
    }

    [Fact]
    public void Cancellation_in_an_epoch_gives_the_best_so_far()
    {
        using FeatureMatrix train = Surrogate.Gaussians([40, 40], 10, seed: 54, distance: 3);
        using CancellationTokenSource source = new();
        Recorder recorder = new(report =>
        {
            if (report.Epoch == 3) source.Cancel();
        });
        HeadResult canceled = Result(HeadTrainer.Train(train, null, 2, epochs: recorder, cancellation: source.Token));
        Assert.True(canceled.Cancelled);
        Assert.Equal(3, canceled.BestEpoch);
        Assert.Equal(3, canceled.Epochs.Count);
        Assert.Equal(canceled.Epochs, recorder.Reports);
        Assert.True(canceled.Head.Evaluate(train).Accuracy > 0.8);
    }

    [Fact]
    public void Cancellation_before_the_first_batch_gives_the_untrained_head()
    {
        using FeatureMatrix train = Surrogate.Gaussians([4, 4], 3, seed: 55, distance: 3);
        HeadResult result = Result(HeadTrainer.Train(train, train, 2, cancellation: new CancellationToken(canceled: true)));
        Assert.True(result.Cancelled);
        Assert.Equal(0, result.BestEpoch);
        Assert.Empty(result.Epochs);
        Assert.All(result.Head.Weights.ToArray(), w => Assert.Equal(0, w));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_however_many_threads_train()
    {
        using FeatureMatrix train = Surrogate.Relu6Clusters([15, 15, 15], 50, world: 6, seed: 1, separation: 0.5f, views: 3);
        using FeatureMatrix validation = Surrogate.Relu6Clusters([9, 9, 9], 50, world: 6, seed: 2, separation: 0.5f);
        TrainerOptions trainer = Default with { Epochs = 12, BatchSize = 7, Seed = 77, Optimizer = Default.Optimizer with { ClipNorm = 0.5f } };
        LinearHead alone = Train(trainer, train, validation, 3).Head;
        LinearHead?[] heads = new LinearHead?[4];
        Thread[] threads = new Thread[heads.Length];
        for (int t = 0; t < threads.Length; t++)
        {
            int index = t;
            threads[t] = new Thread(() => heads[index] = Train(trainer, train, validation, 3).Head);
            threads[t].Start();
        }

        foreach (Thread thread in threads) thread.Join();
        foreach (LinearHead? head in heads)
        {
            Assert.NotNull(head);
            Assert.Equal(Bits(alone.Weights), Bits(head.Weights));
            Assert.Equal(Bits(alone.Bias), Bits(head.Bias));
        }

        LinearHead other = Train(
            Default with { Epochs = 12, BatchSize = 7, Seed = 78, Optimizer = Default.Optimizer with { ClipNorm = 0.5f } }, train, validation, 3).Head;
        Assert.NotEqual(Bits(alone.Weights), Bits(other.Weights));
    }

    [Fact]
    public void An_initial_head_is_where_training_starts_and_every_sample_counts_once()
    {
        using FeatureMatrix train = Surrogate.Gaussians([30, 30], 6, seed: 59, distance: 2);
        LinearHead start = Train(Default with { Epochs = 3 }, train, null, 2).Head;
        TrainerOptions gentle = Default with { Epochs = 1, BatchSize = 7, LearningRate = 1e-7f, Optimizer = Default.Optimizer with { WeightDecay = 0 } };
        HeadResult again = Train(gentle, train, null, 2, start);
        Assert.Equal(start.Evaluate(train).Accuracy, again.Epochs[0].TrainAccuracy);
        Assert.InRange(again.Epochs[0].TrainAccuracy, 0.5, 0.99);
        Assert.Equal(Loss(start, train, gentle.LabelSmoothing), again.Epochs[0].TrainLoss, 1e-5);
        for (int i = 0; i < start.Weights.Length; i++) Assert.Equal(start.Weights[i], again.Head.Weights[i], 1e-5f);
    }

    [Fact]
    public void The_learning_rate_follows_the_schedule_over_all_steps()
    {
        using FeatureMatrix train = Surrogate.Gaussians([10, 10], 6, seed: 68, distance: 2);
        TrainerOptions options = Default with { Epochs = 8, BatchSize = 6, LearningRate = 0.02f, WarmupShare = 0.25f, FinalLearningRateShare = 0.1f };
        HeadResult result = Train(options, train, null, 2);
        // 20 samples in batches of at most 6 make 4 steps an epoch.
        LearningRateSchedule schedule = new(0.02f, 32, 0.25f, 0.1f);
        for (int epoch = 1; epoch <= 8; epoch++) Assert.Equal(schedule.At((4 * epoch) - 1), result.Epochs[epoch - 1].LearningRate);
        Assert.Equal(0.02f, result.LearningRate);
    }

    [Fact]
    public void Training_sees_every_view_and_evaluation_the_first()
    {
        // View 0 shows the class in feature 0, view 1 in feature 1.
        using FeatureMatrix train = new([0, 1, 0, 1, 0, 1, 0, 1], 2, views: 2);
        using FeatureMatrix second = new([0, 1], 2);
        for (int i = 0; i < train.Samples; i++)
        {
            train.WritableRow(i, 0)[0] = train.Labels[i] == 0 ? 1 : -1;
            train.WritableRow(i, 1)[1] = train.Labels[i] == 0 ? 1 : -1;
        }

        second.WritableRow(0)[1] = 1;
        second.WritableRow(1)[1] = -1;
        HeadResult result = Train(Default, train, train, 2);
        Assert.Equal(1, result.Head.Evaluate(second).Accuracy);
        second.WritableRow(0).CopyTo(train.WritableRow(1, 1));
        Assert.Equal(1, result.Head.Evaluate(train).Accuracy);
    }

    [Fact]
    public void Weighting_raises_the_recall_of_a_class_that_is_twenty_times_rarer()
    {
        using FeatureMatrix train = Surrogate.Gaussians([400, 20], 6, seed: 63, distance: 1.4f);
        using FeatureMatrix test = Surrogate.Gaussians([500, 500], 6, seed: 64, distance: 1.4f);
        double Recall(ClassBalance balance) =>
            Train(Default with { ClassBalance = balance }, train, null, 2).Head.Evaluate(test).OfClass(1).Recall!.Value;

        double plain = Recall(ClassBalance.None), weighted = Recall(ClassBalance.Weighted);
        Expect.True(weighted > plain + 0.2, $"recall {plain} unweighted, {weighted} weighted");
    }

    [Fact]
    public void A_rate_that_overflows_is_lowered_and_reported()
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20], 40, seed: 65, distance: 10);
        TrainerOptions options = Default with { Optimizer = Sgd with { WeightDecay = 0 }, LearningRate = 3e38f, WarmupShare = 0, Epochs = 5 };
        HeadResult result = Train(options, train, train, 2);
        Assert.InRange(result.Restarts, 1, 3);
        Assert.Equal(3e38 * Math.Pow(Watchdog.RateFactor, result.Restarts), result.LearningRate, 1e36);
        Assert.Equal(result.Restarts, result.Epochs[^1].Restarts);
        Assert.All(result.Head.Weights.ToArray(), w => Assert.True(float.IsFinite(w)));
    }

    [Fact]
    public void Divergence_that_restarts_do_not_cure_is_an_error()
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20], 4, seed: 66, distance: 1);
        TrainerOptions options = Default with { Optimizer = Sgd with { WeightDecay = 1e6f }, LearningRate = 1e30f };
        ThomasException e = Assert.Throws<ThomasException>(() => Train(options, train, null, 2));
        Assert.Contains("lower learning rate", e.Message, StringComparison.Ordinal);
        Assert.Contains("2.7e+28", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_feature_that_is_not_finite_is_named(float bad)
    {
        using FeatureMatrix train = Surrogate.Gaussians([3, 3], 4, seed: 67, distance: 1);
        train.WritableRow(4)[2] = bad;
        DataException e = Assert.Throws<DataException>(() => Train(Default, train, null, 2));
        Assert.Contains("Feature 2 of sample 4 (view 0)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constant_features_and_a_single_sample_do_no_harm()
    {
        using FeatureMatrix constant = new([0, 1, 0, 1], 5);
        HeadResult result = Train(Default, constant, constant, 2);
        Assert.All(result.Head.Weights.ToArray(), w => Assert.Equal(0, w));
        using FeatureMatrix single = new([1], 5);
        single.WritableRow(0).Fill(3);
        Assert.Equal(1, Train(Default, single, null, 2).Head.Evaluate(single).Accuracy);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        using FeatureMatrix train = new([0, 1], 4), narrow = new([0], 3), beyond = new([2], 4);
        LinearHead initial = new(new float[8], new float[2]);
        TrainerOptions trainer = Default;
        Assert.Throws<ArgumentOutOfRangeException>(() => Train(trainer, train, null, 1));
        Assert.Throws<ArgumentException>(() => Train(trainer, beyond, null, 2));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, beyond, 2));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, narrow, 2));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, null, 2, new LinearHead(new float[6], new float[2])));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, null, 2, new LinearHead(new float[12], new float[3])));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, null, 2, new LinearHead(new float[4], new float[1]), rivals: new float[3]));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, null, 2, initial, rivals: new float[2]));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, null, 2, null, rivals: new float[2]));
        Assert.Throws<ArgumentException>(() => Train(trainer, train, train, 2, new LinearHead(new float[4], new float[1]), rivals: new float[2]));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1280)]
    public void Automatic_settings_follow_the_number_of_features(int features)
    {
        TrainerOptions adamW = Default.ForFeatures(features), sgd = Of(OptimizerKind.Sgd).ForFeatures(features);
        Assert.Equal(0.04 / Math.Sqrt(features), adamW.LearningRate!.Value, 1e-8);
        Assert.Equal(1 / 300.0, adamW.LearningRate!.Value * adamW.Optimizer.WeightDecay!.Value, 1e-8);
        Assert.Equal(3.0 / features, sgd.LearningRate!.Value, 1e-8);
        Assert.Equal(0.001f, sgd.Optimizer.WeightDecay);

        using FeatureMatrix train = Surrogate.Gaussians([4, 4], 16, seed: 69, distance: 1);
        HeadResult automatic = Train(Default, train, null, 2);
        Assert.Equal(Bits(Train(Default.ForFeatures(16), train, null, 2).Head.Weights), Bits(automatic.Head.Weights));
    }

    public static TheoryData<TrainerOptions, string> BadOptions => new()
    {
        { Default with { Epochs = 0 }, "Epochs" },
        { Default with { BatchSize = 0 }, "BatchSize" },
        { Default with { LearningRate = float.NaN }, "LearningRate" },
        { Default with { Optimizer = new OptimizerOptions { Momentum = 1 } }, "Momentum" },
        { Default with { Optimizer = new OptimizerOptions { WeightDecay = -1 } }, "WeightDecay" },
        { Default with { LabelSmoothing = 1 }, "LabelSmoothing" },
        { Default with { WarmupShare = -0.1f }, "WarmupShare" },
        { Default with { FinalLearningRateShare = 2 }, "FinalLearningRateShare" },
        { Default with { EarlyStoppingPatience = -1 }, "EarlyStoppingPatience" },
        { Default with { Optimizer = new OptimizerOptions { ClipNorm = 0 } }, "ClipNorm" },
        { Default with { Optimizer = new OptimizerOptions { Kind = (OptimizerKind)9 } }, "Kind" },
        { Default with { ClassBalance = (ClassBalance)9 }, "ClassBalance" },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void An_option_outside_its_range_is_named(TrainerOptions options, string name)
    {
        using FeatureMatrix two = new([0, 1], 2);
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => HeadTrainer.Train(two, null, 2, options));
        Assert.Equal(name, e.ParamName);
    }

    public static TheoryData<TrainerOptions, string> OptionsOfImages => new()
    {
        { Default with { Policy = UpdatePolicy.All }, "Policy" },
        { Default with { BatchNorm = BatchNormMode.Live }, "BatchNorm" },
        { Default with { MicroBatch = 16 }, "MicroBatch" },
        { Default with { MemoryBytes = 1 << 30 }, "MemoryBytes" },
        { Default with { CutMix = 1 }, "CutMix" },
        { Default with { Augmentation = new Augmentation { Flip = true } }, "Augmentation" },
        { Default with { KeepClasses = true }, "KeepClasses" },
        { Default with { CheckpointPath = "file" }, "CheckpointPath" },
        { Default with { Preprocessing = TrainerJob.Model().Info.Preprocessing! }, "Preprocessing" },
    };

    [Theory]
    [MemberData(nameof(OptionsOfImages))]
    public void An_option_that_is_about_images_is_refused_for_a_last_layer(TrainerOptions options, string name)
    {
        Dataset images = TinyModels.Images(2, 1, "red", "green").ToDataset();
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => Tuner.Tune(TrainerJob.Model(), images, new NoDecoder(), new TuningOptions { Head = options }));
        Assert.Equal(name, e.ParamName);
    }

    private static TrainerOptions Default => TrainerOptions.LastLayer;

    private static OptimizerOptions Sgd => Default.Optimizer with { Kind = OptimizerKind.Sgd };

    private static TrainerOptions Of(OptimizerKind kind) => Default with { Optimizer = Default.Optimizer with { Kind = kind } };

    private static HeadResult Train(
        TrainerOptions options, FeatureMatrix train, FeatureMatrix? validation, int classes, LinearHead? initial = null, float[]? rivals = null) =>
        Result(HeadTrainer.Train(train, validation, classes, options, initial, rivals, cancellation: TestContext.Current.CancellationToken));

    private static HeadResult Result((LinearHead Head, TrainerResult Run) trained) => new(trained.Head, trained.Run);

    private static double Loss(LinearHead head, FeatureMatrix matrix, float smoothing)
    {
        double total = 0;
        float[] logits = new float[head.Classes];
        for (int i = 0; i < matrix.Samples; i++)
        {
            head.Logits(matrix.Row(i), logits);
            total += Surrogate.CrossEntropy(Array.ConvertAll(logits, z => (double)z), matrix.Labels[i], smoothing);
        }

        return total / matrix.Samples;
    }

    private static FeatureMatrix RandomLabels(ulong seed)
    {
        Rng rng = new(seed);
        int[] labels = new int[60];
        for (int i = 0; i < labels.Length; i++) labels[i] = rng.Next(3);
        FeatureMatrix matrix = new(labels, 40);
        for (int i = 0; i < labels.Length; i++) Surrogate.Normals(rng, 40, 1).CopyTo(matrix.WritableRow(i));
        return matrix;
    }

    private static int[] Bits(ReadOnlySpan<float> values)
    {
        int[] bits = new int[values.Length];
        for (int i = 0; i < bits.Length; i++) bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }

    private sealed class Recorder(Action<EpochReport> action) : IProgress<EpochReport>
    {
        public List<EpochReport> Reports { get; } = [];

        public void Report(EpochReport value)
        {
            Reports.Add(value);
            action(value);
        }
    }

    private sealed record HeadResult(LinearHead Head, TrainerResult Run)
    {
        public IReadOnlyList<EpochReport> Epochs => Run.Epochs;

        public int BestEpoch => Run.BestEpoch;

        public float LearningRate => Run.LearningRate;

        public int Restarts => Run.Restarts;

        public bool StoppedEarly => Run.StoppedEarly;

        public bool Cancelled => Run.Cancelled;
    }
}
