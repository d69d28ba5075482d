using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Graphs;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class UnknownThresholdTests
{
    private const int Features = 32;

    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(20, 0.0)]
    [InlineData(39, 0.0)]
    [InlineData(79, 1.0)]
    [InlineData(119, 2.0)]
    [InlineData(99, 1.5)]
    public void The_quantile_lies_where_one_in_forty_of_other_images_is_expected_below(int count, double expected)
    {
        List<float> scores = [.. Enumerable.Range(0, count).Select(i => (float)((i * 7 + 3) % count))];
        if (count % 7 == 0) scores = [.. Enumerable.Range(0, count).Select(i => (float)i)];
        Assert.Equal(expected, UnknownThreshold.Quantile(scores), 1e-6);
    }

    [Fact]
    public void Images_like_those_that_a_threshold_was_found_on_are_rarely_refused()
    {
        double refused = 0;
        const int Seeds = 40, Test = 100;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            (Rehearsal rehearsal, FeatureMatrix unseen, float[][] test) = Planted(seed, perClass: 20, unseen: 60, Test);
            using IDisposable owned = unseen;
            UnknownThreshold found = UnknownThreshold.Find(rehearsal, 2, unseen)!;
            Assert.Equal(60, found.Images);
            Familiarity familiarity = new(rehearsal);
            refused += test.Count(row => familiarity.Of(row) < found.Similarity);
        }

        Assert.InRange(refused / (Seeds * Test), 0.005, 0.05);
    }

    [Fact]
    public void Few_images_are_helped_by_the_training_vectors_and_stay_known()
    {
        (Rehearsal rehearsal, FeatureMatrix unseen, _) = Planted(3, perClass: 15, unseen: 6, 1);
        using IDisposable owned = unseen;
        UnknownThreshold found = UnknownThreshold.Find(rehearsal, 2, unseen)!;
        Assert.Equal(36, found.Images);
        Familiarity familiarity = new(rehearsal);
        for (int i = 0; i < unseen.Samples; i++) Assert.True(familiarity.Of(unseen.Row(i)) >= found.Similarity);
        Assert.Equal(30, UnknownThreshold.Find(rehearsal, 2, null)!.Images);
    }

    [Fact]
    public void Classes_without_vectors_or_too_few_images_give_no_threshold()
    {
        (Rehearsal rehearsal, FeatureMatrix unseen, _) = Planted(4, perClass: 15, unseen: 60, 1);
        using IDisposable owned = unseen;
        Assert.Null(UnknownThreshold.Find(rehearsal, 3, unseen));
        Assert.Null(UnknownThreshold.Find(null, 2, unseen));
        (Rehearsal small, FeatureMatrix few, _) = Planted(5, perClass: 4, unseen: 4, 1);
        using IDisposable ownedToo = few;
        Assert.Null(UnknownThreshold.Find(small, 2, few));
        Assert.Contains("fewer than 20", UnknownThreshold.Problem(small, 2), StringComparison.Ordinal);
        Assert.Contains("of one class", UnknownThreshold.Problem(rehearsal, 3), StringComparison.Ordinal);
        Dataset data = TinyModels.Images(40, 1, "red", "green", "blue").ToDataset();
        TuningResult added = Tuner.Tune(
            TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 4, ["a", "b", "c", "d"]), data, new NoDecoder(), new TuningOptions { KeepClasses = true });
        Assert.Null(added.Unknown);
        Assert.Null(added.Model.Info.Rehearsal!.Threshold);
        Assert.Contains("of 4 classes", added.UnknownProblem, StringComparison.Ordinal);
        using ImageClassifier classifier = new(added.Model);
        Assert.Null(classifier.UnknownThreshold);
    }

    [Fact]
    public void A_bound_from_above_holds()
    {
        (Rehearsal rehearsal, FeatureMatrix unseen, _) = Planted(6, perClass: 15, unseen: 60, 1);
        using IDisposable owned = unseen;
        Assert.Equal(0.6056f, UnknownThreshold.Find(rehearsal, 2, unseen, 0.6056f)!.Similarity);
        Assert.Equal(UnknownThreshold.Find(rehearsal, 2, unseen), UnknownThreshold.Find(rehearsal, 2, unseen, 1));
    }

    [Fact]
    public void The_similarity_is_the_mean_of_the_five_highest_cosines()
    {
        Rng rng = new(9);
        float[][] rows = [.. Enumerable.Range(0, 30).Select(_ => Row(rng, 0))];
        Rehearsal rehearsal = Rehearsal.Create(rows, new int[30], 24, _ => 0);
        Familiarity familiarity = new(rehearsal);
        float[] x = Row(rng, 0), stored = new float[Features];
        List<double> cosines = [];
        for (int i = 0; i < 24; i++)
        {
            rehearsal.Read(i, stored);
            cosines.Add(Cosine(x, stored));
        }

        Assert.Equal(cosines.OrderDescending().Take(5).Average(), familiarity.Of(x), 1e-5);
        Assert.Equal(0, familiarity.Of(new float[Features]));
        Assert.Equal(-1, familiarity.Of([.. Enumerable.Repeat(float.NaN, Features)]));
        rehearsal.Read(0, stored);
        Assert.True(familiarity.Without(0) < familiarity.Of(stored));
    }

    [Theory]
    [InlineData(ModelFormat.Onnx)]
    [InlineData(ModelFormat.TfLite)]
    public void Both_formats_carry_it_and_the_graph_is_the_same(ModelFormat format)
    {
        TuningOptions options = new();
        Dataset data = TinyModels.Images(40, 1, "red", "green", "blue").ToDataset();
        Model stock = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);
        TuningResult result = Tuner.Tune(stock, data, new NoDecoder(), options);
        Model without = Tuner.Tune(stock, data, new NoDecoder(), options with { StoresRehearsal = false }).Model;
        Assert.NotNull(result.Unknown);
        Assert.Equal(result.Unknown.Similarity, result.Model.Info.Rehearsal!.Threshold);
        Assert.InRange((double)result.Unknown.Refused / result.Unknown.Images, 0, 0.05);
        using MemoryStream file = new();
        result.Model.Save(file, format);
        file.Position = 0;
        Model read = Model.Load(file, "saved");
        Assert.Equal(result.Unknown.Similarity, read.Info.Rehearsal!.Threshold);
        Assert.Equal(GraphDump.ToText(without.Graph), GraphDump.ToText(result.Model.Graph));

        RgbImage known = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(2, new Rng(99)));
        using ImageClassifier saved = new(read), plain = new(without), batched = new(read, batch: 3);
        Recognition answer = saved.Recognize(known), unasked = plain.Recognize(known);
        Assert.False(answer.IsUnknown);
        Assert.InRange(answer.Similarity!.Value, answer.Threshold!.Value, 1);
        Assert.Equal(plain.Classify(known)[0].Label, answer.Scores[0].Label);
        Assert.Equal(saved.Classify(known), answer.Scores);
        Assert.Equal(saved.Classify(known), batched.Classify([known, known, known, known])[3]);
        Assert.Equal(3, saved.Scores(known).Length);
        Assert.Equal(answer.Similarity, saved.RecognizeAsync(known).GetAwaiter().GetResult().Similarity);
        Assert.Equal((null, null, false), (unasked.Similarity, unasked.Threshold, unasked.IsUnknown));
        Assert.Null(plain.UnknownThreshold);
    }

    [Fact]
    public void Vectors_of_another_network_are_not_used()
    {
        Dataset data = TinyModels.Images(40, 1, "red", "green", "blue").ToDataset();
        Model tuned = Tuner.Tune(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), data, new NoDecoder()).Model;
        Model foreign = new(Tuner.WithNewHead(tuned, ["a", "b", "c"]).Graph, tuned.Info);
        using ImageClassifier classifier = new(foreign);
        Assert.Null(classifier.UnknownThreshold);
    }

    [Fact]
    public void Hostile_thresholds_are_refused()
    {
        Rng rng = new(1);
        Rehearsal rehearsal = Rehearsal.Create([Row(rng, 0), Row(rng, 1)], [0, 1], 2, _ => 2);
        Assert.Null(Rehearsal.Parse(rehearsal.ToText())!.Threshold);
        Assert.Equal(0.5f, Rehearsal.Parse(rehearsal.WithThreshold(0.5f).ToText())!.Threshold);
        foreach (float hostile in (float[])[1.5f, -1.01f, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue])
            Assert.Null(Rehearsal.Parse(rehearsal.WithThreshold(hostile).ToText()));
        Rehearsal untrained = Rehearsal.Create([Row(rng, 0), Row(rng, 1)], [0, 1], 0, _ => 2);
        Assert.Null(Rehearsal.Parse(untrained.WithThreshold(0.5f).ToText()));
    }

    [Fact]
    public void Letters_are_unknown_to_a_network_that_was_tuned_to_digits()
    {
        Preprocessing input = Preprocessing.Preset("unit", HandwrittenSet.Side, HandwrittenSet.Side) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };
        Model network = new(
            LeNet5.Architecture.Build(new ArchitectureOptions { Classes = 10, Seed = 1 }), new ModelInfo { Name = "LeNet-5", Preprocessing = input });
        OptimizerOptions optimizer = new() { Kind = OptimizerKind.Sgd, Momentum = 0.9f, BodyRate = 1 };
        TrainerOptions training = new() { Policy = UpdatePolicy.All, Epochs = 4, BatchSize = 32, LearningRate = 0.03f, Optimizer = optimizer };
        TuningOptions options = new() { Seed = 1, Network = training };
        TuningResult result = Tuner.Tune(network, HandwrittenSet.Create(HandwrittenSet.Digits, 3000, 1).ToDataset(), new NoDecoder(), options);
        using ImageClassifier classifier = new(result.Model);
        float[] digits = Similarities(classifier, HandwrittenSet.Digits, 2), letters = Similarities(classifier, HandwrittenSet.Letters, 3);
        double wins = 0;
        foreach (float digit in digits)
        {
            foreach (float letter in letters) wins += digit > letter ? 1 : digit == letter ? 0.5 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            FormattableString.Invariant($"AUROC {wins / digits.Length / letters.Length}, threshold {classifier.UnknownThreshold}, ")
            + FormattableString.Invariant($"refused {digits.Count(s => s < classifier.UnknownThreshold)} digits, ")
            + FormattableString.Invariant($"{letters.Count(s => s < classifier.UnknownThreshold)} letters of {letters.Length}"));
        // Some letters look like digits: I like 1, B like 8.
        Assert.True(result.After.Accuracy > 0.9);
        Assert.True(wins / digits.Length / letters.Length > 0.75);
        Assert.InRange(digits.Count(s => s < classifier.UnknownThreshold) / (double)digits.Length, 0, 0.06);
    }

    private static float[] Similarities(ImageClassifier classifier, string characters, ulong seed)
    {
        HandwrittenSet set = HandwrittenSet.Create(characters, 300, seed);
        float[] similarities = new float[set.Count];
        for (int i = 0; i < similarities.Length; i++)
        {
            byte[] pixels = new byte[HandwrittenSet.Side * HandwrittenSet.Side * 3];
            for (int p = 0; p < pixels.Length; p++) pixels[p] = set.Pixels(i)[p / 3];
            similarities[i] = classifier.Recognize(new RgbImage(HandwrittenSet.Side, HandwrittenSet.Side, pixels)).Similarity!.Value;
        }

        return similarities;
    }

    /// <summary>Two classes around two directions: stored vectors, and images that are not among them.</summary>
    private static (Rehearsal Rehearsal, FeatureMatrix Unseen, float[][] Test) Planted(ulong seed, int perClass, int unseen, int test)
    {
        Rng rng = new(seed);
        int[] labels = [.. Enumerable.Range(0, 2 * perClass).Select(i => i % 2)];
        Rehearsal rehearsal = Rehearsal.Create([.. labels.Select(label => Row(rng, label))], labels, labels.Length, _ => 0);
        FeatureMatrix matrix = new([.. Enumerable.Range(0, unseen).Select(i => i % 2)], Features);
        for (int i = 0; i < unseen; i++) Row(rng, i % 2).CopyTo(matrix.WritableRow(i));
        return (rehearsal, matrix, [.. Enumerable.Range(0, test).Select(i => Row(rng, i % 2))]);
    }

    private static float[] Row(Rng rng, int label)
    {
        float[] row = new float[Features];
        for (int k = 0; k < Features; k++) row[k] = rng.Uniform() + (k % 2 == label ? 1 : 0);
        return row;
    }

    private static double Cosine(float[] x, float[] y) =>
        x.Zip(y, (a, b) => (double)a * b).Sum() / Math.Sqrt(x.Sum(a => (double)a * a) * y.Sum(b => (double)b * b));
}
