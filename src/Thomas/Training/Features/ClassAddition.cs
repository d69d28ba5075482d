using System;
using System.Collections.Generic;
using System.Threading;

namespace Thomas.Training;

/// <summary>
/// Adds classes to a trained last layer, or images to some of its classes, without the images that it was trained on. The rows of the other old classes stay
/// as they are, bit for bit.
/// </summary>
/// <remarks>
/// <para>Rows that are trained compete with the old ones (<see cref="HeadTrainer"/>). Without old images they would learn to win always, so feature vectors
/// stand for the old classes: those that the model carries (<see cref="Rehearsal"/>) and new ones moved to their mean (Petit et al., "FeTrIL", WACV 2023),
/// else vectors that are made up from the old rows.</para>
/// <para>A vector made up for class c is <c>max(0, u + s * (w[c] - mean w))</c>. u is a row of the new images with its features in random order: it has the
/// size and the sparsity of features, and nothing of the new classes. s is such that the old layer gives class c a probability of 0.9. A row of a layer that
/// was trained with softmax points to where the features of its class are (Papyan, Han, Donoho, "Prevalence of neural collapse", PNAS 2020).</para>
/// <para>At last one number is added to the biases of all new rows, not less than lets each class win half of its images. Where the model carries vectors
/// of all old classes, it is a low one of those whose mean recall over all classes is within three points of the best; else the least with which
/// <see cref="WinningShare"/> (or <see cref="CautiousShare"/>) of the new images that are told apart from each other also win against the old classes. Both
/// are measured on images that the rows were not trained on, in <see cref="Folds"/> trainings on parts of the images.</para>
/// </remarks>
internal sealed class ClassAddition
{
    /// <summary>Trainings that measure the shift of the biases.</summary>
    internal const int Folds = 4;

    /// <summary>
    /// See the remarks. At 0.85, MobileNetV1 0.25 recognizes 6 points less of four new flowers, and the 1001 old classes lose half a point less.
    /// </summary>
    internal const double WinningShare = 0.92;

    /// <summary>
    /// The same with few old classes, whose weights say too little of their images: with <see cref="WinningShare"/>, three flowers would lose a third of
    /// theirs.
    /// </summary>
    internal const double CautiousShare = 0.65;

    private const int ManyClasses = 100;

    /// <summary>Vectors that are made up in all, at least one for each class and at most this many.</summary>
    private const int MadeUp = 1024, MostMadeUpPerClass = 20;

    /// <summary>Vectors of new images that are moved to each class that vectors are stored of.</summary>
    private const int Translated = 20;

    /// <summary>All old classes together count for as many new ones at most: more of them do not need more weight.</summary>
    private const int MostOldShare = 20;

    private const double MadeUpProbability = 0.9, MostShift = 3, Tolerance = 0.03, LowPart = 0.2;

    private readonly LinearHead _old;
    private readonly FeatureMatrix _train;
    private readonly Rehearsal? _rehearsal;
    private readonly TrainerOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly List<int> _trained = [], _frozen = [];
    private readonly int[] _place;

    // How many of the trained rows, the first ones, are those of old classes.
    private readonly int _known;

    // Rows of old classes, with the class that each is of.
    private readonly List<(float[] Row, int Class)> _extras = [];

    private ClassAddition(
        LinearHead old, int classes, FeatureMatrix train, Rehearsal? rehearsal, TrainerOptions options, CancellationToken cancellation)
    {
        (_old, _train, _rehearsal, _options, _cancellation) = (old, train, rehearsal, options, cancellation);
        bool[] present = new bool[classes];
        foreach (int label in train.Labels) present[label] = true;
        _place = new int[classes];
        for (int c = 0; c < classes; c++)
        {
            if (present[c] || c >= old.Classes) _trained.Add(c);
            else _frozen.Add(c);
            _place[c] = present[c] || c >= old.Classes ? _trained.Count : 0;
        }

        _known = _trained.FindAll(c => c < old.Classes).Count;
    }

