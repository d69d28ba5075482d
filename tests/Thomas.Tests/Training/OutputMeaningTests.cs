using System;
using System.IO;
using System.Linq;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Formats.TfLite;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>What evaluation, tuning and training make of every kind of output, and what they write.</summary>
public sealed class OutputMeaningTests
{
    private static readonly NoDecoder Decoder = new();

    [Theory]
    [InlineData("green", "red")]
    [InlineData("red")]
    [InlineData]
    public void Evaluation_of_one_sigmoid_counts_class_1_as_the_high_values(params string[] labels)
    {
        Dataset data = ColorModels.Images(5, 1, "green", "red").ToDataset();
        Evaluation right = Evaluator.Evaluate(ColorModels.Sigmoid(labels), data, Decoder);
        Assert.Equal([[5, 0], [0, 5]], right.Confusion.ToRows());
        Assert.Equal(1, right.Top5Accuracy);
        Model flipped = ColorModels.Binary(
            static (b, z) => b.Add(OpCatalog.Subtract, [ColorModels.Number(b, 1), ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p")]), labels);
        Assert.Equal([[0, 5], [5, 0]], Evaluator.Evaluate(flipped, data, Decoder).Confusion.ToRows());
        if (labels.Length == 2)
        {
            Model other = ColorModels.Sigmoid("red", "green");
            Assert.Equal(0, Evaluator.Evaluate(other, data, Decoder).Confusion.Accuracy);
        }
    }

    [Fact]
    public void Independent_probabilities_are_evaluated_by_the_highest_and_said_to_be_so()
    {
        Model model = ColorModels.Create(
            (b, colors) => [ColorModels.Activate(b, ColorModels.Three(b, colors), ActivationKind.Sigmoid, "p")], "red", "green", "blue");
        Evaluation evaluation = Evaluator.Evaluate(model, ColorModels.Images(4, 2, "blue", "green", "red").ToDataset(), Decoder);
        Assert.Equal(1, evaluation.Confusion.Accuracy);
        Assert.Contains(evaluation.Notes, static n => n.Contains("independent probabilities", StringComparison.Ordinal));
        ThomasException e = Assert.Throws<ThomasException>(
            () => Tuner.Tune(model, ColorModels.Images(4, 2, "gray", "pink").ToDataset(), Decoder, new TuningOptions { KeepClasses = true }));
        Assert.Contains("independent probabilities", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sigmoid")]
    [InlineData("logit")]
    [InlineData("tanh")]
    [InlineData("flipped")]
    [InlineData("joined")]
    [InlineData("rounded")]
    public void The_kept_classes_of_a_single_output_keep_their_probabilities(string style)
    {
        Model model = ColorModels.Create(
            (b, colors) =>
            {
                Value z = ColorModels.Dense(b, colors, "logit", [10, -10, 0], [0.5f]), one = ColorModels.Number(b, 1);
                Value p = ColorModels.Activate(b, z, style == "tanh" ? ActivationKind.Tanh : ActivationKind.Sigmoid, "p");
                return [style switch
                {
                    "logit" => z,
                    "flipped" => b.Add(OpCatalog.Subtract, [one, p]),
                    "joined" => b.Add(OpCatalog.Concat, [b.Add(OpCatalog.Subtract, [one, p]), p], new ConcatAttributes(1)),
                    "rounded" => ColorModels.Grid(b, p, 1f / 256, 0, 0, 255),
                    _ => p,
                }];
            },
            "green", "red");
        Assert.Equal(2, Tuner.Describe(model).KeepableClasses);
        TuningResult result = Tuner.Tune(model, ColorModels.Images(6, 1, "blue", "yellow").ToDataset(), Decoder, new TuningOptions { KeepClasses = true });
        Assert.Equal(["green", "red", "blue", "yellow"], result.Labels);
        Assert.Equal(2, result.KeptClasses);
        Assert.Equal(["green", "red"], result.UncheckedClasses);
        Assert.Contains("the 2 old classes were not checked", result.Checked, StringComparison.Ordinal);
        Assert.Contains(result.Warnings, static w => w.Contains("old classes kept in the model were not checked", StringComparison.Ordinal));

        using ImageClassifier before = new(model), after = new(result.Model);
        foreach (byte red in new byte[] { 100, 150, 160, 210 })
        {
            float[] old = new float[2], all = new float[4];
            before.Output.ToProbabilities(before.Scores(ColorModels.Image(red, 153, 0)), old);
            after.Output.ToProbabilities(after.Scores(ColorModels.Image(red, 153, 0)), all);
            Assert.Equal(old[1], all[1] / (all[0] + all[1]), style == "rounded" ? 0.003f : 1e-5f);
        }
    }

    [Fact]
    public void A_model_of_one_output_is_tuned_to_a_softmax_of_the_new_classes_and_planned_for_two()
    {
        Model model = ColorModels.Sigmoid("green", "red");
        TuningResult result = Tuner.Tune(model, ColorModels.Images(6, 1, "blue", "red").ToDataset(), Decoder);
        Assert.Equal("probabilities", Assert.Single(result.Model.Graph.Outputs).Name);
        Assert.Equal(
            (ScoreKind.Probability, 2, false),
            (ClassOutput.Of(result.Model).Kind, ClassOutput.Of(result.Model).Numbers, ClassOutput.Of(result.Model).IsBinary));
        Assert.Equal(1, result.After.Accuracy);
        Assert.Contains("one output, which is two classes", Tuner.Describe(model).Description, StringComparison.Ordinal);
        Assert.Equal(2, TrainingPlanner.WithClasses(model, 2).Graph.Outputs[0].Shape[-1]);
    }

    [Fact]
    public void Training_a_model_of_one_output_goes_on_from_what_it_knows()
    {
        Model model = ColorModels.Sigmoid("green", "red");
        using PreparedSet train = Prepare(model, 8, 1), validation = Prepare(model, 5, 2);
        TrainerResult result = Trainer.Train(model, train, validation, new TrainerOptions { Epochs = 1, BatchSize = 8 });
        Assert.Equal(1, result.Before!.Accuracy);
        Assert.Equal(["green", "red"], result.Labels);
        Assert.Equal(2, ClassOutput.Of(result.Model).Numbers);
        using ImageClassifier classifier = new(result.Model);
        Assert.Equal("red", classifier.Classify(ColorModels.Image(210, 30, 30))[0].Label);
    }

    [Theory]
    [InlineData("logits", false, "probabilities")]
    [InlineData("logits", true, "logits")]
    [InlineData("MobilenetV1/Logits/BiasAdd", false, "probabilities")]
    [InlineData("495", false, "495")]
    [InlineData("output", false, "output")]
    public void A_model_that_ends_in_logits_is_saved_with_a_softmax_unless_logits_are_wanted(string name, bool logits, string expected)
    {
        Model model = ColorModels.Create((b, colors) => [ColorModels.Three(b, colors, name)], "red", "green", "blue");
        using PreparedSet train = PrepareThree(model, 6, 1), validation = PrepareThree(model, 4, 2);
        Model tuned = Tuner.Tune(model, ColorModels.Images(6, 1, "blue", "red").ToDataset(), Decoder, new TuningOptions { OutputLogits = logits }).Model;
        Model trained = Trainer.Train(model, train, validation, new TrainerOptions { Epochs = 1, BatchSize = 6, OutputLogits = logits }).Model;
        foreach (Model result in new[] { tuned, trained })
        {
            foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
            {
                using MemoryStream file = new();
                result.Save(file, format);
                if (format == ModelFormat.TfLite) TfLiteFileChecks.Check(file.ToArray());
                file.Position = 0;
                using ImageClassifier classifier = new(Model.Load(file, "saved"));
                Assert.Equal(logits ? ScoreKind.Logit : ScoreKind.Probability, classifier.Output.Kind);
                Assert.Equal(expected, classifier.Output.Name);
                if (!logits) Assert.Equal(1, classifier.Scores(ColorModels.Image(200, 90, 20)).Sum(), 1e-5f);
            }
        }
    }

    [Fact]
    public void A_saved_softmax_does_not_change_what_a_second_training_computes()
    {
        Model logits = ColorModels.Create((b, colors) => [ColorModels.Three(b, colors)], "red", "green", "blue");
        Model softmax = ColorModels.Create((b, colors) => [ColorModels.Softmax(b, ColorModels.Three(b, colors))], "red", "green", "blue");
        Model cold = ColorModels.Create(
            (b, colors) => [
                b.Add(
                    OpCatalog.Softmax, [ColorModels.Dense(b, colors, "z", [2, -1, -1, -1, 2, -1, -1, -1, 2], [0.125f, 0, -0.25f])],
                    new SoftmaxAttributes(Beta: 2), "p")], "red", "green", "blue");
        Model written = ColorModels.Create(
            (b, colors) => [b.Add(OpCatalog.Softmax, [ColorModels.Three(b, colors)], new SoftmaxAttributes(Logarithm: true), "log_softmax")], "red", "green",
            "blue");
        double?[] losses = new double?[4];
        Model[] models = [logits, softmax, cold, written];
        for (int i = 0; i < models.Length; i++)
        {
            using PreparedSet train = PrepareThree(models[i], 6, 1), validation = PrepareThree(models[i], 4, 2);
            TrainerResult result = Trainer.Train(models[i], train, validation, new TrainerOptions { Epochs = 1, BatchSize = 6, LearningRate = 1e-9f });
            losses[i] = result.Epochs[0].ValidationLoss;
            Assert.Equal(ScoreKind.Probability, ClassOutput.Of(result.Model).Kind);
            Assert.Equal(3, Tuner.Describe(result.Model).KeepableClasses);
        }

        foreach (double? loss in losses) Assert.Equal(losses[0]!.Value, loss!.Value, 1e-5);
    }

    [Fact]
    public void A_result_below_the_baseline_is_said_to_be_so()
    {
        TuningResult good = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.Dense), TinyModels.Images(10, 1, "red", "green").ToDataset(), Decoder);
        Assert.False(good.IsBelowBaseline);
        Assert.Empty(good.Warnings);
        Assert.Equal("4 validation images of 2 classes", good.Checked);
        TuningResult bad = With(good, Matrix(9, 10), Matrix(5, 10), null);
        Assert.True(bad.IsBelowBaseline);
        Assert.Contains(
            "the result (50.0%) is below the baseline (90.0%, nearest class centroid on the same features) on the same 10 images. More images",
            Assert.Single(TuningWarnings.Of(bad)), StringComparison.Ordinal);
        Assert.Contains(
            "below the baseline (80.0%, the new last layer alone)", Assert.Single(TuningWarnings.Of(With(good, Matrix(5, 10), Matrix(7, 10), Matrix(8, 10)))),
            StringComparison.Ordinal);

        static TuningResult With(TuningResult other, ConfusionMatrix before, ConfusionMatrix after, ConfusionMatrix? last) => new()
        {
            Model = other.Model,
            Labels = other.Labels,
            Before = before,
            BeforeMethod = other.BeforeMethod,
            After = after,
            AfterLastLayer = last,
            Epochs = other.Epochs,
            BestEpoch = other.BestEpoch,
            TrainingImages = other.TrainingImages,
            Broken = other.Broken,
            Input = other.Input,
            Times = other.Times,
            Cancelled = false,
            Notes = other.Notes,
            Kernels = other.Kernels,
        };

        static ConfusionMatrix Matrix(int correct, int total)
        {
            ConfusionMatrix matrix = new(2);
            for (int i = 0; i < total; i++) matrix.Add(i % 2, i < correct ? i % 2 : 1 - (i % 2));
            return matrix;
        }
    }

    [Fact]
    public void The_metadata_of_a_tflite_file_says_what_its_numbers_are()
    {
        Assert.Contains(
            "probability", Text(ColorModels.Create((b, colors) => [ColorModels.Softmax(b, ColorModels.Three(b, colors))], "red", "green", "blue")),
            StringComparison.Ordinal);
        string logits = Text(ColorModels.Create((b, colors) => [ColorModels.Three(b, colors)], "red", "green", "blue"));
        Assert.DoesNotContain("probability", logits, StringComparison.Ordinal);
        Assert.Contains("logits; a softmax", logits, StringComparison.Ordinal);
        Assert.Contains("up to 0.5 it is 'green'", Text(ColorModels.Sigmoid("green", "red")), StringComparison.Ordinal);

        static string Text(Model model)
        {
            using MemoryStream file = new();
            model.Save(file, ModelFormat.TfLite);
            return System.Text.Encoding.Latin1.GetString(file.ToArray());
        }
    }

    private static PreparedSet Prepare(Model model, int perClass, ulong seed) => Prepared(model, ColorModels.Images(perClass, seed, "green", "red"));

    private static PreparedSet PrepareThree(Model model, int perClass, ulong seed) =>
        Prepared(model, ColorModels.Images(perClass, seed, "blue", "green", "red"));

    private static PreparedSet Prepared(Model model, ImageSet images) =>
        PreparedSet.Create(images.ToDataset(), Decoder, new PreparedSetOptions { Preprocessing = model.Info.Preprocessing! }, null, default);
}
