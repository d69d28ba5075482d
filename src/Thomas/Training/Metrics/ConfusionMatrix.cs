using System;
using System.Collections.Generic;
using System.Threading;

namespace Thomas.Training;

/// <summary>What is known about one class from a <see cref="ConfusionMatrix"/>.</summary>
/// <param name="Class">Index of the class.</param>
/// <param name="Support">Samples that are of the class.</param>
/// <param name="Predicted">Samples that were taken for the class.</param>
/// <param name="Correct">Samples that are of the class and were taken for it.</param>
/// <param name="Recall">Correct / Support; null without support.</param>
/// <param name="Precision">Correct / Predicted; null if nothing was taken for the class.</param>
public sealed record ClassMetrics(int Class, int Support, int Predicted, int Correct, double? Recall, double? Precision)
{
    /// <summary>What the recall says of images that were not counted, see <see cref="ShareInterval.Wilson"/>; null without support.</summary>
    public ShareInterval? RecallInterval => Support == 0 ? null : ShareInterval.Wilson(Correct, Support);
}

/// <summary>A kind of mistake and how often it was made.</summary>
/// <param name="Actual">The true class.</param>
/// <param name="Predicted">What it was taken for.</param>
/// <param name="Count">How often.</param>
public readonly record struct ConfusedPair(int Actual, int Predicted, int Count);

/// <summary>
/// Counts of true and predicted classes, and the figures that follow from them. Several threads may count at once; read the figures when they are done.
/// </summary>
public sealed class ConfusionMatrix
{
    /// <summary>The most classes that a matrix has room for.</summary>
    internal const int MostClasses = 1 << 15;

    private readonly int[] _counts;
    private int _total;