    /// <summary>Trains the rows of the classes that there are images of.</summary>
    /// <param name="old">The last layer as it is.</param>
    /// <param name="classes">Old and new classes; the new ones come after the old.</param>
    /// <param name="train">Features of the images; labels are classes.</param>
    /// <param name="rehearsal">Vectors of old classes that fit the network; null for none.</param>
    /// <param name="options">How the rows are trained. Nothing is validated, so all epochs are trained.</param>
    /// <param name="epochs">Told after every epoch.</param>
    /// <param name="notes">Told what stood for the old classes.</param>
    /// <param name="cancellation">Ends training; the rows are then those trained so far, without calibration.</param>
    /// <returns>All classes, the report of the run, and whether it was cancelled, in training or in what calibrates it.</returns>
    public static (LinearHead Head, TrainerResult Run, bool IsCancelled) Train(
        LinearHead old, int classes, FeatureMatrix train, Rehearsal? rehearsal, TrainerOptions options, IProgress<EpochReport>? epochs, List<string> notes,
        CancellationToken cancellation)
    {
        ClassAddition addition = new(old, classes, train, rehearsal, options with { EarlyStoppingPatience = 0 }, cancellation);
        return addition._frozen.Count == 0 ? addition.TrainAll(epochs) : addition.Train(epochs, notes);
    }

    /// <summary>The most rows that stand for old classes.</summary>
    /// <param name="oldClasses">How many there are.</param>
    /// <param name="rehearsal">Vectors that the model carries; null for none.</param>
    internal static int MostExtras(int oldClasses, Rehearsal? rehearsal) =>
        Math.Max(MadeUp, oldClasses) + (rehearsal is null ? 0 : rehearsal.TrainingVectors + (Translated * oldClasses));

    /// <summary>With images of every class it is an ordinary training that starts from the old rows.</summary>
    private (LinearHead Head, TrainerResult Run, bool IsCancelled) TrainAll(IProgress<EpochReport>? epochs)
    {
        if (_trained.Count < 2) throw new DataException("A model with a single class has nothing to tell it from; add images of a second class.");
        (LinearHead rows, TrainerResult run) = HeadTrainer.Train(
            _train, null, _trained.Count, _options, Given(), epochs: epochs, cancellation: _cancellation);
        return (rows, run, run.Cancelled);
    }

