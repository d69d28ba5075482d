using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>By whatever way inputs go to a device, and whenever: the results are the same bits, and nothing is trained twice or left behind.</summary>
public sealed class OpenClUploadTests
{
    private const string Copied = "no-self-test upload=inline transfer=copy", Mapped = "no-self-test upload=inline transfer=map",
        Ahead = "no-self-test upload=ahead transfer=copy", AheadAndMapped = "no-self-test upload=ahead transfer=map";

    // The images of one run, of which TrainerJob.Options has eight.
    private const int BatchBytes = 8 * TinyModels.Side * TinyModels.Side * 3 * sizeof(float);

    private static readonly TrainerOptions Options = TrainerJob.Options with
    {
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f },
        BatchNorm = BatchNormMode.Live,
        WatchdogSteps = 2,
    };

    [Theory]
    [InlineData(0, null)]
    [InlineData(2, null)]
    [InlineData(1, 4)]
    public void A_run_gives_the_same_bits_whatever_way_its_batches_go(int loaders, int? microBatch)
    {
        using TrainerJob job = new();
        TrainerOptions options = Options with
        {
            LoaderThreads = loaders,
            MicroBatch = microBatch,
            BatchNorm = microBatch is null ? BatchNormMode.Live : BatchNormMode.Frozen,
        };
        OpenClFaults counted = new();
        TrainerResult expected = Run(Copied, out OpenClDevice plain);
        Assert.Equal(0, counted.Uploads);
        foreach (string words in (string[])[Mapped, Ahead, AheadAndMapped])
        {
            counted = new OpenClFaults();
            TrainerResult actual = Run(words, out OpenClDevice device);
            Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));
            Assert.Equal(expected.Epochs.Select(Learned), actual.Epochs.Select(Learned));
            Assert.Equal(expected.After!.ToRows(), actual.After!.ToRows());
            Assert.Equal(0, device.Bytes);
            if (words == Mapped) Assert.Equal(0, counted.Uploads);

            // Images, targets and weights of all runs but the first of each epoch, of which there are 4 or 8, and nothing of the short validation.
            else Assert.Equal(Options.Epochs * 3 * (microBatch is null ? 3 : 7), counted.Uploads);
        }

        Assert.Equal(0, plain.Bytes);

        TrainerResult Run(string words, out OpenClDevice device)
        {
            device = OpenClTesting.Open(counted, words);
            return job.Run(options with { Compile = On(device) });
        }
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(2, null)]
    [InlineData(1, 4)]
    public void A_split_run_gives_the_same_bits_whatever_way_its_batches_go(int loaders, int? microBatch)
    {
        using TrainerJob job = new();
        TrainerOptions options = Options with { LoaderThreads = loaders, MicroBatch = microBatch, BatchNorm = BatchNormMode.Frozen, Mixup = 0.2f };
        OpenClFaults counted = new();
        TrainerResult expected = job.Run(options with { Compile = Split(OpenClTesting.Open(counted, Copied)) });
        Assert.Equal(0, counted.Uploads);
        foreach (string words in (string[])[Mapped, Ahead, AheadAndMapped])
        {
            counted = new OpenClFaults();
            OpenClDevice device = OpenClTesting.Open(counted, words);
            TrainerResult actual = job.Run(options with { Compile = Split(device) });
            Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));
            Assert.Equal(expected.Epochs.Select(Learned), actual.Epochs.Select(Learned));
            Assert.Equal(expected.After!.ToRows(), actual.After!.ToRows());
            Assert.Equal(0, device.Bytes);
            Assert.Equal(words == Mapped ? 0 : Options.Epochs * 3 * (microBatch is null ? 3 : 7), counted.Uploads);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void An_upload_of_a_split_run_that_fails_is_a_lost_device(int after)
    {
        using TrainerJob job = new();
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { UploadsLostAfter = after }, Ahead);
        TrainerOptions options = Options with { BatchNorm = BatchNormMode.Frozen };
        TrainerResult result = job.Run(options with { Compile = Split(device) }), expected = job.Run(options);
        Assert.True(device.IsLost);
        Assert.Contains(result.Notes, note => note.StartsWith("the device failed", StringComparison.Ordinal));
        for (int i = 0; i < 3; i++) Assert.Equal(expected.Epochs[i].TrainLoss, result.Epochs[i].TrainLoss, 1e-3 * expected.Epochs[i].TrainLoss);
        Assert.Equal(0, device.Bytes);
    }

    [Fact]
    public void Many_images_are_classified_evaluated_and_made_features_alike()
    {
        Model model = TrainerJob.Model(known: true);
        Dataset images = TinyModels.Images(9, 1, TrainerJob.Classes).ToDataset();
        RgbImage[] pictures = [.. Enumerable.Range(0, 10).Select(seed => SessionJob.Image(seed % 3, new Rng((ulong)seed)))];
        List<(int Uploads, string Text)> results = [];
        foreach (string words in (string[])[Copied, Mapped, Ahead, AheadAndMapped])
        {
            OpenClFaults counted = new();
            OpenClDevice device = OpenClTesting.Open(counted, words);
            Evaluation evaluation = Evaluator.Evaluate(model, images, new NoDecoder(), new EvaluationOptions { Compile = On(device) });
            using (ImageClassifier classifier = new(model, null, On(device), batch: 3))
            {
                string scores = string.Join(' ', classifier.Classify(pictures).SelectMany(ranked => ranked).Select(score => $"{score.Index} {score.Score:R}"));
                string again = string.Join(' ', classifier.Classify(pictures).SelectMany(ranked => ranked).Select(score => $"{score.Index} {score.Score:R}"));
                Assert.Equal(scores, again);
                results.Add((counted.Uploads, string.Join(' ', evaluation.Confusion.ToRows().SelectMany(row => row)) + scores));
            }

            Assert.Equal(0, device.Bytes);
        }

        Assert.All(results, result => Assert.Equal(results[0].Text, result.Text));

        // Of 27 images in batches of 8 three go ahead, of 10 in batches of 3 three, twice.
        Assert.Equal([0, 0, 9, 9], results.Select(result => result.Uploads));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(14)]
    public void An_upload_that_fails_is_a_lost_device(int after)
    {
        using TrainerJob job = new();
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { UploadsLostAfter = after }, Ahead);
        TrainerResult result = job.Run(Options with { Compile = On(device) }), expected = job.Run(Options);
        Assert.True(device.IsLost);
        Assert.Contains(result.Notes, note => note.StartsWith("the device failed", StringComparison.Ordinal));
        Assert.Equal([1, 2, 3], result.Epochs.Select(epoch => epoch.Epoch));
        for (int i = 0; i < 3; i++) Assert.Equal(expected.Epochs[i].TrainLoss, result.Epochs[i].TrainLoss, 1e-3 * expected.Epochs[i].TrainLoss);
        Assert.Equal(0, device.Bytes);
    }

    [Fact]
    public void Images_whose_upload_fails_are_classified_on_the_CPU()
    {
        Model model = TrainerJob.Model(known: true);
        Dataset images = TinyModels.Images(9, 1, TrainerJob.Classes).ToDataset();
        Evaluation expected = Evaluator.Evaluate(model, images, new NoDecoder(), new EvaluationOptions { Compile = new CompileOptions { Threads = 1 } });
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { UploadsLostAfter = 1 }, Ahead);
        Evaluation actual = Evaluator.Evaluate(model, images, new NoDecoder(), new EvaluationOptions { Compile = On(device) });
        Assert.Equal(expected.Confusion.ToRows(), actual.Confusion.ToRows());
        Assert.Contains(actual.Notes, note => note.StartsWith("the device failed, and the CPU computed instead", StringComparison.Ordinal));
        Assert.Equal(0, device.Bytes);
    }

    [Fact]
    public void Without_memory_for_the_buffer_batches_go_in_their_turn()
    {
        using TrainerJob job = new();
        TrainerResult expected = job.Run(Options with { Compile = On(OpenClTesting.Open(words: Copied)) });
        OpenClFaults faults = new() { RefusesBuffer = bytes => bytes is BatchBytes or (8 * 3 * sizeof(float)) or (8 * sizeof(float)) };
        TrainerResult actual = job.Run(Options with { Compile = On(OpenClTesting.Open(faults, Ahead)) });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));
        Assert.DoesNotContain(actual.Notes, note => note.Contains("CPU", StringComparison.Ordinal));
        Assert.Equal(0, faults.Uploads);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    public void A_run_that_is_canceled_after_a_batch_went_ahead_is_resumed_to_the_same_bits(int steps)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        OpenClDevice device = OpenClTesting.Open(words: Ahead);
        TrainerOptions options = Options with { Compile = On(device), CheckpointPath = folder["run"], Resume = true };
        TrainerResult whole = job.Run(Options with { Compile = On(device) });
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(report =>
        {
            if (report.Stage == "train" && ++done == steps) source.Cancel();
        });
        Assert.True(job.Run(options, progress: progress, cancellation: source.Token).Cancelled);
        TrainerResult resumed = job.Run(options);
        Assert.Equal(TrainerJob.Bits(whole.Model), TrainerJob.Bits(resumed.Model));
        Assert.Equal(whole.Epochs.Select(Learned), resumed.Epochs.Select(Learned));
        Assert.Equal(0, device.Bytes);
    }

    [Fact]
    public void A_batch_that_was_sent_ahead_and_is_not_wanted_is_forgotten()
    {
        OpenClDevice device = OpenClTesting.Open(words: Ahead);
        using DeviceMemory memory = device.Allocate(64);
        using InputStage stage = device.CreateStage(new MemorySpan(memory, 16, 32));
        Assert.True(stage.GoesAhead);
        Span<float> numbers = stage.Stage();
        Assert.Equal(8, numbers.Length);
        numbers.Fill(1);
        stage.SendAhead();
        stage.Stage().Fill(2);
        stage.SendAhead();
        stage.Send();
        stage.Stage().Fill(3);
        float[] actual = new float[16];
        memory.ReadFloats(0, actual);
        stage.Confirm();
        Assert.Equal((float[])[.. new float[4], .. Enumerable.Repeat(2f, 8), .. new float[4]], actual);

        // Sent in its turn, without having gone ahead.
        stage.SendAhead();
        stage.Stage().Fill(4);
        stage.Send();
        memory.ReadFloats(0, actual);
        stage.Confirm();
        Assert.Equal((float[])[.. new float[4], .. Enumerable.Repeat(4f, 8), .. new float[4]], actual);
    }

    [Fact]
    public void An_input_that_is_mapped_lies_in_the_device_and_stays_until_it_is_sent()
    {
        OpenClDevice device = OpenClTesting.Open(words: Mapped);
        using DeviceMemory memory = device.Allocate(1024);
        using (InputStage stage = device.CreateStage(new MemorySpan(memory, 512, 32)))
        {
            Assert.Equal((false, 0L, 0L), (stage.GoesAhead, stage.DeviceBytes, stage.HostBytes));
            stage.Stage()[0] = 5;
            stage.Stage()[7] = 6;
            stage.Send();
            float[] actual = new float[8];
            memory.ReadFloats(512, actual);
            Assert.Equal((5f, 6f), (actual[0], actual[7]));
            stage.Stage().Fill(7);
        }

        memory.Write(0, new byte[8]);
        device.Finish();
    }

    [Theory]
    [InlineData(Copied)]
    [InlineData(Mapped)]
    [InlineData(Ahead)]
    public void The_plan_names_what_is_on_the_device_and_what_is_on_the_host(string words)
    {
        OpenClDevice device = OpenClTesting.Open(words: words);
        TrainingPlanOptions options = new() { Batch = 4, Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW }, Compile = On(device) };
        TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options);
        TrainingPlan onHost = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options with { Compile = new CompileOptions { Threads = 1 } });
        Assert.Equal((0, 0, onHost.Memory.Total), (onHost.Memory.DeviceBytes, onHost.Memory.Transfers, onHost.Memory.HostBytes));
        Assert.Equal(plan.Memory.Total, plan.Parts().Sum(part => part.Bytes));
        using VariableStore store = new(plan.Graph.Variables, device);
        using StepProgram program = new(plan, store);
        TrainingSteps.Fill(program, 0, 4);
        _ = program.Run();
        long images = 4L * program.Stage([]).Inputs.Length;
        program.SendAhead();

        // Tables are counted for each update, as if all had neighbors, and transfers for inputs of a few bytes that need none.
        const long Slack = 16 << 10;
        Assert.InRange(device.Bytes, store.UsedBytes + program.DeviceBytes - Slack, store.UsedBytes + program.DeviceBytes);
        Assert.InRange(device.Bytes, plan.Memory.DeviceBytes - Slack, plan.Memory.DeviceBytes);
        Assert.InRange(plan.Memory.Transfers, words == Ahead ? 2 * images : words == Mapped ? 0 : images, (2 * images) + 2048);
        if (words == Mapped) Assert.Equal(0, plan.Memory.Transfers);
    }

    [Fact]
    public void A_run_on_a_device_keeps_its_states_twice_and_says_where_its_memory_is()
    {
        OpenClDevice device = OpenClTesting.Open(words: Ahead);
        RunPlan there = Plan(On(device)), here = Plan(new CompileOptions { Threads = 1 });
        TrainingMemory memory = there.Step!.Memory;
        Assert.Equal(2 * (memory.Variables - memory.GradientSums), Part(there, "state to go back to"));
        Assert.Equal(here.Step!.Memory.Variables - here.Step.Memory.GradientSums, Part(here, "state to go back to"));
        Assert.Equal((0, here.Total), (here.DeviceBytes, here.HostBytes));
        Assert.All(there.Stages, stage => Assert.Equal(stage.Bytes, stage.DeviceBytes + stage.HostBytes));
        Assert.InRange(there.DeviceBytes, memory.DeviceBytes + 1, there.Total - RunPlanner.RuntimeBytes);
        Assert.Contains("on the device", there.ToText(), StringComparison.Ordinal);
        Assert.DoesNotContain("on the device", here.ToText(), StringComparison.Ordinal);

        using TrainerJob job = new();
        TrainerMemory held = job.Run(Options with { Compile = On(device) }).Memory;
        Assert.InRange(held.Device, held.Variables, held.Total - held.Rollback - held.Best - held.Batches);
        Assert.Equal(0, job.Run(Options).Memory.Device);

        RunPlan Plan(CompileOptions compile) => RunPlanner.Plan(TrainingSteps.SmallNetwork, new RunPlanOptions
        {
            Network = new TrainingPlanOptions { Batch = 4, Compile = compile },
            Classes = TrainingSteps.Classes,
            LastLayerFirst = false,
            TestAfter = true,
            Compile = compile,
        });

        static long Part(RunPlan plan, string name) =>
            plan.Stages.Single(stage => stage.Name == "network").Parts.Single(part => part.Name == name).Bytes;
    }

    private static (double Loss, double Accuracy) Learned(EpochReport epoch) => (epoch.TrainLoss, epoch.TrainAccuracy);

    private static CompileOptions On(OpenClDevice device) => new() { OtherDevice = device, Threads = 1 };

    private static CompileOptions Split(OpenClDevice device) =>
        new() { Device = DeviceKind.Hybrid, OtherDevice = device, DeviceShare = 0.4, Threads = 1 };
}
