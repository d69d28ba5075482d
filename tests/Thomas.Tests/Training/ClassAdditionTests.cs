using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class ClassAdditionTests
{
    private const int Features = 60;

    [Theory]
    [InlineData(true, 3)]
    [InlineData(true, 4)]
    [InlineData(false, 4)]
    public void New_classes_are_learned_and_old_ones_stay_bit_for_bit(bool rehearses, int old)
    {
        World world = new(5, seed: 21);
        (LinearHead head, Rehearsal vectors) = world.Old(old);
        using FeatureMatrix train = world.Images([.. Enumerable.Range(0, 5).Select(c => c < old ? 0 : 40)], seed: 23);
        List<string> notes = [];
        LinearHead both = Add(head, 5, train, rehearses ? vectors : null, notes);
        Assert.Equal(Bits(head.Weights), Bits(both.Weights[..head.Weights.Length]));
        Assert.Equal(Bits(head.Bias), Bits(both.Bias[..old]));
        using FeatureMatrix test = world.Images([40, 40, 40, 40, 40], seed: 24);
        ConfusionMatrix after = both.Evaluate(test);
        using FeatureMatrix oldTest = world.Images([.. Enumerable.Range(0, 5).Select(c => c < old ? 40 : 0)], seed: 24);
        double before = head.Evaluate(oldTest).MacroRecall, kept = Enumerable.Range(0, old).Average(c => after.OfClass(c).Recall!.Value);
        Assert.True(kept > before - (rehearses ? 0.05 : 0.15), $"old classes {before:P1} before, {kept:P1} after\n{after.ToTable()}");
        for (int c = old; c < 5; c++) Assert.True(after.OfClass(c).Recall > (rehearses ? 0.8 : 0.4), after.ToTable());
        Assert.Contains(notes, note => note.Contains(rehearses ? "that the model carries" : "made up from the weights", StringComparison.Ordinal));
    }

    [Fact]
    public void Many_old_classes_are_kept_without_any_vectors_of_them()
    {
        const int Old = 120;
        World world = new(Old + 3, seed: 31);
        (LinearHead head, _) = world.Old(Old);
        using FeatureMatrix train = world.Images([.. Enumerable.Range(0, Old + 3).Select(c => c < Old ? 0 : 30)], seed: 33);
        LinearHead both = Add(head, Old + 3, train, null, []);
        int[] ten = [.. Enumerable.Range(0, Old + 3).Select(_ => 6)];
        using FeatureMatrix test = world.Images(ten, seed: 34), oldTest = world.Images([.. ten.Select((n, c) => c < Old ? n : 0)], seed: 34);
        ConfusionMatrix after = both.Evaluate(test);
        double before = head.Evaluate(oldTest).MacroRecall, kept = Enumerable.Range(0, Old).Average(c => after.OfClass(c).Recall!.Value);
        double added = Enumerable.Range(Old, 3).Average(c => after.OfClass(c).Recall!.Value);
        Assert.True(kept > before - 0.03 && added > 0.7, $"old {before:P1} before, {kept:P1} after; new {added:P1}");
    }

    [Fact]
    public void Images_of_a_known_class_are_added_to_its_row_and_no_other()
    {
        World world = new(4, seed: 41);
        (LinearHead head, Rehearsal vectors) = world.Old(4);
        using FeatureMatrix train = world.Images([0, 30, 0, 0], seed: 43);
        List<string> notes = [];
        LinearHead after = Add(head, 4, train, vectors, notes);

        // A row that was balanced against the others before is not moved away from them.
        Assert.DoesNotContain(notes, note => note.Contains("calibrated", StringComparison.Ordinal));
        for (int c = 0; c < 4; c++) Assert.Equal(c != 1, Bits(head.Row(c)).SequenceEqual(Bits(after.Row(c))));
        using FeatureMatrix test = world.Images([40, 40, 40, 40], seed: 44);
        Assert.True(after.Evaluate(test).MacroRecall > head.Evaluate(test).MacroRecall - 0.03, after.Evaluate(test).ToTable());
    }

    [Theory]
    [InlineData(6)]
    [InlineData(20)]
    public void Images_of_known_and_new_classes_are_learned_together(int images)
    {
        World world = new(5, seed: 45);
        (LinearHead head, Rehearsal vectors) = world.Old(4);
        using FeatureMatrix train = world.Images([0, images, images, 0, images], seed: 47), test = world.Images([40, 40, 40, 40, 40], seed: 48);
        ConfusionMatrix after = Add(head, 5, train, vectors, []).Evaluate(test);
        using FeatureMatrix oldTest = world.Images([40, 40, 40, 40, 0], seed: 48);
        ConfusionMatrix before = head.Evaluate(oldTest);
        for (int c = 0; c < 4; c++) Assert.True(after.OfClass(c).Recall > before.OfClass(c).Recall - 0.1, $"class {c}\n{after.ToTable()}");
        Assert.True(after.OfClass(4).Recall > 0.6, after.ToTable());
    }

    [Fact]
    public void With_images_of_all_classes_all_rows_are_trained()
    {
        World world = new(4, seed: 51);
        (LinearHead head, _) = world.Old(3);
        using FeatureMatrix train = world.Images([30, 30, 30, 30], seed: 53), test = world.Images([40, 40, 40, 40], seed: 54);
        LinearHead both = Add(head, 4, train, null, []);
        LinearHead once = HeadTrainer.Train(train, null, 4, cancellation: TestContext.Current.CancellationToken).Head;
        Assert.True(both.Evaluate(test).Accuracy > once.Evaluate(test).Accuracy - 0.03, both.Evaluate(test).ToTable());
        Assert.Throws<DataException>(() =>
        {
            using FeatureMatrix single = new([0], 2);
            Add(new LinearHead(new float[2], new float[1]), 1, single, null, []);
        });
    }

    [Fact]
    public void A_single_image_of_a_new_class_is_enough_to_be_added()
    {
        World world = new(4, seed: 61);
        (LinearHead head, Rehearsal vectors) = world.Old(3);
        using FeatureMatrix train = world.Images([0, 0, 0, 1], seed: 63);
        LinearHead both = Add(head, 4, train, vectors, []);
        using FeatureMatrix test = world.Images([40, 40, 40, 40], seed: 64);
        ConfusionMatrix after = both.Evaluate(test);
        Assert.True(after.OfClass(3).Recall > 0.2 && after.MacroRecall > 0.7, after.ToTable());
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_views_are_used()
    {
        World world = new(4, seed: 71);
        (LinearHead head, Rehearsal vectors) = world.Old(3);
        using FeatureMatrix train = world.Images([0, 0, 0, 20], seed: 73), views = new([.. train.Labels], Features, 2);
        for (int i = 0; i < train.Samples; i++)
        {
            train.Row(i).CopyTo(views.WritableRow(i, 0));
            train.Row((i + 1) % train.Samples).CopyTo(views.WritableRow(i, 1));
        }

        Assert.Equal(Bits(Add(head, 4, train, vectors, []).Weights), Bits(Add(head, 4, train, vectors, []).Weights));
        LinearHead both = Add(head, 4, views, vectors, []);
        Assert.NotEqual(Bits(Add(head, 4, train, vectors, []).Weights), Bits(both.Weights));
        using FeatureMatrix test = world.Images([20, 20, 20, 20], seed: 74);
        Assert.True(both.Evaluate(test).MacroRecall > 0.8, both.Evaluate(test).ToTable());
    }

    [Fact]
    public void Cancelled_while_it_is_calibrated_it_says_so()
    {
        World world = new(4, seed: 81);
        (LinearHead head, Rehearsal vectors) = world.Old(3);
        using FeatureMatrix train = world.Images([0, 0, 0, 20], seed: 83);
        foreach (int epoch in (int[])[3, TrainerOptions.LastLayer.Epochs])
        {
            // After the last epoch there is the calibration alone.
            using CancellationTokenSource source = new();
            Relay<EpochReport> epochs = new(report =>
            {
                if (report.Epoch == epoch) source.Cancel();
            });
            (LinearHead rows, TrainerResult run, bool isCancelled) = ClassAddition.Train(
                head, 4, train, vectors, TrainerOptions.LastLayer, epochs, [], source.Token);
            Assert.True(isCancelled);
            Assert.Equal(epoch < TrainerOptions.LastLayer.Epochs, run.Cancelled);
            Assert.Equal(Bits(head.Weights), Bits(rows.Weights[..head.Weights.Length]));
        }
    }

    private static LinearHead Add(LinearHead old, int classes, FeatureMatrix train, Rehearsal? rehearsal, List<string> notes) => ClassAddition.Train(
        old, classes, train, rehearsal, TrainerOptions.LastLayer, null, notes, TestContext.Current.CancellationToken).Head;

    private static uint[] Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, uint>(values).ToArray();

    /// <summary>Classes whose features look like those behind a ReLU: sparse, never negative.</summary>
    private sealed class World(int classes, ulong seed)
    {
        private readonly float[] _centers = Surrogate.Normals(new Rng(seed), classes * Features, 1.2f);

        public FeatureMatrix Images(int[] counts, ulong seed)
        {
            int[] labels = [.. counts.SelectMany((count, c) => Enumerable.Repeat(c, count))];
            FeatureMatrix matrix = new(labels, Features);
            Rng rng = new(seed);
            for (int i = 0; i < labels.Length; i++)
            {
                Span<float> row = matrix.WritableRow(i);
                for (int k = 0; k < row.Length; k++) row[k] = Math.Max(0, _centers[(labels[i] * Features) + k] + rng.Normal(0, 1));
            }

            return matrix;
        }

        /// <summary>A layer that knows the first classes, and vectors of them.</summary>
        public (LinearHead Head, Rehearsal Vectors) Old(int count)
        {
            int[] counts = [.. Enumerable.Range(0, classes).Select(c => c < count ? 40 : 0)];
            using FeatureMatrix train = Images(counts, seed + 1), check = Images([.. counts.Select(n => n / 5)], seed + 2);
            LinearHead head = HeadTrainer.Train(train, null, count, cancellation: TestContext.Current.CancellationToken).Head;
            return (head, RehearsalChoice.Of(head, train, check, null)!);
        }
    }
}
