using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

[Collection(nameof(ProcessMeasurements))]
public sealed class TrainerTests
{
    [Theory]
    [InlineData("all", BatchNormMode.Frozen)]
    [InlineData("all", BatchNormMode.Live)]
    [InlineData("last", BatchNormMode.Frozen)]
    [InlineData("bias", BatchNormMode.Frozen)]
    [InlineData("norm", BatchNormMode.Live)]
    [InlineData("scratch", BatchNormMode.Live)]
    public void Every_policy_learns_new_classes(string text, BatchNormMode mode)
    {
        using TrainerJob job = new();
        Assert.True(UpdatePolicy.TryParse(text, out UpdatePolicy policy));
        TrainerResult result = job.Run(TrainerJob.Options with { Policy = policy, BatchNorm = mode, Epochs = 8, LearningRate = 0.05f });
        Assert.Equal(TrainerJob.Classes, result.Labels);
        Assert.Equal(TrainerJob.Classes, result.Model.Info.Labels);
        Assert.True(result.After!.Accuracy > 0.9, result.After.ToTable(result.Labels));
        Assert.True(result.Epochs[^1].TrainLoss < result.Epochs[0].TrainLoss);
        Assert.False(result.Cancelled);
        Assert.Equal(0, result.Restarts);

        // What is handed back is what was validated.
        Evaluation evaluation = Evaluator.Evaluate(result.Model, TinyModels.Images(4, 2, TrainerJob.Classes).ToDataset(), new NoDecoder());
        Assert.Equal(result.After.ToRows(), evaluation.Confusion.ToRows());
    }

