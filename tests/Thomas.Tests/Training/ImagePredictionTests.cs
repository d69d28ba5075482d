using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class ImagePredictionTests
{
    private static readonly string[] Colors = ["red", "green", "blue"];

    [Theory]
    [InlineData(new[] { 1f, 2f, 3f }, 0)]
    [InlineData(new[] { 300f, 2f, -500f }, 1)]
    [InlineData(new[] { -1000f, -1000f, -1000f }, 2)]
    public void The_loss_is_the_cross_entropy_of_the_logits(float[] logits, int actual)
    {
        ImagePrediction prediction = ImagePrediction.OfLogits(logits, Source("a"), actual);
        double[] exact = [.. logits.Select(x => Math.Exp(x - (double)logits.Max()))];
        Assert.Equal(logits.Max() + Math.Log(exact.Sum()) - logits[actual], prediction.Loss, 1e-9);
        Assert.Equal(exact[actual] / exact.Sum(), prediction.ActualProbability, 1e-12);
        Assert.Equal(exact.Max() / exact.Sum(), prediction.PredictedProbability, 1e-12);
        Assert.Equal(Array.IndexOf(logits, logits.Max()), prediction.Predicted);
        Assert.Equal(prediction.Predicted == actual, prediction.IsCorrect);
    }

    [Fact]
    public void The_largest_loss_comes_first_and_what_is_no_number_before_it()
    {
        ImagePrediction[] predictions = [.. new[] { 1.0, 3, double.NaN, 3, 0 }.Select((loss, i) => new ImagePrediction(Source($"{i}"), 0, 1, 0.5, 0.5, loss))];
        Assert.Equal(["2", "1", "3", "0", "4"], ImagePrediction.WorstFirst(predictions).Select(p => p.Image.Name));
    }

    [Fact]
    public void A_probability_of_zero_has_a_finite_loss()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 3, Colors);
        ClassOutput output = ClassOutput.Of(model);
        ImagePrediction prediction = ImagePrediction.Of(output, [0, 1, 0], Source("a"), 0, new float[3]);
        Assert.Equal(87.3, prediction.Loss, 0.1);
        Assert.Equal(0, ImagePrediction.Of(output, [0, 1, 0], Source("a"), 1, new float[3]).Loss);
    }

    [Fact]
    public void Evaluation_tells_of_every_image_what_its_matrix_counts()
    {
        Dataset data = TinyModels.Images(6, 1, Colors).ToDataset();
        Evaluation evaluation = Evaluator.Evaluate(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 3, Colors), data, new SkiaImageDecoder());
        Assert.Equal(data.Samples.Select(s => s.Image.Name), evaluation.Predictions.Select(p => p.Image.Name));
        Assert.Equal(data.Samples.Select(s => Array.IndexOf(Colors, data.ClassNames[s.ClassIndex])), evaluation.Predictions.Select(p => p.Actual));
        Agree(evaluation.Confusion, evaluation.Predictions);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tuning_keeps_the_predictions_of_the_tuned_model_where_they_are_wanted(bool network)
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 4);
        Dataset data = Split.Stratified(TinyModels.Images(8, 2, Colors).ToDataset(), 0.25, 1);
        TuningOptions options = new()
        {
            Head = TrainerOptions.LastLayer with { Epochs = 3 },
            Network = network ? new TrainerOptions { Epochs = 2, BatchSize = 4 } : null,
        };
        Assert.Null(Tuner.Tune(model, data, new SkiaImageDecoder(), options).Predictions);
        TuningResult result = Tuner.Tune(model, data, new SkiaImageDecoder(), options with { KeepPredictions = true });
        Agree(result.After, result.Predictions!);

        // The saved model says the same.
        IReadOnlyList<ImagePrediction> evaluated = Evaluator.Evaluate(result.Model, data, new SkiaImageDecoder()).Predictions;
        Assert.Equal(evaluated.Select(p => p.Image.Name), result.Predictions!.Select(p => p.Image.Name));
        for (int i = 0; i < evaluated.Count; i++)
        {
            Assert.Equal(evaluated[i].Predicted, result.Predictions![i].Predicted);
            Assert.Equal(evaluated[i].Loss, result.Predictions[i].Loss, 1e-3);
        }
    }

    [Fact]
    public void Predicting_refuses_images_of_another_size()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 3, Colors);
        PreparedSetOptions prepare = new() { Preprocessing = Preprocessing.Preset("unit", 4, 6) };
        using PreparedSet set = PreparedSet.Create(TinyModels.Images(2, 3, Colors).ToDataset(), new SkiaImageDecoder(), prepare);
        Assert.Contains("prepared at 4x6", Assert.Throws<ArgumentException>(() => Evaluator.Predict(model, set)).Message, StringComparison.Ordinal);
    }

    private static void Agree(ConfusionMatrix confusion, IReadOnlyList<ImagePrediction> predictions)
    {
        ConfusionMatrix counted = new(confusion.Classes);
        foreach (ImagePrediction prediction in predictions)
        {
            counted.Add(prediction.Actual, prediction.Predicted);
            Assert.InRange(prediction.ActualProbability, 0, prediction.PredictedProbability);
            Assert.Equal(-Math.Log(prediction.ActualProbability), prediction.Loss, 1e-4);
        }

        Assert.Equal(confusion.ToRows(), counted.ToRows());
    }

    private static ImageSource Source(string name) => ImageSource.FromPixels(name, new RgbImage(1, 1, new byte[3]));
}
