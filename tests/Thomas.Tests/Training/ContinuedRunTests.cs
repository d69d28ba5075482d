using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Runs that go on from their checkpoint with another number of epochs, or with other images.</summary>
public sealed class ContinuedRunTests : IDisposable
{
    private static readonly TrainerOptions Base = TrainerJob.Options with
    {
        Epochs = 4,
        LearningRate = 0.01f,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f },
        Mixup = 0.2f,
    };

    private readonly TrainerJob _job = new();
    private readonly TemporaryFolder _folder = new();

    private TrainerOptions Options => Base with { CheckpointPath = _folder["run"], Resume = true };

    public void Dispose()
    {
        _folder.Dispose();
        _job.Dispose();
    }

    [Fact]
    public void A_finished_run_that_is_given_more_epochs_learns_on()
    {
        TrainerResult first = _job.Run(Options);
        TrainerResult more = _job.Run(Options with { Epochs = 10 });
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Numbers(more));
        for (int i = 0; i < 4; i++) Assert.Equal(first.Epochs[i], more.Epochs[i]);
        Assert.True(more.Epochs[9].TrainLoss < 0.9 * first.Epochs[3].TrainLoss, $"{first.Epochs[3].TrainLoss} {more.Epochs[9].TrainLoss}");
        Assert.True(more.After!.Accuracy >= first.After!.Accuracy);

        // The rate is that of a run of ten epochs.
        TrainerResult whole = _job.Run(Base with { Epochs = 10 });
        for (int i = 4; i < 10; i++) Assert.Equal(whole.Epochs[i].LearningRate, more.Epochs[i].LearningRate);
        string note = Assert.Single(more.Notes, note => note.Contains("10 epochs instead of 4", StringComparison.Ordinal));
        Assert.Contains("4 are done, 6 follow", note, StringComparison.Ordinal);
        Assert.Contains("0 at the end", note, StringComparison.Ordinal);

        // The same once more is the finished run.
        TrainerResult again = _job.Run(Options with { Epochs = 10 });
        Assert.Equal(0, again.SecondsPerStep);
        Assert.Equal(TrainerJob.Bits(more.Model), TrainerJob.Bits(again.Model));
        Assert.Contains(again.Notes, note => note.StartsWith("nothing is left to train: 10 epochs are done", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_the_rate_does_not_depend_on_the_number_of_epochs_the_bits_are_those_of_one_run()
    {
        TrainerOptions steps = Options with { Decay = RateDecay.Steps, DecayEpochs = 3, WarmupShare = 0 };
        TrainerResult expected = _job.Run(steps with { Epochs = 7, CheckpointPath = null });
        _job.Run(steps);
        TrainerResult more = _job.Run(steps with { Epochs = 7 });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(more.Model));
        Assert.Equal(expected.BestEpoch, more.BestEpoch);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(3)]
    public void An_unfinished_run_is_given_more_or_fewer_epochs(int epochs)
    {
        Assert.True(StopAfter(_job, Options, 6).Cancelled);
        TrainerResult result = _job.Run(Options with { Epochs = epochs });
        Assert.Equal(epochs, result.Epochs.Count);
        Assert.Equal(0, result.Epochs[^1].LearningRate);
        Assert.Contains(result.Notes, note => note.Contains($"{epochs} epochs instead of 4: 1 are done, {epochs - 1} follow", StringComparison.Ordinal));
    }

    [Fact]
    public void Fewer_epochs_than_are_done_leave_nothing_to_train()
    {
        TrainerResult first = _job.Run(Options);
        List<string> told = [];
        TrainerResult result = _job.Run(Options with { Epochs = 2 }, progress: new Relay<StageProgress>(p => told.Add(p.Message)));
        Assert.Equal(0, result.SecondsPerStep);
        Assert.Equal(TrainerJob.Bits(first.Model), TrainerJob.Bits(result.Model));
        Assert.Equal(first.BestEpoch, result.BestEpoch);
        string note = Assert.Single(result.Notes, note => note.StartsWith("nothing is left to train", StringComparison.Ordinal));
        Assert.Contains("4 epochs are done and 2 were asked for", note, StringComparison.Ordinal);
        Assert.Contains(note, told);
    }

    [Fact]
    public void A_run_that_stopped_early_goes_on_with_new_patience()
    {
        // A rate this small changes no validation result.
        TrainerOptions options = Options with { Epochs = 9, EarlyStoppingPatience = 2, LearningRate = 1e-12f };
        TrainerResult first = _job.Run(options, TrainerJob.Model(known: true));
        Assert.True(first.StoppedEarly);
        Assert.Contains(
            _job.Run(options, TrainerJob.Model(known: true)).Notes,
            note => note.Contains("the run had stopped early", StringComparison.Ordinal));
        TrainerResult more = _job.Run(options with { Epochs = 20 }, TrainerJob.Model(known: true));
        Assert.True(more.StoppedEarly);
        Assert.Equal(first.Epochs.Count + 2, more.Epochs.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stopped_again_while_it_goes_on_it_ends_with_the_same_bits(bool newImages)
    {
        using TrainerJob others = new(perClass: 14, validationPerClass: 6);
        TrainerJob job = newImages ? others : _job;
        TrainerOptions options = Options with { Epochs = 7, NewImages = newImages, EarlyStoppingPatience = 3 };
        StopAfter(_job, Options with { EarlyStoppingPatience = 3 }, 6);
        File.Copy(_folder["run"], _folder["copy"]);
        TrainerResult expected = job.Run(options with { CheckpointPath = _folder["copy"] });
        TrainerResult result = StopAfter(job, options, 1);
        int stops = 0;
        for (; result.Cancelled; stops++) result = StopAfter(job, options, 1);
        Assert.True(stops > 12, $"{stops}");
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
        Assert.Equal(expected.BestEpoch, result.BestEpoch);
        Assert.Equal(expected.After!.ToRows(), result.After!.ToRows());
        Assert.Equal(expected.Warnings, result.Warnings);
        Assert.Equal(Numbers(expected), Numbers(result));
    }

    [Fact]
    public void Other_images_are_refused_unless_they_are_asked_for()
    {
        using TrainerJob others = new(perClass: 14);
        StopAfter(_job, Options, 6);
        byte[] before = File.ReadAllBytes(_folder["run"]);
        string refusal = Assert.Throws<ThomasException>(() => others.Run(Options)).Message;
        Assert.Contains("the images or their classes", refusal, StringComparison.Ordinal);
        Assert.Contains("--new-images", refusal, StringComparison.Ordinal);
        Assert.Contains(
            "learning rate (there 0.01, here 0.02)",
            Assert.Throws<ThomasException>(() => others.Run(Options with { NewImages = true, LearningRate = 0.02f })).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_folder["run"]));

        // Asked for and not needed, it changes nothing.
        TrainerResult expected = _job.Run(Base), same = _job.Run(Options with { NewImages = true });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(same.Model));
    }

    // Images that are prepared in another way are other inputs to the same weights, so this is never taken for new images.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_prepared_in_another_way_are_refused_whatever_is_asked_for(bool newImages)
    {
        StopAfter(_job, Options, 6);
        using TrainerJob others = new(perClass: 14), views = new(perClass: 14, views: 2);
        TrainerOptions options = Options with { NewImages = newImages };
        Preprocessing usual = ImageInput.Of(TrainerJob.Model(), null).Preprocessing;
        foreach ((Preprocessing other, string difference) in ((Preprocessing, string)[])[
            (usual with { Mean = new ChannelValues(1, 2, 3) }, "preprocessing (there mean 127.5 127.5 127.5, here mean 1 2 3)"),
            (usual with { ColorOrder = ColorOrder.Bgr }, "here color bgr)"),
            (usual with { Background = RgbColor.Black }, "preprocessing (there the rest not set, here background #000000)")])
        {
            string refusal = Assert.Throws<ThomasException>(() => others.Run(options with { Preprocessing = other })).Message;
            Assert.Contains(difference, refusal, StringComparison.Ordinal);
            Assert.DoesNotContain("the images or their classes", refusal, StringComparison.Ordinal);
            Assert.DoesNotContain("--new-images", refusal, StringComparison.Ordinal);
        }

        Assert.Contains("views (there 1, here 2)", Assert.Throws<ThomasException>(() => views.Run(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_that_only_the_checkpoint_has_is_refused()
    {
        _job.Run(Options with { MemoryBytes = 64 << 20 });
        Assert.Contains(
            "memory (there 67108864, here not set)", Assert.Throws<ThomasException>(() => _job.Run(Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_goes_on_with_pictures_added_to_those_it_learns_from()
    {
        TrainerResult first = _job.Run(Options);
        using PreparedSet more = TrainerJob.Prepare(TinyModels.Images(19, 5, TrainerJob.Classes).ToDataset());
        List<string> told = [];
        TrainerResult result = Trainer.Train(
            TrainerJob.Model(), more, _job.Validation, Options with { Epochs = 8, NewImages = true }, null, new Relay<StageProgress>(p => told.Add(p.Message)));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], Numbers(result));
        Assert.Equal(first.Epochs[3], result.Epochs[3]);
        Assert.True(result.Epochs[7].TrainLoss < first.Epochs[3].TrainLoss);
        Assert.Contains(told, message => message.Contains("other images: 57 for training, 12 for validation", StringComparison.Ordinal));
        Assert.Empty(result.Warnings);

        // 4 steps an epoch before, 8 now: what the optimizer's bias correction counts.
        (CheckpointHeader header, FileStream file) = Checkpoint.Open(_folder["run"]);
        file.Dispose();
        Assert.Equal((9, 0, (4L * 4) + (4 * 8), 4), (header.Epoch, header.Step, header.OptimizerSteps!.Value, header.ContinuedAfter));
    }

    [Fact]
    public void The_best_so_far_is_measured_again_with_other_images_for_validation()
    {
        TrainerResult first = _job.Run(Options);
        Dataset images = TinyModels.Images(7, 9, TrainerJob.Classes).ToDataset();
        using PreparedSet validation = TrainerJob.Prepare(images);
        TrainerResult result = Trainer.Train(TrainerJob.Model(), _job.Train, validation, Options with { NewImages = true });
        Assert.Equal(TrainerJob.Bits(first.Model), TrainerJob.Bits(result.Model));
        Assert.Equal(first.BestEpoch, result.BestEpoch);
        Assert.Equal((21, 21), (result.Before!.Total, result.After!.Total));
        Assert.Equal(Evaluator.Evaluate(first.Model, images, new NoDecoder()).Confusion.ToRows(), result.After.ToRows());
        Assert.Contains(result.Notes, note => note.Contains($"epoch {first.BestEpoch}, measured again", StringComparison.Ordinal));
        Assert.Contains(result.Warnings, warning => warning.Contains("used for training before", StringComparison.Ordinal));

        // Without validation images there is nothing to measure.
        TrainerResult none = Trainer.Train(TrainerJob.Model(), _job.Train, null, Options with { NewImages = true, Epochs = 6 });
        Assert.Null(none.After);
        Assert.Equal(6, none.BestEpoch);
    }

    [Fact]
    public void An_epoch_that_had_begun_starts_again_with_the_new_images()
    {
        using TrainerJob others = new(perClass: 14);
        StopAfter(_job, Options, 6);
        TrainerResult result = others.Run(Options with { NewImages = true });
        Assert.Equal([1, 2, 3, 4], Numbers(result));
        Assert.Contains(result.Notes, note => note.Contains("epoch 2 starts again", StringComparison.Ordinal));
        (CheckpointHeader header, FileStream file) = Checkpoint.Open(_folder["run"]);
        file.Dispose();
        Assert.Equal(6 + (3 * 6), header.OptimizerSteps);
    }

    [Fact]
    public void Fewer_images_than_a_batch_grow_beyond_it()
    {
        using TrainerJob few = new(perClass: 2);
        few.Run(Options);
        TrainerResult result = _job.Run(Options with { NewImages = true, Epochs = 5 });
        Assert.Equal(5, result.Epochs.Count);
    }

    [Fact]
    public void Other_classes_and_other_weights_are_refused()
    {
        TrainerOptions options = Options with { Policy = UpdatePolicy.Last, NewImages = true };
        _job.Run(options, TrainerJob.Model(known: true));
        string[] four = [.. TrainerJob.Classes, "white"], renamed = ["blue", "green", "rose"];
        using PreparedSet more = TrainerJob.Prepare(TinyModels.Images(8, 1, four).ToDataset());
        string refusal = Assert.Throws<ThomasException>(() => Trainer.Train(TrainerJob.Model(), more, null, options)).Message;
        Assert.Contains("new: 'white'", refusal, StringComparison.Ordinal);
        Assert.Contains("--keep-classes", refusal, StringComparison.Ordinal);
        using PreparedSet same = TrainerJob.Prepare(TinyModels.Images(8, 1, renamed).ToDataset());
        refusal = Assert.Throws<ThomasException>(() => Trainer.Train(TrainerJob.Model(), same, null, options)).Message;
        Assert.Contains("new: 'rose'; missing: 'red'", refusal, StringComparison.Ordinal);

        // Of the last layer nothing is taken from the model as given, of the others all.
        using TrainerJob others = new(perClass: 14);
        Assert.Contains("the model", Assert.Throws<ThomasException>(() => others.Run(options, OtherBody())).Message, StringComparison.Ordinal);
        Assert.Equal(5, others.Run(options with { Epochs = 5 }, OtherHead()).Epochs.Count);
    }

    [Fact]
    public void Checkpoints_of_earlier_versions_take_more_epochs_but_no_other_images()
    {
        StopAfter(_job, Options, 6);
        TrainerResult expected = _job.Run(Base);
        CheckpointFile.Edit(_folder["run"], json =>
        {
            foreach (string name in new[] { "frozen", "classes", "optimizerSteps", "continuedAfter", "validation", "warnings" }) Assert.True(json.Remove(name));
            foreach (string name in new[] { "preprocessing", "views" }) Assert.True(json["options"]!.AsObject().Remove(name));
        });
        using TrainerJob others = new(perClass: 14);
        Assert.Contains(
            "earlier version", Assert.Throws<ThomasException>(() => others.Run(Options with { NewImages = true })).Message, StringComparison.Ordinal);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(_job.Run(Options).Model));
        Assert.Equal(6, _job.Run(Options with { Epochs = 6 }).Epochs.Count);
    }

    [Theory]
    [InlineData("optimizerSteps", -1)]
    [InlineData("continuedAfter", -1)]
    [InlineData("continuedAfter", 1000)]
    public void Impossible_numbers_are_refused(string member, int value)
    {
        StopAfter(_job, Options, 6);
        CheckpointFile.Edit(_folder["run"], json => json[member] = value);
        Assert.Contains("damaged", Assert.Throws<ThomasException>(() => _job.Run(Options)).Message, StringComparison.Ordinal);
    }

    private static List<int> Numbers(TrainerResult result)
    {
        List<int> numbers = [];
        foreach (EpochReport epoch in result.Epochs) numbers.Add(epoch.Epoch);
        return numbers;
    }

    private static Model OtherHead() => Changed("fc.weight");

    private static Model OtherBody() => Changed("stem.weight");

    /// <summary>The same model with one tensor doubled.</summary>
    private static Model Changed(string name)
    {
        Model model = TrainerJob.Model(known: true);
        GraphRewriter rewriter = new(model.Graph);
        foreach (Value value in model.Graph.Values)
        {
            if (value.Name != name) continue;
            float[] doubled = value.Constant!.Floats.ToArray();
            for (int i = 0; i < doubled.Length; i++) doubled[i] *= 2;
            rewriter.Set(value, rewriter.Builder.Constant(name, TensorData.FromFloats(value.Shape, doubled)));
        }

        foreach (Node node in model.Graph.Nodes) rewriter.Copy(node);
        return new Model(rewriter.Build(), model.Info);
    }

    private static TrainerResult StopAfter(TrainerJob job, TrainerOptions options, int steps)
    {
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && p.Message.Length == 0 && ++done == steps) source.Cancel();
        });
        return job.Run(options, progress: progress, cancellation: source.Token);
    }
}
