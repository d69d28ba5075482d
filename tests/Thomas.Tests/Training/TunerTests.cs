using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TunerTests
{
    private static readonly NoDecoder Decoder = new();

    private static Dataset Colors(int perClass = 20, ulong seed = 1) => TinyModels.Images(perClass, seed, "red", "green", "blue").ToDataset();

    public static TheoryData<string> Styles => new(Enum.GetNames<TinyModels.HeadStyle>());

    private static TinyModels.HeadStyle Style(string name) => Enum.Parse<TinyModels.HeadStyle>(name);

    [Theory]
    [MemberData(nameof(Styles))]
    public void Every_kind_of_head_is_replaced_and_learns(string style)
    {
        TuningResult result = Tuner.Tune(TinyModels.Create(Style(style)), Colors(), Decoder);
        Assert.Equal(1, result.After.Accuracy);
        Assert.Equal(["blue", "green", "red"], result.Labels);
        Assert.Equal(result.Labels, result.Model.Info.Labels);
        Assert.Equal(12, result.After.Total);
        Assert.Equal(48, result.TrainingImages);
        Assert.Contains("centroid", result.BeforeMethod, StringComparison.Ordinal);
        Assert.False(result.Cancelled);
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void A_new_head_favors_no_class(string style)
    {
        Model model = Tuner.WithNewHead(TinyModels.Create(Style(style)), ["a", "b", "c", "d"]);
        Assert.Equal(["a", "b", "c", "d"], model.Info.Labels);
        using ImageClassifier classifier = new(model);
        foreach (ClassScore score in classifier.Classify(new RgbImage(TinyModels.Side, TinyModels.Side, TinyModels.Image(2, new Rng(99)))))
            Assert.Equal(0.25f, score.Probability, 1e-6f);
        Assert.Throws<ArgumentOutOfRangeException>(() => Tuner.WithNewHead(model, ["alone"]));
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void The_saved_model_classifies_as_the_tuned_one(string style)
    {
        Model stock = TinyModels.Create(Style(style)), tuned = Tuner.Tune(stock, Colors(), Decoder).Model;
        Assert.Equal(Style(style) == TinyModels.HeadStyle.Features ? "probabilities" : stock.Graph.Outputs[0].Name, Assert.Single(tuned.Graph.Outputs).Name);
        RgbImage image = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(2, new Rng(99)));
        using ImageClassifier original = new(tuned);
        ClassScore expected = original.Classify(image)[0];
        Assert.Equal("blue", expected.Label);
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            using MemoryStream file = new();
            tuned.Save(file, format);
            file.Position = 0;
            using ImageClassifier classifier = new(Model.Load(file, $"saved.{format}"));
            Assert.False(classifier.Input.IsGuess);
            ClassScore actual = classifier.Classify(image)[0];
            Assert.Equal(expected.Label, actual.Label);
            Assert.Equal(expected.Probability, actual.Probability, 1e-5f);
        }
    }

    [Fact]
    public void Kept_classes_keep_their_scores_and_new_ones_follow()
    {
        string[] old = ["a", "b", "c", "d"];
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense, 4, old);
        TuningResult result = Tuner.Tune(model, Colors(), Decoder, new TuningOptions { KeepClasses = true, OutputLogits = true });
        Assert.Equal([.. old, "blue", "green", "red"], result.Labels);

        // The old layer is a random one, so some of its classes are as good a name for a color as the new ones.
        Assert.True(result.After.Accuracy > 0.6, result.After.ToTable(result.Labels));

        RgbImage image = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(1, new Rng(5)));
        using ImageClassifier before = new(model), after = new(result.Model);
        float[] expected = before.Scores(image), actual = after.Scores(image);
        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
    }

    [Theory]
    [InlineData("DenseThenBias", 1e-5f)]
    [InlineData("DenseInSteps", 0.26f)]
    public void Kept_classes_include_what_follows_the_last_layer(string style, float tolerance)
    {
        Model model = TinyModels.Create(Style(style));
        TuningResult result = Tuner.Tune(model, Colors(), Decoder, new TuningOptions { KeepClasses = true, OutputLogits = style != "DenseThenBias" });
        Assert.Equal(7, result.Labels.Count);
        RgbImage image = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(1, new Rng(5)));
        using ImageClassifier before = new(model), after = new(result.Model);
        float[] old = before.Scores(image), now = after.Scores(image);

        // Of probabilities the ratios stay, of scores the values, but for the rounding to steps of 0.5.
        bool ratios = style == "DenseThenBias";
        for (int i = 1; i < 4; i++)
        {
            float expected = ratios ? old[i] / old[0] : old[i];
            Assert.Equal(expected, ratios ? now[i] / now[0] : now[i], tolerance * (ratios ? expected : 1));
        }
    }

    [Fact]
    public void The_head_of_an_8_bit_export_is_found_behind_its_scaling() =>
        Assert.Contains("16 features to 4 classes", Tuner.Describe(TinyModels.Create(TinyModels.HeadStyle.DenseInSteps)).Description, StringComparison.Ordinal);

    [Fact]
    public void A_model_that_drops_the_batch_axis_is_evaluated_image_by_image()
    {
        Dataset four = TinyModels.Images(3, 1, "a", "b", "c", "d").ToDataset();
        Evaluation expected = Evaluator.Evaluate(TinyModels.Create(TinyModels.HeadStyle.Dense), four, Decoder);
        Evaluation actual = Evaluator.Evaluate(TinyModels.Create(TinyModels.HeadStyle.WithoutBatchAxis), four, Decoder);
        Assert.Equal(expected.Confusion.ToRows(), actual.Confusion.ToRows());
    }

    [Fact]
    public void A_class_whose_only_validation_image_is_broken_is_trained_all_the_same()
    {
        Dataset good = Colors(4);
        Sample[] samples = [.. good.Samples.Select((sample, i) => sample with { Subset = i % 4 == 3 ? Subset.Validation : Subset.Train })];
        samples[3] = samples[3] with { Image = ImageSource.FromEncoded("broken.png", new byte[10]) };
        TuningResult result = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), new Dataset("set", good.ClassNames, samples), Decoder);
        Assert.Equal(2, result.After.Total);
        Assert.Equal("broken.png", Assert.Single(result.Broken).Sample.Image.Name);
        Assert.Contains(result.Warnings, note => note.Contains($"no validation image of '{good.ClassNames[samples[3].ClassIndex]}'", StringComparison.Ordinal));

        for (int i = 3; i < samples.Length; i += 4) samples[i] = samples[3] with { ClassIndex = samples[i].ClassIndex };
        Assert.Throws<DataException>(() => Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), new Dataset("set", good.ClassNames, samples), Decoder));
    }

    [Fact]
    public void A_large_data_set_fits_the_key_of_the_feature_cache()
    {
        using TemporaryFolder folder = new();
        Dataset few = Colors(2);
        Sample[] many = new Sample[40_000];
        for (int i = 0; i < many.Length; i++) many[i] = few.Samples[i % few.Samples.Count] with { Subset = i < 39_000 ? Subset.Train : Subset.Validation };
        TuningOptions options = new() { CacheDirectory = folder.Path, Head = TrainerOptions.LastLayer with { Epochs = 1, BatchSize = 1000 } };
        TuningResult result = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), new Dataset("large", few.ClassNames, many), Decoder, options);
        Assert.Equal(39_000, result.TrainingImages);
    }

    [Fact]
    public void Outputs_that_are_left_out_are_noted()
    {
        Model model = new(Thomas.Passes.ImportPasses.Run(StockNets.Create("MobileNetV2")), new ModelInfo { Name = "two outputs" });
        Dataset images = TinyModels.Images(4, 1, "red", "green").ToDataset();
        TuningResult result = Tuner.Tune(model, images, Decoder);
        Assert.Contains(result.Notes, note => note.Contains("3 outputs", StringComparison.Ordinal));
        Assert.Equal([1, 2], Assert.Single(result.Model.Graph.Outputs).Shape.Dims.ToArray());
    }

    [Fact]
    public void Old_classes_of_a_head_that_is_not_linear_cannot_be_kept()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.ConvolutionThenPooling);
        ThomasException e = Assert.Throws<ThomasException>(() => Tuner.Tune(model, Colors(), Decoder, new TuningOptions { KeepClasses = true }));
        Assert.Contains("cannot be kept", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_a_class_that_the_model_has_are_added_to_it()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense, 3, ["x", "Red", "y"]);
        TuningResult result = Tuner.Tune(model, Colors(), Decoder, new TuningOptions { KeepClasses = true });
        Assert.Equal(["x", "Red", "y", "blue", "green"], result.Labels);
        Assert.Equal((3, 1), (result.KeptClasses, result.KnownClasses));
        Assert.Contains(result.Notes, note => note.Contains("images of 'Red' are added", StringComparison.Ordinal));
        Assert.Equal("the model as it was", result.BeforeMethod);
        Assert.True(result.After.OfClass(1).Recall > 0.9, result.After.ToTable(result.Labels));
        Assert.Equal(result.After.Support(1), result.OldAfter!.Support(1));
        Assert.Equal(["x", "y"], result.UncheckedClasses);
    }

    [Fact]
    public void One_class_is_added_to_a_model_that_carries_vectors_of_its_own_and_the_report_is_about_both()
    {
        Dataset three = Colors(), two = TinyModels.Images(20, 1, "red", "green").ToDataset(), one = TinyModels.Images(20, 1, "blue").ToDataset();
        Model model = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), two, Decoder).Model;
        Assert.NotNull(model.Info.Rehearsal);
        TuningResult result = Tuner.Tune(model, one, Decoder, new TuningOptions { KeepClasses = true });
        Assert.Equal(["green", "red", "blue"], result.Labels);
        Assert.Equal(result.OldBefore!.Total, result.OldAfter!.Total);
        Assert.True(result.OldAfter.Accuracy > 0.9, result.OldAfter.ToTable(result.Labels));
        Assert.Empty(result.UncheckedClasses);
        Evaluation all = Evaluator.Evaluate(result.Model, three, Decoder);
        Assert.True(all.Confusion.Accuracy > 0.9, all.Confusion.ToTable(result.Labels));
        Assert.DoesNotContain(result.Warnings, warning => warning.Contains("not checked", StringComparison.Ordinal));
        Assert.Equal(3, result.Model.Info.Rehearsal!.Labels.Distinct().Count());

        // Without the vectors nothing is known of the old classes, and that is said.
        Model bare = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), two, Decoder, new TuningOptions { StoresRehearsal = false }).Model;
        Assert.Null(bare.Info.Rehearsal);
        TuningResult blind = Tuner.Tune(bare, one, Decoder, new TuningOptions { KeepClasses = true });
        Assert.Null(blind.OldAfter);
        Assert.Contains(blind.Warnings, warning => warning.Contains("were not checked", StringComparison.Ordinal));
        Assert.Equal(["green", "red"], blind.UncheckedClasses);
    }

    [Fact]
    public void A_network_that_is_trained_carries_vectors_of_the_layers_as_they_became()
    {
        TuningOptions options = new() { Network = new TrainerOptions { Epochs = 2, BatchSize = 8 } };
        Model tuned = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), Colors(), Decoder, options).Model;
        Rehearsal rehearsal = tuned.Info.Rehearsal!;
        Assert.True(RehearsalChoice.Fits(rehearsal, HeadSplit.Find(tuned).Head!));
        TuningResult added = Tuner.Tune(tuned, TinyModels.Images(10, 2, "yellow").ToDataset(), Decoder, new TuningOptions { KeepClasses = true });
        Assert.NotNull(added.OldAfter);

        // Vectors of other layers are noticed.
        Model other = TinyModels.Create(TinyModels.HeadStyle.Dense, 3, ["blue", "green", "red"]);
        Model mixed = new(other.Graph, other.Info with { Rehearsal = rehearsal });
        TuningResult ignored = Tuner.Tune(mixed, TinyModels.Images(10, 2, "yellow").ToDataset(), Decoder, new TuningOptions { KeepClasses = true });
        Assert.Null(ignored.OldAfter);
        Assert.Contains(ignored.Notes, note => note.Contains("do not fit", StringComparison.Ordinal));
    }

    [Fact]
    public void The_second_run_reads_features_from_the_cache_and_gives_the_same_bits()
    {
        using TemporaryFolder folder = new();
        TuningOptions options = new() { CacheDirectory = folder.Path };
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        TuningResult first = Tuner.Tune(model, Colors(), Decoder, options), second = Tuner.Tune(model, Colors(), Decoder, options);
        Assert.DoesNotContain(first.Notes, note => note.Contains("read from the cache", StringComparison.Ordinal));
        Assert.Equal(2, second.Notes.Count(note => note.Contains("read from the cache", StringComparison.Ordinal)));
        Assert.Equal(Bytes(first.Model), Bytes(second.Model));
    }

    [Fact]
    public void Another_model_or_preprocessing_does_not_use_the_cache()
    {
        using TemporaryFolder folder = new();
        TuningOptions options = new() { CacheDirectory = folder.Path };
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        Tuner.Tune(model, Colors(), Decoder, options);
        TuningOptions other = options with { Preprocessing = Preprocessing.Preset("unit", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 } };
        Assert.DoesNotContain(Tuner.Tune(model, Colors(), Decoder, other).Notes, note => note.Contains("read from the cache", StringComparison.Ordinal));
        Model deeper = TinyModels.Create(TinyModels.HeadStyle.Flatten);
        Assert.DoesNotContain(Tuner.Tune(deeper, Colors(), Decoder, options).Notes, note => note.Contains("read from the cache", StringComparison.Ordinal));
    }

    [Fact]
    public void Thread_count_changes_no_bit_and_the_seed_does()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        byte[] one = Bytes(Tuner.Tune(model, Colors(), Decoder, new TuningOptions { Compile = new CompileOptions { Threads = 1 } }).Model);
        byte[] three = Bytes(Tuner.Tune(model, Colors(), Decoder, new TuningOptions { Compile = new CompileOptions { Threads = 3 } }).Model);
        Assert.Equal(one, three);
        byte[] seed = Bytes(Tuner.Tune(model, Colors(), Decoder, new TuningOptions { Head = TrainerOptions.LastLayer with { Seed = 2 } }).Model);
        Assert.NotEqual(one, seed);
    }

    [Fact]
    public void The_serial_device_agrees()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        TuningResult serial = Tuner.Tune(model, Colors(6), Decoder, new TuningOptions { Compile = new CompileOptions { Device = DeviceKind.Serial } });
        Assert.Equal(1, serial.After.Accuracy);
    }

    [Fact]
    public void Cancelling_during_training_returns_the_best_model_so_far()
    {
        using CancellationTokenSource source = new();
        Reporter<EpochReport> epochs = new(report =>
        {
            if (report.Epoch == 3) source.Cancel();
        });
        TuningResult result = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), Colors(), Decoder, null, null, epochs, source.Token);
        Assert.True(result.Cancelled);
        Assert.Equal(3, result.Epochs.Count);
        using ImageClassifier classifier = new(result.Model);
        Assert.Equal(3, classifier.Classes);
    }

    // A checkpoint holds more than the new last layer that a resumed run begins with, which must not be taken for the best so far.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cancelled_before_it_has_continued_from_its_checkpoint_a_run_returns_nothing(bool newImages)
    {
        using TemporaryFolder folder = new();
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        TuningOptions options = new()
        {
            Network = new TrainerOptions { Epochs = 2, BatchSize = 8, CheckpointPath = folder["run"], Resume = true, NewImages = newImages },
            Compile = TrainerJob.Options.Compile,
        };
        Assert.NotNull(Tuner.Tune(model, Colors(), Decoder, options).Network);
        byte[] checkpoint = File.ReadAllBytes(folder["run"]);
        using CancellationTokenSource source = new();
        Relay<StageProgress> progress = new(p =>
        {
            // While the best weights are measured with the new images, or while the last layer is trained for very long.
            if (p.Stage == "validate") source.Cancel();
            if (p.Stage == "features" && !newImages) source.CancelAfter(TimeSpan.FromSeconds(0.5));
        });
        if (!newImages) options = options with { Head = options.Head with { Epochs = 1_000_000, EarlyStoppingPatience = 0 } };
        Assert.ThrowsAny<OperationCanceledException>(() => Tuner.Tune(model, Colors(newImages ? 22 : 20), Decoder, options, progress, null, source.Token));
        Assert.Equal(checkpoint, File.ReadAllBytes(folder["run"]));
    }

    [Fact]
    public void Cancelling_before_training_throws()
    {
        using CancellationTokenSource source = new();
        Reporter<StageProgress> stages = new(p =>
        {
            if (p.Stage == "features") source.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(
            () => Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), Colors(), Decoder, null, stages, null, source.Token));
    }

    [Fact]
    public void Progress_counts_every_stage_to_its_end()
    {
        System.Collections.Generic.Dictionary<string, StageProgress> last = [];
        Reporter<StageProgress> stages = new(p => last[p.Stage] = p);
        Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), Colors(), Decoder, new TuningOptions
        {
            Views = 2,
            Augmentation = new Augmentation { Flip = true },
        }, stages);
        Assert.Equal(last["decode"].Total, last["decode"].Done);
        Assert.Equal(last["features"].Total, last["features"].Done);
    }

    [Fact]
    public void Bad_data_sets_are_refused()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
        Assert.Throws<DataException>(() => Tuner.Tune(model, TinyModels.Images(5, 1, "red").ToDataset(), Decoder));
        Assert.Throws<DataException>(() => Tuner.Tune(model, TinyModels.Images(1, 1, "red", "green").ToDataset(), Decoder));
    }

    [Fact]
    public void Evaluation_matches_classes_by_name()
    {
        Model model = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), Colors(), Decoder).Model;
        Evaluation evaluation = Evaluator.Evaluate(model, TinyModels.Images(7, 55, "green", "red").ToDataset(), Decoder);
        Assert.Equal(1, evaluation.Confusion.Accuracy);
        Assert.Equal(14, evaluation.Confusion.Total);
        Assert.Equal(7, evaluation.Confusion.Support(2));
        Assert.Equal(1, evaluation.Top5Accuracy);
        ThomasException e = Assert.Throws<ThomasException>(() => Evaluator.Evaluate(model, TinyModels.Images(2, 1, "pink", "red").ToDataset(), Decoder));
        Assert.Contains("pink", e.Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(Model model)
    {
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        return stream.ToArray();
    }

    private sealed class Reporter<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }

    [Fact]
    public async Task Tuning_in_the_background_equals_tuning_and_can_be_cancelled()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
        CancellationToken stop = TestContext.Current.CancellationToken;
        TuningResult here = Tuner.Tune(model, Colors(6), Decoder, cancellation: stop);
        int caller = Environment.CurrentManagedThreadId, told = 0;
        TuningResult there = await Tuner.TuneAsync(
            model,
            Colors(6),
            Decoder,
            progress: new Told<StageProgress>(_ =>
            {
                if (Environment.CurrentManagedThreadId != caller) told++;
            }),
            cancellation: stop);
        Assert.Equal(here.After.ToRows(), there.After.ToRows());
        Assert.NotEqual(0, told);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Tuner.TuneAsync(model, Colors(6), Decoder, cancellation: new CancellationToken(canceled: true)));
        await Assert.ThrowsAsync<DataException>(() => Tuner.TuneAsync(model, TinyModels.Images(1, 1, "red", "green").ToDataset(), Decoder, cancellation: stop));
    }

    private sealed class Told<T>(Action<T> action) : IProgress<T>
    {
        public void Report(T value) => action(value);
    }
}