    /// <summary>Creates an empty matrix.</summary>
    /// <param name="classes">Number of classes, 1 to 32,768.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is outside that range.</exception>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, MostClasses);
        Classes = classes;
        _counts = new int[classes * classes];
    }

    /// <summary>A matrix of counts by true and predicted class.</summary>
    internal ConfusionMatrix(int[][] rows)
        : this(rows.Length)
    {
        for (int actual = 0; actual < rows.Length; actual++)
        {
            rows[actual].CopyTo(_counts, actual * Classes);
            foreach (int count in rows[actual]) _total += count;
        }
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Samples counted.</summary>
    public int Total => _total;

    /// <summary>Samples whose class was predicted rightly.</summary>
    public int Correct
    {
        get
        {
            int correct = 0;
            for (int c = 0; c < Classes; c++) correct += _counts[(c * Classes) + c];
            return correct;
        }
    }

    /// <summary>Correct / Total; 0 if nothing was counted.</summary>
    public double Accuracy => _total == 0 ? 0 : (double)Correct / _total;

    /// <summary>
    /// What the accuracy says of images that were not counted: the 95 % interval of <see cref="ShareInterval.Wilson"/>. On few images it is wide: 4 of 4 right
    /// is 51 % to 100 %.
    /// </summary>
    public ShareInterval AccuracyInterval => ShareInterval.Wilson(Correct, _total);

    /// <summary>Mean recall over the classes that have samples (balanced accuracy); 0 if nothing was counted.</summary>
    public double MacroRecall
    {
        get
        {
            double sum = 0;
            int present = 0;
            for (int c = 0; c < Classes; c++)
            {
                int support = Support(c);
                if (support == 0) continue;
                sum += (double)_counts[(c * Classes) + c] / support;
                present++;
            }

            return present == 0 ? 0 : sum / present;
        }
    }

    /// <summary>How often one class was taken for another.</summary>
    /// <param name="actual">The true class.</param>
    /// <param name="predicted">The predicted class.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public int this[int actual, int predicted] => _counts[IndexOf(actual, predicted)];

    /// <summary>Counts one sample.</summary>
    /// <param name="actual">The true class.</param>
    /// <param name="predicted">The predicted class.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public void Add(int actual, int predicted)
    {
        Interlocked.Increment(ref _counts[IndexOf(actual, predicted)]);
        Interlocked.Increment(ref _total);
    }

    /// <summary>Forgets all counts.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        _total = 0;
    }

    /// <summary>Samples of a class.</summary>
    /// <param name="index">The class.</param>
    /// <returns>The sum of its row.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public int Support(int index)
    {
        int start = IndexOf(index, 0), sum = 0;
        for (int p = 0; p < Classes; p++) sum += _counts[start + p];
        return sum;
    }

    /// <summary>Figures of one class.</summary>
    /// <param name="index">The class.</param>
    /// <returns>Support, recall, precision.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public ClassMetrics OfClass(int index)
    {
        int support = Support(index), predicted = 0, correct = _counts[IndexOf(index, index)];
        for (int a = 0; a < Classes; a++) predicted += _counts[(a * Classes) + index];
        return new ClassMetrics(
            index, support, predicted, correct, support == 0 ? null : (double)correct / support, predicted == 0 ? null : (double)correct / predicted);
    }

    /// <summary>Figures of all classes.</summary>
    /// <returns>One entry per class, by index.</returns>
    public IReadOnlyList<ClassMetrics> PerClass()
    {
        ClassMetrics[] metrics = new ClassMetrics[Classes];
        for (int c = 0; c < Classes; c++) metrics[c] = OfClass(c);
        return metrics;
    }

    /// <summary>The counts as rows by true class, columns by predicted class: the shape in which reports store them.</summary>
    /// <returns>A copy.</returns>
    public int[][] ToRows()
    {
        int[][] rows = new int[Classes][];
        for (int a = 0; a < Classes; a++) rows[a] = _counts[(a * Classes)..((a + 1) * Classes)];
        return rows;
    }

    /// <summary>The classes without samples, about which the figures say nothing.</summary>
    /// <param name="names">Names of the classes.</param>
    internal IReadOnlyList<string> WithoutSamples(IReadOnlyList<string> names)
    {
        List<string> classes = [];
        for (int c = 0; c < Classes; c++)
        {
            if (Support(c) == 0) classes.Add(names[c]);
        }

        return classes;
    }

    /// <summary>The mistakes made most often.</summary>
    /// <param name="count">How many to list at most.</param>
    /// <returns>Most frequent first; lower class indices first among equals.</returns>
    public IReadOnlyList<ConfusedPair> MostConfused(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        List<ConfusedPair> pairs = [];
        for (int i = 0; i < _counts.Length; i++)
        {
            if (_counts[i] > 0 && i / Classes != i % Classes) pairs.Add(new ConfusedPair(i / Classes, i % Classes, _counts[i]));
        }

        pairs.Sort(static (a, b) => (-a.Count, a.Actual, a.Predicted).CompareTo((-b.Count, b.Actual, b.Predicted)));
        return pairs.Count <= count ? pairs : pairs[..count];
    }

    /// <summary>
    /// The matrix as text for a terminal: rows are true classes, columns predicted ones, with recall and precision. With more than 20 classes, a list of
    /// the classes that occur and the ten most frequent mistakes instead.
    /// </summary>
    /// <param name="names">Names of the classes; classes without one are shown by index.</param>
    /// <returns>Lines separated by line feeds, without one at the end.</returns>
    public string ToTable(IReadOnlyList<string>? names = null) => ConfusionTable.Format(this, names ?? []);

    private int IndexOf(int actual, int predicted)
    {
        if ((uint)actual >= (uint)Classes) throw new ArgumentOutOfRangeException(nameof(actual), actual, $"There are {Classes} classes.");
        if ((uint)predicted >= (uint)Classes) throw new ArgumentOutOfRangeException(nameof(predicted), predicted, $"There are {Classes} classes.");
        return (actual * Classes) + predicted;
    }
}
