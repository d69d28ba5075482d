using System;
using System.IO;
using System.Linq;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class RehearsalTests
{
    private const int Features = 24;

    [Fact]
    public void Vectors_are_read_back_to_within_a_byte_and_labels_exactly()
    {
        Rehearsal rehearsal = Make(out LinearHead head, out FeatureMatrix train);
        using FeatureMatrix owned = train;
        Rehearsal again = Rehearsal.Parse(rehearsal.ToText())!;
        Assert.Equal((rehearsal.Features, rehearsal.Vectors, rehearsal.TrainingVectors), (again.Features, again.Vectors, again.TrainingVectors));
        Assert.Equal(rehearsal.Labels, again.Labels);
        Assert.Equal(rehearsal.ToText(), again.ToText());
        Assert.Equal(again.ToText().Length, again.StoredBytes);
        Assert.True(RehearsalChoice.Fits(again, head));

        // Each vector is one of the images, each number within half a step of a 255th of the range.
        float[] row = new float[Features];
        float range = Enumerable.Range(0, train.Samples).SelectMany(i => train.Row(i).ToArray()).Max(Math.Abs) * 2;
        for (int i = 0; i < again.TrainingVectors; i++)
        {
            again.Read(i, row);
            double nearest = Enumerable.Range(0, train.Samples).Where(s => train.Labels[s] == again.Labels[i])
                .Min(s => row.Zip(train.Row(s).ToArray(), (a, b) => Math.Abs(a - b)).Max());
            Assert.InRange(nearest, 0, range / 255);
        }
    }

    [Fact]
    public void The_chosen_vectors_have_the_mean_of_their_class()
    {
        Rehearsal rehearsal = Make(out _, out FeatureMatrix train);
        using FeatureMatrix owned = train;
        float[] row = new float[Features];
        for (int c = 0; c < 3; c++)
        {
            double[] all = new double[Features], chosen = new double[Features], first = new double[Features];
            int[] images = [.. Enumerable.Range(0, train.Samples).Where(i => train.Labels[i] == c)];
            int[] vectors = [.. Enumerable.Range(0, rehearsal.TrainingVectors).Where(i => rehearsal.Labels[i] == c)];
            Assert.Equal(RehearsalChoice.Training, vectors.Length);
            for (int k = 0; k < Features; k++)
            {
                all[k] = images.Average(i => train.Row(i)[k]);
                first[k] = images[..vectors.Length].Average(i => train.Row(i)[k]);
                chosen[k] = vectors.Average(i =>
                {
                    rehearsal.Read(i, row);
                    return row[k];
                });
            }

            double Distance(double[] mean) => Math.Sqrt(mean.Zip(all, (a, b) => (a - b) * (a - b)).Sum());
            Assert.True(Distance(chosen) < 0.5 * Distance(first), $"{Distance(chosen)} from the mean, the first ones {Distance(first)}");
        }
    }

    [Fact]
    public void Models_carry_them_in_both_formats_and_lose_them_with_their_layers()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense, 3, ["a", "b", "c"]);
        Rehearsal rehearsal = Make(out _, out FeatureMatrix train);
        train.Dispose();
        model = new Model(model.Graph, model.Info with { Rehearsal = rehearsal });
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            using MemoryStream file = new();
            model.Save(file, format);
            file.Position = 0;
            Model loaded = Model.Load(file, $"saved.{format}");
            Assert.Equal(rehearsal.ToText(), loaded.Info.Rehearsal!.ToText());
            Assert.DoesNotContain("thomas.rehearsal", loaded.Info.Metadata.Keys);
            Assert.Null(Tuner.WithNewHead(loaded, ["d", "e"]).Info.Rehearsal);
        }
    }

    [Fact]
    public void Anything_else_is_no_rehearsal()
    {
        Rehearsal rehearsal = Make(out LinearHead head, out FeatureMatrix train);
        train.Dispose();
        string text = rehearsal.ToText();
        foreach (string bad in (string[])["", "!", "AAAA", text[..^400], text[..(text.Length / 2 / 4 * 4)], new string('A', 4000)])
            Assert.Null(Rehearsal.Parse(bad));
        Rng rng = new(3);
        for (int trial = 0; trial < 200; trial++)
        {
            byte[] bytes = Convert.FromBase64String(text);
            bytes[rng.Next(bytes.Length)] ^= (byte)(1 << rng.Next(8));

            // Whatever comes out can be used without an error, or is none.
            if (Rehearsal.Parse(Convert.ToBase64String(bytes)) is not Rehearsal changed) continue;
            float[] row = new float[changed.Features];
            for (int i = 0; i < changed.Vectors; i++) changed.Read(i, row);
            Assert.All(row, value => Assert.True(float.IsFinite(value)));
            RehearsalChoice.Fits(changed, head);
        }

        LinearHead other = new(Surrogate.Normals(new Rng(9), 3 * Features, 1), new float[3]);
        Assert.False(RehearsalChoice.Fits(rehearsal, other));
        Assert.False(RehearsalChoice.Fits(rehearsal, new LinearHead(new float[6], new float[2])));
    }

    [Fact]
    public void Many_classes_get_fewer_vectors_each_and_too_many_none()
    {
        int[] one = new int[300];
        Array.Fill(one, 40);
        using FeatureMatrix many = Surrogate.Gaussians(one, 1000, seed: 5, distance: 3);
        Rehearsal few = RehearsalChoice.Of(new LinearHead(new float[300 * 1000], new float[300]), many, null, null)!;
        Assert.InRange(few.Vectors * 1000, 300 * 1000, RehearsalChoice.MostBytes);
        using FeatureMatrix wide = Surrogate.Gaussians(one[..30], RehearsalChoice.MostBytes / 20, seed: 6, distance: 3);
        Assert.Null(RehearsalChoice.Of(new LinearHead(new float[30 * wide.Features], new float[30]), wide, null, null));
    }

    private static Rehearsal Make(out LinearHead head, out FeatureMatrix train)
    {
        train = Surrogate.Gaussians([60, 60, 60], Features, seed: 81, distance: 4);
        using FeatureMatrix check = Surrogate.Gaussians([10, 10, 10], Features, seed: 82, distance: 4);
        head = HeadTrainer.Train(train, null, 3, cancellation: TestContext.Current.CancellationToken).Head;
        return RehearsalChoice.Of(head, train, check, null)!;
    }
}