    private (LinearHead Head, TrainerResult Run, bool IsCancelled) Train(IProgress<EpochReport>? epochs, List<string> notes)
    {
        bool isRehearsed = AddExtras(notes);
        int samples = _train.Samples;
        int[] labels = new int[samples + _extras.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = _place[i < samples ? _train.Labels[i] : _extras[i - samples].Class];
        float[] sums, best;
        LinearHead rows;
        TrainerResult run;
        using (FeatureMatrix all = Joined(labels, static _ => true))
        {
            (sums, best) = Rivals(all);
            (rows, run) = TrainRows(all, sums, epochs);
        }

        if (run.Cancelled || _known == _trained.Count) return (Assembled(rows), run, run.Cancelled);
        double? shift = Shift(labels, sums, best, isRehearsed);
        if (shift is double d) rows = Shifted(rows, d, notes);
        return (Assembled(rows), run, shift is null);
    }

    /// <summary>Vectors for the old classes; true if each class whose row stays has some of its own.</summary>
    private bool AddExtras(List<string> notes)
    {
        HashSet<int> rehearsed = [];
        for (int i = 0; i < _rehearsal?.TrainingVectors; i++)
        {
            float[] row = new float[_train.Features];
            _rehearsal.Read(i, row);
            _extras.Add((row, _rehearsal.Labels[i]));
            rehearsed.Add(_rehearsal.Labels[i]);
        }

        int stored = _extras.Count;
        Translate(rehearsed);
        List<int> without = _frozen.FindAll(c => !rehearsed.Contains(c));
        if (without.Count > 0) MakeUp(without);
        int made = _extras.Count - stored - (Translated * rehearsed.Count);
        if (stored > 0) notes.Add($"{stored} feature vectors that the model carries stood for its old images");
        if (without.Count > 0) notes.Add($"{made} feature vectors made up from the weights stood for the images of {without.Count} old classes");
        return without.Count == 0;
    }

    /// <summary>Moves vectors of the new images to the means of the classes that vectors are stored of.</summary>
    private void Translate(HashSet<int> classes)
    {
        int features = _train.Features, stored = _extras.Count;
        Dictionary<int, double[]> newMeans = Means(_train.Samples, i => _train.Labels[i], i => _train.Row(i));
        Dictionary<int, double[]> oldMeans = Means(stored, i => _extras[i].Class, i => _extras[i].Row);
        bool isNeverNegative = IsNeverNegative();
        Rng rng = new Rng(_options.Seed).Fork(0x40e);
        foreach (int c in classes)
        {
            for (int n = 0; n < Translated; n++)
            {
                int image = rng.Next(_train.Samples);
                double[] from = newMeans[_train.Labels[image]], to = oldMeans[c];
                float[] row = _train.Row(image).ToArray();
                for (int k = 0; k < features; k++) row[k] = (float)Math.Max(isNeverNegative ? 0 : double.NegativeInfinity, row[k] + to[k] - from[k]);
                _extras.Add((row, c));
            }
        }
    }

    private Dictionary<int, double[]> Means(int count, Func<int, int> label, RowOf row)
    {
        Dictionary<int, double[]> means = [];
        Dictionary<int, int> counts = [];
        for (int i = 0; i < count; i++)
        {
            if (!means.TryGetValue(label(i), out double[]? sum)) means.Add(label(i), sum = new double[_train.Features]);
            counts[label(i)] = counts.GetValueOrDefault(label(i)) + 1;
            ReadOnlySpan<float> values = row(i);
            for (int k = 0; k < sum.Length; k++) sum[k] += values[k];
        }

        foreach ((int c, double[] sum) in means)
        {
            for (int k = 0; k < sum.Length; k++) sum[k] /= counts[c];
        }

        return means;
    }

    private bool IsNeverNegative()
    {
        for (int i = 0; i < _train.Samples; i++)
        {
            if (_train.Row(i).IndexOfAnyExceptInRange(0, float.MaxValue) >= 0) return false;
        }

        return true;
    }

    private void MakeUp(List<int> classes)
    {
        int features = _train.Features, each = Math.Clamp(MadeUp / classes.Count, 1, MostMadeUpPerClass);
        float[] mean = new float[features], direction = new float[features], noBias = new float[_old.Classes];
        for (int c = 0; c < _old.Classes; c++)
        {
            for (int k = 0; k < features; k++) mean[k] += _old.Row(c)[k] / _old.Classes;
        }

        bool isNeverNegative = IsNeverNegative();
        Rng rng = new Rng(_options.Seed).Fork(0x5eed);
        float[] start = new float[_old.Classes], slope = new float[_old.Classes];
        foreach (int c in classes)
        {
            for (int k = 0; k < features; k++) direction[k] = _old.Row(c)[k] - mean[k];
            LinearHead.Scores(direction, _old.Weights, noBias, slope);
            for (int n = 0; n < each; n++)
            {
                float[] row = _train.Row(rng.Next(_train.Samples)).ToArray();
                rng.Shuffle<float>(row);
                LinearHead.Scores(row, _old.Weights, _old.Bias, start);
                float s = Length(start, slope, c);
                for (int k = 0; k < features; k++) row[k] = isNeverNegative ? Math.Max(0, row[k] + (s * direction[k])) : row[k] + (s * direction[k]);
                _extras.Add((row, c));
            }
        }
    }

    /// <summary>
    /// The s with which softmax(start + s * slope) gives the class its probability, by halving; where none does, one that changes the scores by 50.
    /// </summary>
    private static float Length(float[] start, float[] slope, int c)
    {
        double high = 50 / Math.Max(Math.Abs(slope[c]), 1e-6), low = 0;
        for (int step = 0; step < 12; step++)
        {
            double s = (low + high) / 2, rest = 0;
            for (int j = 0; j < start.Length; j++) rest += Math.Exp(Math.Min(start[j] - start[c] + (s * (slope[j] - slope[c])), 700));
            if (1 / rest < MadeUpProbability) low = s;
            else high = s;
        }

        return (float)high;
    }

    /// <summary>The rows that training starts from: the old ones, and zeros for new classes.</summary>
    private LinearHead Given()
    {
        float[] weights = new float[_trained.Count * _old.Features], bias = new float[_trained.Count];
        for (int i = 0; i < _trained.Count; i++)
        {
            if (_trained[i] >= _old.Classes) continue;
            _old.Row(_trained[i]).CopyTo(weights.AsSpan(i * _old.Features));
            bias[i] = _old.Bias[_trained[i]];
        }

        return new LinearHead(weights, bias);
    }

    /// <summary>Images and extras that are wanted, each in all views.</summary>
    private FeatureMatrix Joined(int[] labels, Func<int, bool> isWanted)
    {
        List<int> chosen = [], chosenLabels = [];
        for (int i = 0; i < labels.Length; i++)
        {
            if (!isWanted(i)) continue;
            chosen.Add(i);
            chosenLabels.Add(labels[i]);
        }

        FeatureMatrix joined = new(chosenLabels.ToArray(), _train.Features, _train.Views);
        for (int view = 0; view < _train.Views; view++)
        {
            for (int i = 0; i < chosen.Count; i++) Source(chosen[i], view).CopyTo(joined.WritableRow(i, view));
        }

        return joined;
    }

    private ReadOnlySpan<float> Source(int index, int view) => index < _train.Samples ? _train.Row(index, view) : _extras[index - _train.Samples].Row;

    /// <summary>Of each row the log-sum-exp and the highest of the scores of the classes that stay.</summary>
    private (float[] Sums, float[] Best) Rivals(FeatureMatrix rows)
    {
        float[] sums = new float[rows.Samples * rows.Views], best = new float[sums.Length], logits = new float[_old.Classes];
        for (int view = 0; view < rows.Views; view++)
        {
            for (int i = 0; i < rows.Samples; i++)
            {
                _cancellation.ThrowIfCancellationRequested();
                _old.Logits(rows.Row(i, view), logits);
                double most = double.NegativeInfinity, sum = 0;
                foreach (int c in _frozen) most = Math.Max(most, logits[c]);
                foreach (int c in _frozen) sum += Math.Exp(logits[c] - most);
                best[(view * rows.Samples) + i] = (float)most;
                sums[(view * rows.Samples) + i] = (float)(most + Math.Log(sum));
            }
        }

        return (sums, best);
    }

    private (LinearHead Rows, TrainerResult Run) TrainRows(FeatureMatrix rows, float[] rivals, IProgress<EpochReport>? epochs)
    {
        float[] shares = new float[_trained.Count + 1];
        if (_options.ClassBalance == ClassBalance.None)
        {
            foreach (int label in rows.Labels) shares[label]++;
        }
        else
        {
            Array.Fill(shares, 1);
        }

        shares[0] = Math.Min(_frozen.Count, MostOldShare) * (_options.ClassBalance == ClassBalance.None ? (float)_train.Samples / _trained.Count : 1);
        return HeadTrainer.Train(rows, null, shares.Length, _options with { ClassShares = shares }, Given(), rivals, epochs, _cancellation);
    }

    /// <summary>What is added to the biases of the new rows, measured on images that others were trained on; null if that was cancelled.</summary>
    private double? Shift(int[] labels, float[] sums, float[] best, bool isRehearsed)
    {
        int[] fold = DivideIntoFolds(labels, out bool[] counts);
        List<Measured> measured = [];
        float[] logits = new float[_trained.Count];
        for (int f = 0; f < Folds; f++)
        {
            using FeatureMatrix part = Joined(labels, i => fold[i] != f);
            (LinearHead rows, TrainerResult run) = TrainRows(part, Part(sums, fold, f), null);
            if (run.Cancelled) return null;
            for (int i = 0; i < labels.Length; i++)
            {
                if (fold[i] != f || !counts[labels[i]]) continue;
                rows.Logits(Source(i, 0), logits);
                double rival = best[i];
                for (int c = 0; c < _known; c++) rival = Math.Max(rival, logits[c]);
                int winner = _known + TopK.Best(logits.AsSpan(_known));
                measured.Add(new Measured(labels[i] <= _known ? 0 : labels[i], logits[winner] - rival, winner + 1 == labels[i]));
            }
        }

        if (!measured.Exists(m => m.Class > 0)) return 0;
        double shift = isRehearsed && counts[0] ? BestShift(measured) : WinningShift(measured);
        for (int c = _known + 1; c <= _trained.Count; c++) shift = Math.Max(shift, HalfShift(measured, c));
        return Math.Min(shift, MostShift);
    }

    /// <summary>No class may be lost for the others: the shift with which half of its images win.</summary>
    private static double HalfShift(List<Measured> measured, int label)
    {
        List<double> margins = [];
        foreach (Measured m in measured)
        {
            if (m.Class == label && m.IsRight) margins.Add(m.Margin);
        }

        margins.Sort();
        return margins.Count == 0 ? double.NegativeInfinity : -margins[margins.Count / 2];
    }

    /// <summary>Images of a class in turn, by seed; -1 for rows that take part in all trainings. Classes with fewer images than parts do not count.</summary>
    private int[] DivideIntoFolds(int[] labels, out bool[] counts)
    {
        List<int>[] byClass = new List<int>[_trained.Count + 1];
        for (int c = 0; c < byClass.Length; c++) byClass[c] = [];
        int stored = _train.Samples + (_rehearsal?.TrainingVectors ?? 0);
        int[] fold = new int[labels.Length];
        Array.Fill(fold, -1);
        for (int i = 0; i < stored; i++) byClass[labels[i]].Add(i);
        counts = new bool[byClass.Length];
        Rng rng = new Rng(_options.Seed).Fork(0xf01d);
        for (int c = 0; c < byClass.Length; c++)
        {
            counts[c] = byClass[c].Count >= Folds;
            if (!counts[c]) continue;
            rng.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(byClass[c]));
            for (int i = 0; i < byClass[c].Count; i++) fold[byClass[c][i]] = i % Folds;
        }

        return fold;
    }

