using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Whatever goes wrong on a device, training and inference end with the right result, and say what happened.</summary>
public sealed class OpenClFaultTests
{
    private static readonly TrainerOptions Options = TrainerJob.Options with
    {
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f },
        BatchNorm = BatchNormMode.Live,
        WatchdogSteps = 2,
    };

    [Theory]
    [InlineData("direct product", "product")]
    [InlineData("direct product depthwise softmax", "softmax")]
    public void Programs_that_cannot_be_built_are_replaced_and_named(string refused, string expected)
    {
        using TrainerJob job = new();
        TrainerResult cpu = job.Run(Options);
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { Refuses = program => refused.Split(' ').Contains(program.Name) });
        TrainerResult result = job.Run(On(device));
        AssertAgree(cpu, result);
        Assert.Contains(result.Notes, note => note.Contains($"cannot build '{expected}", StringComparison.Ordinal));
        Assert.Contains(result.Kernels, kernel => kernel.EndsWith("__opencl", StringComparison.Ordinal));
        Assert.Contains(result.Kernels, kernel => kernel.Contains("transfer", StringComparison.Ordinal));
        Assert.False(device.IsLost);
    }

    [Fact]
    public void A_family_of_kernels_that_cannot_be_built_gives_way_to_another_on_the_same_device()
    {
        using TrainerJob job = new();
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { Refuses = program => program.Name == "direct" }, "no-self-test tiles=items");
        TrainerResult result = job.Run(On(device));
        AssertAgree(job.Run(Options), result);
        Assert.Contains(result.Notes, note => note.Contains("cannot build 'direct'", StringComparison.Ordinal));
        Assert.Contains(result.Kernels, IsConvolution);
    }

    [Theory]
    [InlineData("updates")]
    [InlineData("memory")]
    public void A_device_that_cannot_hold_or_update_the_variables_leaves_all_to_the_CPU(string fault)
    {
        using TrainerJob job = new();
        OpenClDevice device = OpenClTesting.Open(fault == "memory"
            ? new OpenClFaults { RefusesBuffer = bytes => bytes > 1 << 10 }
            : new OpenClFaults { Refuses = program => program.Name == "updates" });
        List<string> warnings = [];
        Relay<StageProgress> progress = new(report => warnings.Add(report.Message));
        TrainerResult result = job.Run(On(device), progress: progress);
        Assert.Equal(TrainerJob.Bits(job.Run(Options).Model), TrainerJob.Bits(result.Model));
        string note = Assert.Single(result.Notes, note => note.StartsWith("training runs on the CPU: ", StringComparison.Ordinal));
        Assert.Contains(fault == "memory" ? "cannot give" : "has no kernel for it", note, StringComparison.Ordinal);
        Assert.Contains(note, warnings);
        Assert.DoesNotContain(result.Kernels, kernel => kernel.EndsWith("__opencl", StringComparison.Ordinal));
        Assert.Equal(0, device.Bytes);
    }

    [Theory]
    [InlineData(ClError.OutOfResources, "run out of resources, or was reset")]
    [InlineData(ClError.OutOfMemory, "memory is used up")]
    [InlineData(-36, "queue is gone")]
    public void A_device_that_is_lost_before_the_first_step_leaves_all_to_the_CPU(int status, string expected)
    {
        using TrainerJob job = new();
        OpenClFaults faults = new() { LostAfter = 3, LostStatus = status };
        OpenClDevice device = OpenClTesting.Open(faults);
        TrainerResult result = job.Run(On(device));
        Assert.Equal(TrainerJob.Bits(job.Run(Options).Model), TrainerJob.Bits(result.Model));
        Assert.Contains(result.Notes, note => note.Contains("device failed", StringComparison.Ordinal) && note.Contains(expected, StringComparison.Ordinal));
        Assert.True(device.IsLost);
        Assert.Equal(0, device.Bytes);
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.3)]
    [InlineData(0.4)]
    [InlineData(0.55)]
    [InlineData(0.7)]
    [InlineData(0.95)]
    public void A_device_that_is_lost_in_the_middle_is_replaced_from_the_last_state_that_was_kept(double share)
    {
        using TrainerJob job = new();
        OpenClFaults counted = new();
        TrainerResult whole = job.Run(On(OpenClTesting.Open(counted)));
        Assert.DoesNotContain(whole.Notes, note => note.Contains("failed", StringComparison.Ordinal));
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { LostAfter = (int)(share * counted.Launches) });
        TrainerResult result = job.Run(On(device));
        AssertAgree(job.Run(Options), result);
        Assert.Equal([1, 2, 3], result.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(0, result.Restarts);
        string note = Assert.Single(result.Notes, note => note.Contains("device failed", StringComparison.Ordinal));
        if (share > 0.1) Assert.Contains("Training went on on the CPU from epoch ", note, StringComparison.Ordinal);
        Assert.Equal(0, device.Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    public void Of_a_step_that_two_devices_share_the_CPU_does_all_when_the_other_is_lost(double share)
    {
        using TrainerJob job = new();
        TrainerOptions options = Options with { BatchNorm = BatchNormMode.Frozen };
        OpenClFaults counted = new();
        job.Run(Split(counted));
        TrainerResult result = job.Run(Split(new OpenClFaults { LostAfter = (int)(share * counted.Launches) }));
        AssertAgree(job.Run(options), result);
        Assert.Equal([1, 2, 3], result.Epochs.Select(epoch => epoch.Epoch));
        Assert.Contains(result.Notes, note => note.Contains("device failed", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Kernels, kernel => kernel.EndsWith("__opencl", StringComparison.Ordinal));

        TrainerOptions Split(OpenClFaults faults) => options with
        {
            Compile = new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Device = DeviceKind.Hybrid, DeviceShare = 0.5, Threads = 1 },
        };
    }

    [Fact]
    public void A_device_that_is_lost_after_the_last_epoch_takes_nothing_with_it()
    {
        using TrainerJob job = new();
        TrainerResult whole = job.Run(On(OpenClTesting.Open()));
        OpenClFaults faults = new();
        Relay<EpochReport> epochs = new(report => faults.LostAfter = report.Epoch == Options.Epochs ? faults.Launches - 1 : int.MaxValue);
        TrainerResult result = job.Run(On(OpenClTesting.Open(faults)), epochs: epochs);
        Assert.Equal(TrainerJob.Bits(whole.Model), TrainerJob.Bits(result.Model));
        Assert.Contains(result.Notes, note => note.StartsWith("the device failed when training was done", StringComparison.Ordinal));
    }

    [Fact]
    public void Memory_that_is_short_in_the_middle_is_no_end()
    {
        // The averages of the weights are exchanged with them by way of a buffer of their own.
        using TrainerJob job = new();
        int epoch = 0;
        OpenClFaults faults = new() { RefusesBuffer = _ => epoch == 1 };
        OpenClDevice device = OpenClTesting.Open(faults);
        TrainerResult result = job.Run(On(device), epochs: new Relay<EpochReport>(report => epoch = report.Epoch));
        AssertAgree(job.Run(Options), result);
        string note = Assert.Single(result.Notes, note => note.Contains("cannot give", StringComparison.Ordinal));
        Assert.Contains("went on on the CPU", note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_whose_device_was_lost_is_resumed_on_the_device()
    {
        using TrainerJob job = new();
        using Data.TemporaryFolder folder = new();
        OpenClFaults counted = new();
        job.Run(On(OpenClTesting.Open(counted)));
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { LostAfter = counted.Launches / 2 });
        TrainerOptions options = On(device) with { CheckpointPath = folder["run"], Resume = true };
        using CancellationTokenSource source = new();
        Relay<EpochReport> epochs = new(report =>
        {
            if (report.Epoch == 2) source.Cancel();
        });
        Assert.True(job.Run(options, epochs: epochs, cancellation: source.Token).Cancelled);
        TrainerResult resumed = job.Run(options with { Compile = new CompileOptions { OtherDevice = OpenClTesting.Open(), Threads = 1 } });
        AssertAgree(job.Run(Options), resumed);
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));
        Assert.Contains(resumed.Notes, note => note.Contains("went on on the CPU", StringComparison.Ordinal));
        Assert.Contains(resumed.Kernels, kernel => kernel.EndsWith("__opencl", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Images_are_classified_again_on_the_CPU(int batch)
    {
        Model model = TrainerJob.Model(known: true);
        RgbImage[] images = [.. Enumerable.Range(0, 7).Select(TestImage)];
        CompileOptions host = new() { Threads = 1 };
        using ImageClassifier cpu = new(model, null, host, batch);
        OpenClFaults counted = new();
        using (ImageClassifier whole = new(model, null, new CompileOptions { OtherDevice = OpenClTesting.Open(counted), Threads = 1 }, batch))
        {
            int before = counted.Launches;
            whole.Classify(images[0]);
            Assert.Empty(whole.Notes);
            counted.LostAfter = counted.Launches - before;
        }

        OpenClFaults faults = new();
        using ImageClassifier classifier = new(model, null, new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Threads = 1 }, batch);
        faults.LostAfter = faults.Launches + (counted.LostAfter * 3 / 2);
        Assert.Equal(cpu.Classify(images).SelectMany(scores => scores), classifier.Classify(images).SelectMany(scores => scores));
        Assert.StartsWith("the device failed, and the CPU computed instead", Assert.Single(classifier.Notes), StringComparison.Ordinal);
        Assert.Equal(cpu.Classify(images[3]), await classifier.ClassifyAsync(images[3], cancellation: TestContext.Current.CancellationToken));
        Assert.Equal(cpu.Scores(images[1]), classifier.Scores(images[1]));
        Assert.Equal(cpu.Kernels, classifier.Kernels);
        Assert.Single(classifier.Notes);
    }

    [Fact]
    public async Task Many_threads_lose_the_device_at_once()
    {
        Model model = TrainerJob.Model(known: true);
        using ImageClassifier cpu = new(model, null, new CompileOptions { Threads = 1 });
        OpenClFaults faults = new();
        using ImageClassifier classifier = new(model, null, new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Threads = 1 }, concurrency: 4);
        faults.LostAfter = faults.Launches;
        RgbImage[] images = [.. Enumerable.Range(0, 12).Select(TestImage)];
        IReadOnlyList<ClassScore>[] scores = await Task.WhenAll(
            images.Select(image => classifier.ClassifyAsync(image, cancellation: TestContext.Current.CancellationToken)));
        for (int i = 0; i < images.Length; i++) Assert.Equal(cpu.Classify(images[i]), scores[i]);
        Assert.Single(classifier.Notes);
    }

    [Fact]
    public void A_classifier_that_the_device_has_no_memory_for_is_the_CPUs()
    {
        Model model = TrainerJob.Model(known: true);
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { RefusesBuffer = static _ => true });
        using ImageClassifier cpu = new(model, null, new CompileOptions { Threads = 1 }),
            classifier = new(model, null, new CompileOptions { OtherDevice = device, Threads = 1 });
        Assert.Equal(cpu.Scores(TestImage(1)), classifier.Scores(TestImage(1)));
        Assert.Contains("cannot give", Assert.Single(classifier.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_of_an_evaluation_are_computed_again_on_the_CPU()
    {
        Model model = TrainerJob.Model(known: true);
        Dataset images = TinyModels.Images(9, 1, TrainerJob.Classes).ToDataset();
        Evaluation expected = Evaluator.Evaluate(model, images, new NoDecoder(), new EvaluationOptions { Compile = new CompileOptions { Threads = 1 } });
        OpenClFaults counted = new();
        Evaluation whole = Evaluate(counted);
        Assert.DoesNotContain(whole.Notes, note => note.Contains("failed", StringComparison.Ordinal));
        Evaluation actual = Evaluate(new OpenClFaults { LostAfter = counted.Launches / 2 });
        Assert.Equal(expected.Confusion.ToRows(), actual.Confusion.ToRows());
        Assert.Contains(actual.Notes, note => note.StartsWith("the device failed, and the CPU computed instead", StringComparison.Ordinal));

        Evaluation Evaluate(OpenClFaults faults) => Evaluator.Evaluate(
            model, images, new NoDecoder(), new EvaluationOptions { Compile = new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Threads = 1 } });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_session_goes_on_on_the_CPU_and_nothing_taught_is_lost(int images)
    {
        using Data.TemporaryFolder folder = new();
        OpenClFaults faults = new();
        TuningSessionOptions options = SessionJob.Options with { Compile = new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Threads = 1 } };
        using (TuningSession session = SessionJob.Open(folder, options))
        {
            for (int i = 0; i < 9; i++)
            {
                if (i == images) faults.LostAfter = faults.Launches + 2;
                session.Add(SessionJob.Colors[i % 3], SessionJob.Image(SessionJob.Colors[i % 3], (ulong)i));
                Assert.Equal(i + 1, session.Items.Count);
            }

            Assert.StartsWith("the device failed, and the CPU computed instead", Assert.Single(session.DeviceNotes), StringComparison.Ordinal);
            TuningSessionReport report = session.Train();
            Assert.Equal(9, report.Images);
            Assert.Equal("green", session.Classify(SessionJob.Image("green", 20))[0].Label);
            Assert.Single(session.DeviceNotes);
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal(9, again.Items.Count);
        Assert.Equal("red", again.Classify(SessionJob.Image("red", 21))[0].Label);
        Assert.Empty(again.DeviceNotes);
    }

    [Fact]
    public void A_session_whose_device_is_lost_in_training_trains_on_the_CPU_and_says_so()
    {
        using Data.TemporaryFolder folder = new(), other = new();
        OpenClFaults faults = new();
        TuningSessionOptions options = SessionJob.Options with { Compile = new CompileOptions { OtherDevice = OpenClTesting.Open(faults), Threads = 1 } };
        using TuningSession session = SessionJob.Open(folder, options), cpu = SessionJob.Open(other);
        SessionJob.Fill(session, 4);
        SessionJob.Fill(cpu, 4);
        faults.LostAfter = faults.Launches + 20;
        TuningSessionReport report = session.Train();
        string warning = Assert.Single(report.Warnings);
        Assert.StartsWith("the device failed", warning, StringComparison.Ordinal);
        Assert.Equal([warning], session.DeviceNotes);
        Assert.Equal(cpu.Train().Images, report.Images);
        RgbImage image = SessionJob.Image("blue", 30);
        Assert.Equal(cpu.Classify(image)[0].Label, session.Classify(image)[0].Label);
        Assert.Equal(2, session.DeviceNotes.Count);
        Assert.Empty(session.Train().Warnings);
    }

    [Fact]
    public void A_session_that_the_device_has_no_memory_for_is_the_CPUs()
    {
        using Data.TemporaryFolder folder = new();
        OpenClDevice device = OpenClTesting.Open(new OpenClFaults { RefusesBuffer = static _ => true });
        using TuningSession session = SessionJob.Open(
            folder, SessionJob.Options with { Compile = new CompileOptions { OtherDevice = device, Threads = 1 } });
        SessionJob.Fill(session, 2);
        session.Train();
        Assert.Equal("red", session.Classify(SessionJob.Image("red", 9))[0].Label);
        Assert.Contains("cannot give", Assert.Single(session.DeviceNotes), StringComparison.Ordinal);
    }

    private static bool IsConvolution(string kernel) =>
        kernel.StartsWith("f32_conv_", StringComparison.Ordinal) && kernel.EndsWith("__opencl", StringComparison.Ordinal);

    private static TrainerOptions On(OpenClDevice device) => Options with { Compile = new CompileOptions { OtherDevice = device, Threads = 1 } };

    /// <summary>The same losses, as far as rounding goes.</summary>
    private static void AssertAgree(TrainerResult expected, TrainerResult actual)
    {
        Assert.Equal(expected.Epochs.Count, actual.Epochs.Count);
        for (int i = 0; i < expected.Epochs.Count; i++)
        {
            double right = expected.Epochs[i].TrainLoss, found = actual.Epochs[i].TrainLoss;
            Assert.True(Math.Abs(found - right) <= 1e-3 * right, $"epoch {i + 1}: loss {found}, on the CPU {right}");
        }
    }

    private static RgbImage TestImage(int seed)
    {
        byte[] pixels = new byte[TinyModels.Side * TinyModels.Side * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i * (seed + 3));
        return new RgbImage(TinyModels.Side, TinyModels.Side, pixels);
    }
}
