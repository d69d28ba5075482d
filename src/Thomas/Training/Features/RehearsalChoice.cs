using System;
using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>Chooses the feature vectors that a model carries of its classes.</summary>
internal static class RehearsalChoice
{
    /// <summary>Vectors of a class to train with, and vectors that only measure. With 10 for training, adding a flower costs 2 points more.</summary>
    internal const int Training = 32, Check = 6;

    /// <summary>Most bytes of all vectors: what TFLite's metadata entries hold as text.</summary>
    internal const int MostBytes = 640 << 10;

    private const int MostCandidates = 1000;

    /// <summary>
    /// The vectors of a class whose mean comes nearest to the mean of all of its training images, one after the other (herding: Rebuffi et al., "iCaRL", CVPR
    /// 2017), and the first of its images that were set aside. Vectors of an earlier choice stand for classes without images.
    /// </summary>
    /// <param name="head">The last layer.</param>
    /// <param name="train">Features of the training images, of which view 0 is used.</param>
    /// <param name="check">Features of images that the layer was not trained on; null for none.</param>
    /// <param name="old">An earlier choice for the same layers; null for none.</param>
    /// <returns>The vectors; null where there is room for less than one a class.</returns>
    public static Rehearsal? Of(LinearHead head, FeatureMatrix train, FeatureMatrix? check, Rehearsal? old)
    {
        HashSet<int> present = [.. train.Labels];
        for (int i = 0; i < old?.TrainingVectors; i++) present.Add(old.Labels[i]);
        int room = MostBytes / head.Features / present.Count;
        if (room < 1 || head.Classes > ushort.MaxValue) return null;
        int checks = Math.Min(Check, room / 6), trains = Math.Min(Training, room - checks);
        List<float[]> rows = [];
        List<int> labels = [];
        for (int c = 0; c < head.Classes; c++) Add(c, Herd(RowsOf(train, c, old, isTraining: true), trains));
        int training = rows.Count;
        for (int c = 0; c < head.Classes; c++)
        {
            List<Row> all = check is null ? [] : RowsOf(check, c, old, isTraining: false);
            Add(c, all[..Math.Min(checks, all.Count)]);
        }

        return rows.Count == 0 ? null : Rehearsal.Create(rows, [.. labels], training, rehearsal => Right(head, rehearsal));

        void Add(int label, List<Row> chosen)
        {
            foreach (Row row in chosen)
            {
                rows.Add(row.Values.ToArray());
                labels.Add(label);
            }
        }
    }

    /// <summary>Whether the vectors fit the network: its last layer classifies them as it did when they were stored.</summary>
    public static bool Fits(Rehearsal rehearsal, LinearHead head)
    {
        if (rehearsal.Features != head.Features) return false;
        foreach (int label in rehearsal.Labels)
        {
            if (label >= head.Classes) return false;
        }

        // Rounding can move a vector that lies between two classes.
        return Math.Abs(Right(head, rehearsal) - rehearsal.Right) <= 1 + (rehearsal.Vectors / 50);
    }

    private static int Right(LinearHead head, Rehearsal rehearsal)
    {
        float[] row = new float[rehearsal.Features], logits = new float[head.Classes];
        int right = 0;
        for (int i = 0; i < rehearsal.Vectors; i++)
        {
            rehearsal.Read(i, row);
            head.Logits(row, logits);
            right += TopK.Best(logits) == rehearsal.Labels[i] ? 1 : 0;
        }

        return right;
    }

    /// <summary>The rows of a class, at most so many as are worth choosing from.</summary>
    private static List<Row> RowsOf(FeatureMatrix matrix, int label, Rehearsal? old, bool isTraining)
    {
        List<Row> rows = [];
        for (int i = 0; i < matrix.Samples; i++)
        {
            if (matrix.Labels[i] == label) rows.Add(new Row(matrix, i, null));
        }

        for (int i = isTraining ? 0 : old?.TrainingVectors ?? 0; i < (isTraining ? old?.TrainingVectors : old?.Vectors); i++)
        {
            if (old!.Labels[i] != label) continue;
            float[] row = new float[old.Features];
            old.Read(i, row);
            rows.Add(new Row(null, 0, row));
        }

        if (rows.Count <= MostCandidates) return rows;
        List<Row> some = [];
        for (int i = 0; i < MostCandidates; i++) some.Add(rows[(int)((long)i * rows.Count / MostCandidates)]);
        return some;
    }

    private static List<Row> Herd(List<Row> rows, int count)
    {
        if (rows.Count <= count) return rows;
        int features = rows[0].Values.Length;
        double[] mean = new double[features], sum = new double[features];
        foreach (Row row in rows)
        {
            ReadOnlySpan<float> values = row.Values;
            for (int k = 0; k < features; k++) mean[k] += (double)values[k] / rows.Count;
        }

        List<Row> chosen = [], rest = [.. rows];
        while (chosen.Count < count)
        {
            int best = 0;
            double least = double.PositiveInfinity;
            for (int i = 0; i < rest.Count; i++)
            {
                ReadOnlySpan<float> values = rest[i].Values;
                double distance = 0;
                for (int k = 0; k < features; k++)
                {
                    double d = mean[k] - ((sum[k] + values[k]) / (chosen.Count + 1));
                    distance += d * d;
                }

                if (distance < least) (best, least) = (i, distance);
            }

            ReadOnlySpan<float> taken = rest[best].Values;
            for (int k = 0; k < features; k++) sum[k] += taken[k];
            chosen.Add(rest[best]);
            rest.RemoveAt(best);
        }

        return chosen;
    }

    /// <summary>A row where it lies: thousands of them are not copied.</summary>
    private readonly record struct Row(FeatureMatrix? Matrix, int Sample, float[]? Stored)
    {
        public ReadOnlySpan<float> Values => Matrix is null ? Stored : Matrix.Row(Sample);
    }
}