    [Theory]
    [InlineData(BatchNormMode.Frozen)]
    [InlineData(BatchNormMode.Live)]
    public void Threads_change_no_bit_and_seeds_do(BatchNormMode mode)
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with
        {
            BatchNorm = mode,
            Augmentation = new Augmentation { Flip = true, Color = 0.2f },
            Mixup = 0.2f,
            Dropout = 0.2f,
            Optimizer = new OptimizerOptions { AverageDecay = 0.9f },
        };
        int[] expected = TrainerJob.Bits(job.Run(options).Model);
        Assert.Equal(expected, TrainerJob.Bits(job.Run(options with { Compile = new CompileOptions { Threads = 3 }, LoaderThreads = 3 }).Model));
        Assert.Equal(expected, TrainerJob.Bits(job.Run(options with { LoaderThreads = 0 }).Model));
        Assert.NotEqual(expected, TrainerJob.Bits(job.Run(options with { Seed = 2 }).Model));
    }

    [Fact]
    public void Micro_batches_follow_the_same_curve()
    {
        using TrainerJob job = new(perClass: 9);
        TrainerResult whole = job.Run(), parts = job.Run(TrainerJob.Options with { MicroBatch = 2 });
        Assert.Equal(whole.Epochs.Count, parts.Epochs.Count);
        for (int i = 0; i < whole.Epochs.Count; i++)
        {
            Assert.Equal(whole.Epochs[i].TrainLoss, parts.Epochs[i].TrainLoss, 1e-4);
            Assert.Equal(whole.Epochs[i].ValidationLoss!.Value, parts.Epochs[i].ValidationLoss!.Value, 1e-4);
        }
    }

    [Fact]
    public void A_memory_bound_cuts_the_batch_and_follows_the_same_curve()
    {
        using TrainerJob job = new(perClass: 9);
        Model model = TrainerJob.Model(known: true);
        TrainerOptions options = TrainerJob.Options with { BatchSize = 12, Dropout = 0 };
        TrainingPlan whole = TrainingPlanner.Plan(model, new TrainingPlanOptions { Batch = 12, Compile = options.Compile });
        TrainerResult free = job.Run(options, model), bounded = job.Run(options with { MemoryBytes = whole.Memory.Total / 2 }, model);
        Assert.Contains(bounded.Notes, note => note.StartsWith("planned for", StringComparison.Ordinal));
        Assert.True(bounded.Memory.Step + bounded.Memory.Variables <= whole.Memory.Total / 2);
        for (int i = 0; i < free.Epochs.Count; i++) Assert.Equal(free.Epochs[i].TrainLoss, bounded.Epochs[i].TrainLoss, 1e-3);

        TrainerResult sparse = job.Run(options with { Policy = new UpdatePolicy(UpdateKind.Sparse, MemoryBytes: whole.Memory.Total / 2) }, model);
        Assert.InRange(sparse.TrainedParameters, 1, free.TrainedParameters);
    }

    [Fact]
    public void A_model_that_has_the_classes_is_a_candidate_itself()
    {
        using TrainerJob job = new();
        Model tuned = job.Run(TrainerJob.Options with { Epochs = 8, LearningRate = 0.05f }).Model;
        TrainerResult worse = job.Run(TrainerJob.Options with { Epochs = 2, LearningRate = 1e-12f, EarlyStoppingPatience = 1 }, tuned);
        Assert.Equal(worse.Before!.ToRows(), worse.After!.ToRows());
        TrainerResult ruined = job.Run(TrainerJob.Options with { Epochs = 2, LearningRate = 3 }, tuned);
        Assert.True(ruined.After!.Accuracy >= ruined.Before!.Accuracy);
        Assert.Contains(ruined.Notes, note => note.Contains("no epoch was better", StringComparison.Ordinal));
        Assert.Equal(0, ruined.BestEpoch);
        Assert.Equal(TrainerJob.Bits(tuned), TrainerJob.Bits(ruined.Model));
    }

    [Fact]
    public void From_scratch_nothing_of_the_given_weights_is_left()
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with { Policy = new UpdatePolicy(UpdateKind.Scratch), Epochs = 1 };
        Model given = TrainerJob.Model(known: true), other = Damaged(given);
        Assert.Equal(TrainerJob.Bits(job.Run(options, given).Model), TrainerJob.Bits(job.Run(options, other).Model));
        Assert.NotEqual(TrainerJob.Bits(job.Run(options, given).Model), TrainerJob.Bits(job.Run(options with { Seed = 5 }, given).Model));
    }

    [Fact]
    public void Kept_classes_stay_beside_the_new_ones()
    {
        using TrainerJob job = new();
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 4, ["a", "b", "red", "d"]);
        TrainerResult result = job.Run(TrainerJob.Options with { KeepClasses = true, Epochs = 10, LearningRate = 0.05f }, model);
        Assert.Equal(["a", "b", "red", "d", "blue", "green"], result.Labels);
        Assert.True(result.After!.Accuracy > 0.9, result.After.ToTable(result.Labels));
        Assert.Equal(0, result.After.Support(0));
        Assert.Equal(4, result.After.Support(2));
    }

    [Fact]
    public void The_average_of_the_weights_is_what_is_kept()
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with { Epochs = 1, BatchSize = 30, WarmupShare = 0, ClassBalance = ClassBalance.None };
        Model given = TrainerJob.Model();
        float[] start = Head(job.Run(options with { LearningRate = 1e-30f }, given, validate: false).Model);
        float[] plain = Head(job.Run(options, given, validate: false).Model);
        float[] average = Head(job.Run(options with { Optimizer = options.Optimizer with { AverageDecay = 0.75f } }, given).Model);
        Assert.NotEqual(start, plain);
        for (int i = 0; i < plain.Length; i++) Assert.Equal((0.75f * start[i]) + (0.25f * plain[i]), average[i], 1e-6f);
    }

    [Fact]
    public void Dropout_acts_in_training_only()
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with { LearningRate = 1e-30f, Epochs = 1, LabelSmoothing = 0, ClassBalance = ClassBalance.None };
        Model known = TrainerJob.Model(known: true);
        TrainerResult plain = job.Run(options, known), dropped = job.Run(options with { Dropout = 0.5f }, known);
        Assert.Equal(plain.Epochs[0].ValidationLoss, dropped.Epochs[0].ValidationLoss);
        Assert.NotEqual(plain.Epochs[0].TrainLoss, dropped.Epochs[0].TrainLoss, 1e-3);
    }

    [Fact]
    public void Live_statistics_of_a_short_last_batch_come_from_real_images_only()
    {
        // 17 images at 16 a step: a second batch of one image and fifteen empty rows would pull means towards that of zeros.
        ImageSet images = new();
        Rng rng = new(1);
        for (int i = 0; i < 17; i++) images.Add(i % 2 == 0 ? "blue" : "red", TinyModels.Image(i % 2 == 0 ? 2 : 0, rng), TinyModels.Side, TinyModels.Side);
        using PreparedSet train = TrainerJob.Prepare(images.ToDataset());
        TrainerOptions options = TrainerJob.Options with { BatchNorm = BatchNormMode.Live, BatchSize = 16, Epochs = 60, LearningRate = 1e-30f };
        Model given = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 2, ["blue", "red"]);
        Model model = Trainer.Train(given, train, null, options).Model;
        TrainerOptions whole = options with { BatchSize = 17 };
        Model exact = Trainer.Train(given, train, null, whole).Model;
        float[] expected = Norm(exact, 3), actual = Norm(model, 3);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], Math.Max(0.05f, 0.1f * Math.Abs(expected[i])));
    }

    [Fact]
    public void It_stops_when_nothing_gets_better()
    {
        using TrainerJob job = new();
        TrainerResult result = job.Run(
            TrainerJob.Options with { Epochs = 50, LearningRate = 1e-30f, EarlyStoppingPatience = 3 }, TrainerJob.Model(known: true));
        Assert.True(result.StoppedEarly);
        Assert.Equal(3, result.Epochs.Count);
        Assert.Equal(0, result.BestEpoch);
    }

    [Fact]
    public void Cancelled_it_returns_the_best_so_far()
    {
        using TrainerJob job = new();
        TrainerResult whole = job.Run(TrainerJob.Options with { Epochs = 4 });
        using CancellationTokenSource source = new();
        Relay<StageProgress> stop = new(p =>
        {
            if (p.Stage == "train" && p.Done == 10) source.Cancel();
        });
        TrainerResult result = job.Run(TrainerJob.Options with { Epochs = 4 }, progress: stop, cancellation: source.Token);
        Assert.True(result.Cancelled);
        Assert.Equal(2, result.Epochs.Count);
        Assert.Equal(whole.Epochs[0].TrainLoss, result.Epochs[0].TrainLoss);
        Assert.InRange(result.BestEpoch, 1, 2);

        using CancellationTokenSource early = new();
        Relay<StageProgress> stopFirst = new(p =>
        {
            if (p.Stage == "train" && p.Done == 2) early.Cancel();
        });
        TrainerResult first = job.Run(TrainerJob.Options, progress: stopFirst, cancellation: early.Token);
        Assert.True(first.Cancelled);
        Assert.Empty(first.Epochs);
        Assert.NotEqual(TrainerJob.Bits(job.Run(TrainerJob.Options with { Epochs = 1, LearningRate = 1e-30f }).Model), TrainerJob.Bits(first.Model));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_warm_step_allocates_nothing_on_any_thread(bool mixed)
    {
        const int epochs = 5;
        using TrainerJob job = new(perClass: 40);
        AllocationProbe probe = new(capacity: 100);
        TrainerOptions options = TrainerJob.Options with
        {
            Epochs = epochs,
            MicroBatch = mixed ? 4 : null,
            Mixup = mixed ? 0.3f : 0,
            Dropout = mixed ? 0.1f : 0,
            Augmentation = new Augmentation { Flip = mixed },
            Compile = new CompileOptions { Threads = 3 },
        };
        job.Run(options, validate: false, progress: probe);

        // Four steps in a row of a later epoch. The threads that count coverage allocate at times; what a step allocates would be in all of them.
        long least = long.MaxValue;
        for (int step = 15; step < 15 * epochs; step++)
        {
            if (step % 15 is > 2 and < 10) least = Math.Min(least, probe.Bytes[step + 4] - probe.Bytes[step]);
        }

        Assert.Equal(0, least);
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd, 1)]
    [InlineData(OptimizerKind.AdamW, 2)]
    public void Figures_of_the_run_are_there(OptimizerKind kind, int moments)
    {
        using TrainerJob job = new();
        TrainerResult result = job.Run(TrainerJob.Options with { LoaderThreads = 0, Optimizer = new OptimizerOptions { Kind = kind } });
        Assert.InRange(result.WaitedShare, 1e-6, 1);
        Assert.True(result.SecondsPerStep > 0);
        Assert.True(result.Times.Of("train") > TimeSpan.Zero);
        Assert.Equal(4 * result.TrainedParameters, result.Memory.Best);
        Assert.Equal(4 * (1 + moments) * result.TrainedParameters, result.Memory.Rollback);
        Assert.True(result.Memory.Step > 0);
        Assert.Equal(0, result.Memory.Batches);
        Assert.NotEmpty(result.Kernels);

        // Two batches: numbers of images and targets, a weight and a label each.
        TrainerOptions ahead = TrainerJob.Options with { LoaderThreads = 1, Epochs = 1 };
        Assert.Equal(2 * 4 * ahead.BatchSize * ((TinyModels.Side * TinyModels.Side * 3) + 3 + 2), job.Run(ahead).Memory.Batches);
    }

    [Fact]
    public void Sets_that_do_not_fit_are_refused()
    {
        using TrainerJob job = new();
        Preprocessing small = Preprocessing.Preset("tf", 8, 8) with { CropMargin = 1 };
        using PreparedSet smaller = TrainerJob.Prepare(TinyModels.Images(3, 1, TrainerJob.Classes).ToDataset(), small);
        Assert.Contains("8x8", Assert.Throws<ThomasException>(() => Trainer.Train(TrainerJob.Model(), smaller, null)).Message, StringComparison.Ordinal);
        Assert.Contains("8x8", Assert.Throws<ThomasException>(() => Trainer.Train(TrainerJob.Model(), job.Train, smaller)).Message, StringComparison.Ordinal);
        using PreparedSet others = TrainerJob.Prepare(TinyModels.Images(3, 1, "red", "green").ToDataset());
        Assert.Throws<DataException>(() => Trainer.Train(TrainerJob.Model(), job.Train, others));
        Assert.Contains(
            "smallest bound", Assert.ThrowsAny<ThomasException>(() => job.Run(TrainerJob.Options with { MemoryBytes = 1 })).Message, StringComparison.Ordinal);
        Assert.Contains(
            "MicroBatch", Assert.Throws<ArgumentOutOfRangeException>(() => job.Run(TrainerJob.Options with { MicroBatch = 3 })).Message,
            StringComparison.Ordinal);
    }

    private static Model Damaged(Model model)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> map = [];
        foreach (Value input in model.Graph.Inputs) map[input] = builder.Input(input.Name, input.Type);
        foreach (Node node in model.Graph.Nodes)
        {
            List<Value> operands = [];
            foreach (Value input in node.Inputs)
            {
                if (!map.TryGetValue(input, out Value? mapped))
                {
                    float[] values = input.Constant!.Floats.ToArray();
                    for (int i = 0; i < values.Length; i++) values[i] = (values[i] * 0.5f) + 0.25f;
                    map[input] = mapped = builder.Constant(input.Name, TensorData.FromFloats(input.Shape, values));
                }

                operands.Add(mapped);
            }

            map[node.Output] = builder.Add(node.Op, [.. operands], node.Attributes, node.Name);
        }

        return new Model(builder.Build(map[model.Graph.Outputs[0]]), model.Info);
    }

    private static float[] Head(Model model)
    {
        float[] weights = [];
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is Dense) weights = node.Inputs[1].Constant!.Floats.ToArray();
        }

        return weights;
    }

    private static float[] Norm(Model model, int operand)
    {
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is BatchNorm) return node.Inputs[operand].Constant!.Floats.ToArray();
        }

        return [];
    }

    private sealed class AllocationProbe(int capacity) : IProgress<StageProgress>
    {
        private int _count;

        public long[] Bytes { get; } = new long[capacity];

        public void Report(StageProgress value)
        {
            if (_count < Bytes.Length) Bytes[_count++] = GC.GetTotalAllocatedBytes(precise: true);
        }
    }
}