    private float[] Part(float[] sums, int[] fold, int without)
    {
        List<float> part = [];
        for (int view = 0; view < _train.Views; view++)
        {
            for (int i = 0; i < fold.Length; i++)
            {
                if (fold[i] != without) part.Add(sums[(view * fold.Length) + i]);
            }
        }

        return [.. part];
    }

    private double WinningShift(List<Measured> measured)
    {
        double share = _frozen.Count >= ManyClasses ? WinningShare : CautiousShare;
        List<double> margins = [];
        foreach (Measured m in measured)
        {
            if (m.Class > 0 && m.IsRight) margins.Add(m.Margin);
        }

        if (margins.Count == 0) return 0;
        margins.Sort();
        return Math.Clamp(-margins[(int)((1 - share) * margins.Count)], -MostShift, MostShift);
    }

    /// <summary>Near the lower end of the shifts whose mean recall is within <see cref="Tolerance"/> of the best: old classes come first.</summary>
    private double BestShift(List<Measured> measured)
    {
        int[] totals = new int[_trained.Count + 1];
        foreach (Measured m in measured) totals[m.Class]++;
        const int Steps = (int)(10 * MostShift);
        double[] recalls = new double[(2 * Steps) + 1];
        double most = 0;
        for (int step = -Steps; step <= Steps; step++)
        {
            double recall = 0;
            foreach (Measured m in measured)
            {
                bool isRight = m.Class == 0 ? m.Margin + (step / 10.0) <= 0 : m.IsRight && m.Margin + (step / 10.0) > 0;
                if (isRight) recall += (m.Class == 0 ? _old.Classes : 1.0) / totals[m.Class] / _place.Length;
            }

            recalls[step + Steps] = recall;
            most = Math.Max(most, recall);
        }

        // A range, since the recall of few images is the same over a wide one: its very end lies where the first of them is lost.
        int first = Array.FindIndex(recalls, recall => recall >= most - Tolerance);
        int last = Array.FindLastIndex(recalls, recall => recall >= most - Tolerance);
        return (first + (LowPart * (last - first)) - Steps) / 10.0;
    }

