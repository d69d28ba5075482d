using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class LabelAuditTests(ITestOutputHelper output)
{
    private static readonly string[] Colors = ["red", "green", "blue"];

    /// <summary>Both sides of the ridge, few features and many, against solving it once for each sample that is left out.</summary>
    [Theory]
    [InlineData(14, 4, 3)]
    [InlineData(9, 9, 2)]
    [InlineData(8, 15, 3)]
    public void Leaving_one_out_at_once_is_leaving_each_out(int samples, int features, int classes)
    {
        (float[] x, int[] labels) = Blobs(samples, features, classes, 1);
        double[] scores = LeaveOneOut.Scores(x, features, labels, classes, 0.5, default), slow = LeftOut(x, features, labels, classes, 0.5);
        for (int i = 0; i < scores.Length; i++) Assert.Equal(slow[i], scores[i], 1e-5);
    }

    [Fact]
    public void Planted_wrong_labels_are_the_first_suspects()
    {
        (float[] x, int[] labels) = Blobs(120, 20, 4, 2);
        int[] planted = [3, 40, 77, 91, 118];
        int[] given = [.. labels];
        foreach (int i in planted) given[i] = (labels[i] + 1) % 4;
        (int[] suggested, double[] doubt) = LabelAudit.Doubts(x, 20, given, 4, null, default);
        int[] order = [.. Enumerable.Range(0, 120).OrderByDescending(i => doubt[i])];
        output.WriteLine(string.Join(' ', order.Take(8).Select(i => $"{i}:{doubt[i]:0.00}")));
        Assert.Equal(planted, order.Take(5).Order());
        Assert.All(planted, i => Assert.Equal(labels[i], suggested[i]));
        Assert.All(planted, i => Assert.True(doubt[i] >= LabelSuspect.ConvincingDoubt));
        Assert.Equal(0, LabelAudit.Doubts(x, 20, labels, 4, null, default).Doubt.Count(d => d >= LabelSuspect.ConvincingDoubt));
    }

    [Fact]
    public void A_small_class_is_not_outvoted_by_a_large_one()
    {
        (float[] x, int[] labels) = Blobs(90, 16, 3, 3);
        int[] kept = [.. Enumerable.Range(0, 90).Where(i => labels[i] != 2 || i < 15)];
        float[] rest = [.. kept.SelectMany(i => x.Skip(i * 16).Take(16))];
        (_, double[] doubt) = LabelAudit.Doubts(rest, 16, [.. kept.Select(i => labels[i])], 3, null, default);
        Assert.All(doubt, d => Assert.True(d < 0, $"{d}"));
    }

    [Fact]
    public void An_image_alone_in_its_class_is_not_doubted()
    {
        (float[] x, int[] labels) = Blobs(20, 6, 2, 4);
        labels[5] = 2;
        (_, double[] doubt) = LabelAudit.Doubts(x, 6, labels, 3, null, default);
        Assert.Equal(0, doubt[5]);
        Assert.All(doubt, d => Assert.True(double.IsFinite(d)));
    }

    [Fact]
    public void Tuning_finds_the_image_in_the_wrong_folder_among_training_and_validation_images()
    {
        Dataset data = TinyModels.Images(12, 5, Colors).ToDataset();
        List<Sample> samples = [.. Split.Stratified(data, 0.25, 1).Samples];
        int training = samples.FindIndex(s => s.Subset == Subset.Train), checked_ = samples.FindLastIndex(s => s.Subset == Subset.Validation);
        foreach (int i in (int[])[training, checked_]) samples[i] = samples[i] with { ClassIndex = (samples[i].ClassIndex + 1) % 3 };
        Dataset wrong = new("wrong", Colors, samples);
        TuningOptions options = new() { Head = TrainerOptions.LastLayer with { Epochs = 2 }, FindSuspects = true };
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 4);
        IReadOnlyList<LabelSuspect> suspects = Tuner.Tune(model, wrong, new SkiaImageDecoder(), options).Suspects!;
        string[] expected = [.. new[] { samples[training], samples[checked_] }.Select(s => s.Image.Name).Order()];
        Assert.Equal(expected, suspects.Take(2).Select(s => s.Sample.Image.Name).Order());
        Assert.Equal(suspects.Select(s => s.Doubt), suspects.Select(s => s.Doubt).OrderDescending());

        // A run of its own, and one that nobody asked to look, find the same.
        Assert.Equal(expected, LabelAudit.Run(model, wrong, new SkiaImageDecoder()).Take(2).Select(s => s.Sample.Image.Name).Order());
        Assert.Equal(suspects.Count, Tuner.Tune(model, wrong, new SkiaImageDecoder(), options with { FindSuspects = false }).Suspects!.Count);
    }

    [Fact]
    public void Under_a_memory_bound_it_is_refused()
    {
        TuningOptions options = new() { FindSuspects = true, MemoryBytes = 1L << 30 };
        Model model = TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 4);
        Dataset data = TinyModels.Images(4, 1, Colors).ToDataset();
        Assert.Throws<ThomasException>(() => Tuner.Tune(model, data, new SkiaImageDecoder(), options));
    }

    /// <summary>Points around one center for each class, far enough from each other.</summary>
    private static (float[] X, int[] Labels) Blobs(int samples, int features, int classes, ulong seed)
    {
        Rng rng = new(seed);
        float[] centers = [.. Enumerable.Range(0, classes * features).Select(_ => rng.Uniform(-1, 1))];
        float[] x = new float[samples * features];
        int[] labels = [.. Enumerable.Range(0, samples).Select(i => i % classes)];
        for (int i = 0; i < x.Length; i++) x[i] = centers[(labels[i / features] * features) + (i % features)] + (0.3f * rng.Uniform(-1, 1));
        return (x, labels);
    }

    /// <summary>Weighted ridge with a constant input, solved by Gauss-Jordan elimination without each sample in turn.</summary>
    private static double[] LeftOut(float[] x, int features, int[] labels, int classes, double ridge)
    {
        int n = labels.Length, d = features + 1;
        double meanSquare = x.Sum(v => (double)v * v) / n;
        double[] scores = new double[n * classes];
        for (int left = 0; left < n; left++)
        {
            double[,] system = new double[d, d + classes];
            for (int k = 0; k < d; k++) system[k, k] = ridge * meanSquare;
            for (int i = 0; i < n; i++)
            {
                if (i == left) continue;
                double weight = (double)n / (classes * labels.Count(label => label == labels[i]));
                for (int k = 0; k < d; k++)
                {
                    for (int j = 0; j < d; j++) system[k, j] += weight * At(i, k) * At(i, j);
                    system[k, d + labels[i]] += weight * At(i, k);
                }
            }

            for (int p = 0; p < d; p++)
            {
                double pivot = system[p, p];
                for (int j = 0; j < d + classes; j++) system[p, j] /= pivot;
                for (int k = 0; k < d; k++)
                {
                    double factor = k == p ? 0 : system[k, p];
                    for (int j = 0; j < d + classes; j++) system[k, j] -= factor * system[p, j];
                }
            }

            for (int c = 0; c < classes; c++)
            {
                for (int k = 0; k < d; k++) scores[(left * classes) + c] += At(left, k) * system[k, d + c];
            }
        }

        return scores;

        double At(int i, int k) => k == features ? Math.Sqrt(meanSquare) : x[(i * features) + k];
    }
}