    private LinearHead Shifted(LinearHead rows, double shift, List<string> notes)
    {
        float[] bias = rows.Bias.ToArray();
        for (int c = _known; c < bias.Length; c++) bias[c] += (float)shift;
        notes.Add(FormattableString.Invariant($"biases of the new classes calibrated by {shift:+0.00;-0.00} against the old classes"));
        return new LinearHead(rows.Weights, bias);
    }

    /// <summary>All classes: the trained rows among the others.</summary>
    private LinearHead Assembled(LinearHead rows)
    {
        int features = _old.Features;
        float[] weights = new float[(long)_place.Length * features], bias = new float[_place.Length];
        _old.Weights.CopyTo(weights);
        _old.Bias.CopyTo(bias);
        for (int i = 0; i < _trained.Count; i++)
        {
            rows.Row(i).CopyTo(weights.AsSpan(_trained[i] * features));
            bias[_trained[i]] = rows.Bias[i];
        }

        return new LinearHead(weights, bias);
    }

    private delegate ReadOnlySpan<float> RowOf(int index);

    /// <summary>A row that was classified without having been trained on.</summary>
    /// <param name="Class">0 for old classes, else the place of a new one.</param>
    /// <param name="Margin">The best new row's score over the best old one's.</param>
    /// <param name="IsRight">Whether the best new row is the right one.</param>
    private readonly record struct Measured(int Class, double Margin, bool IsRight);
}
