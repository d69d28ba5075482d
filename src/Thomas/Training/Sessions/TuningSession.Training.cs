using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Runtime;

namespace Thomas.Training;

/// <content>Training the last layer, and what is done with it.</content>
public sealed partial class TuningSession
{
    private const int ListedClasses = 10;

    private readonly List<string> _trainingNotes = [];
    private volatile bool _hasLostDevice;
    private readonly SemaphoreSlim _training = new(1);
    private readonly CancellationTokenSource _end = new();

    /// <summary>Whether there is a trained head, of this run or an earlier one.</summary>
    public bool IsTrained => _trained is not null;

    /// <summary>Whether images were added, removed or relabeled since the head in use was trained; undoing that makes it false again.</summary>
    public bool IsStale
    {
        get
        {
            lock (_gate) return _trained is Trained trained && trained.Head.Fingerprint != _state.Fingerprint;
        }
    }

    /// <summary>How the training of the head in use went; null before the first.</summary>
    public TuningSessionReport? LastTraining => _trained?.Head.Report;

    /// <summary>Why the session cannot be trained at the moment, as a sentence with the number of images of each class; null if it can.</summary>
    public string? TrainingProblem
    {
        get
        {
            lock (_gate) return Problem();
        }
    }

    /// <summary>
    /// Trains the last layer on all images, and puts it into use. What it is worth is measured before that, by training on a part of the images and classifying
    /// the others; see
    /// <see cref="TuningSessionReport.Checked"/>. Images that are added meanwhile wait for the next training.
    /// </summary>
    /// <param name="progress">Told of the epochs of the stages <c>check</c> and <c>train</c>.</param>
    /// <param name="cancellation">Ends training; the former head stays in use.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="DataException">There are fewer than two classes; see <see cref="TrainingProblem"/>.</exception>
    /// <exception cref="ThomasException">Training diverges.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    /// <exception cref="RunStoppedException"><see cref="TuningSessionOptions.Guard"/> ended it; the former head stays in use.</exception>
    public TuningSessionReport Train(IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _end.Token);
        try
        {
            _training.Wait(either.Token);
            try
            {
                return TrainAlone(progress, either.Token);
            }
            finally
            {
                _training.Release();
            }
        }
        catch (OperationCanceledException e) when (e is not RunStoppedException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new ObjectDisposedException(nameof(TuningSession));
        }
    }

    /// <summary>As <see cref="Train"/>, on a thread of its own; <paramref name="progress"/> is told from there.</summary>
    /// <param name="progress">Told of the epochs of the stages <c>check</c> and <c>train</c>. A <see cref="Progress{T}"/> passes it on to the thread that made
    /// it.</param>
    /// <param name="cancellation">Ends training; the former head stays in use.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="DataException">There are fewer than two classes; see <see cref="TrainingProblem"/>.</exception>
    /// <exception cref="ThomasException">Training diverges.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public Task<TuningSessionReport> TrainAsync(IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Factory.StartNew(() => Train(progress, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Classifies an image with the head that was trained last, and returns the best classes, best first.</summary>
    /// <param name="image">The pixels, for example a frame of a camera.</param>
    /// <param name="top">Most classes to return.</param>
    /// <exception cref="DataException">Nothing was trained yet; see <see cref="IsTrained"/>.</exception>
    public IReadOnlyList<ClassScore> Classify(RgbImage image, int top = 5)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        Trained trained = RequireTrained();
        float[] logits = new float[trained.Head.Head.Classes];
        trained.Head.Head.Logits(FeaturesOf(image), logits);
        return trained.Output.Rank(logits, top);
    }

    /// <summary>Classifies an encoded image (JPEG, PNG ...).</summary>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="top">Most classes to return.</param>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    /// <exception cref="InvalidOperationException">The session was opened without a decoder.</exception>
    /// <exception cref="DataException">Nothing was trained yet; see <see cref="IsTrained"/>.</exception>
    public IReadOnlyList<ClassScore> Classify(ReadOnlyMemory<byte> encoded, int top = 5)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        RequireTrained();
        return Classify(Decode(encoded, "the image"), top);
    }

    /// <summary>The model with the head that was trained last, labels and preprocessing inside: an ordinary model, to be saved.</summary>
    /// <param name="logits">Leaves class scores before the softmax. Otherwise the model ends in one, so that every program that reads it shows
    /// probabilities.</param>
    /// <param name="rehearses">Stores a few feature vectors of each class in the model (<see cref="ModelInfo.Rehearsal"/>), with which classes can be added to
    /// it without these images, and the threshold with which it tells images of other things (<see cref="Rehearsal.Threshold"/>).</param>
    /// <exception cref="DataException">Nothing was trained yet; see <see cref="IsTrained"/>.</exception>
    public Model ToModel(bool logits = false, bool rehearses = true)
    {
        Trained trained = RequireTrained();
        return _split.WithHead(trained.Head.Head, trained.Labels, Input.Preprocessing, logits, rehearses ? RehearsalOf(trained) : null);
    }

    /// <summary>Vectors of the images that are there now, of the classes of the trained head. Those that training sets aside are set aside here too.</summary>
    private Rehearsal? RehearsalOf(Trained trained)
    {
        Rows rows;
        int[] places;
        lock (_gate)
        {
            rows = Rows.Of(_state, Features);
            places = new int[_state.Classes.Count];
            Array.Fill(places, -1);
            for (int c = 0; c < places.Length; c++)
            {
                for (int row = 0; row < trained.Head.Classes.Count; row++)
                {
                    if (trained.Head.Classes[row] == _state.Classes[c].Id) places[c] = row;
                }
            }
        }

        if (Array.TrueForAll(places, place => place < 0)) return null;
        bool[] aside = rows.SetAside(places.Length, _options.CheckShare, _options.Head.Seed, out _);
        using FeatureMatrix? train = rows.ToMatrix(aside, false, places), check = rows.ToMatrix(aside, true, places);
        if (train is null || RehearsalChoice.Of(trained.Head.Head, train, check, null) is not Rehearsal rehearsal) return null;
        return rehearsal.WithThreshold(UnknownThreshold.Find(rehearsal, trained.Head.Head.Classes, check)?.Similarity);
    }

    /// <summary>The one place that trains: the last layer, on rows of features.</summary>
    private LinearHead TrainHead(
        FeatureMatrix train, int classes, IProgress<EpochReport>? progress, List<string> warnings, GuardWatch? watch, CancellationToken cancellation)
    {
        // A device that has failed is not asked again in this session.
        CompileOptions compile = _hasLostDevice || _backbone.IsOnHost ? DeviceFailure.OnHost(_options.Compile) : _options.Compile;
        (LinearHead head, TrainerResult run) = HeadTrainer.Train(
            train, null, classes, _options.Head with { Compile = compile, Watch = watch }, epochs: progress, cancellation: cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (watch?.StopReason is string reason) throw new RunStoppedException(reason);
        if (run.DeviceNotes.Count == 0) return head;
        _hasLostDevice = true;
        warnings.AddRange(run.DeviceNotes);
        lock (_gate) _trainingNotes.AddRange(run.DeviceNotes);
        return head;
    }

    private TuningSessionReport TrainAlone(IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        Rows rows;
        int[] classes;
        string[] labels;
        UInt128 fingerprint;
        lock (_gate)
        {
            if (Problem() is string problem) throw new DataException(problem);
            rows = Rows.Of(_state, Features);
            classes = new int[_state.Classes.Count];
            labels = new string[classes.Length];
            for (int c = 0; c < classes.Length; c++) (classes[c], labels[c]) = (_state.Classes[c].Id, _state.Classes[c].Label);
            fingerprint = _state.Fingerprint;
        }

        bool[] aside = rows.SetAside(classes.Length, _options.CheckShare, _options.Head.Seed, out int count);
        ConfusionMatrix? before = null, after = null;
        IReadOnlyList<SessionMistake> mistakes = [];
        List<string> deviceWarnings = [];
        GuardWatch? watch = StageProgress.Watch(_options.Guard, progress);
        if (count > 0)
        {
            using FeatureMatrix others = rows.ToMatrix(aside, false), check = rows.ToMatrix(aside, true);
            before = NearestCentroid.Fit(others, classes.Length).Evaluate(check);
            LinearHead checkedHead = TrainHead(others, classes.Length, Counting(progress, "check"), deviceWarnings, watch, cancellation);
            after = checkedHead.Evaluate(check);
            mistakes = rows.Mistakes(checkedHead, aside);
        }

        LinearHead head;
        using (FeatureMatrix all = rows.ToMatrix(new bool[aside.Length], false))
            head = TrainHead(all, classes.Length, Counting(progress, "train"), deviceWarnings, watch, cancellation);
        PauseReport? pauses = watch?.ToReport();
        TuningSessionReport report = new()
        {
            Labels = labels,
            Images = aside.Length,
            Before = before,
            After = after,
            Mistakes = mistakes,
            Checked = Checked(count, aside.Length),
            Warnings = [.. Warnings(labels, before, after), .. deviceWarnings, .. pauses?.Warnings ?? []],
            Pauses = pauses,
            Duration = Stopwatch.GetElapsedTime(start),
        };
        return PutIntoUse(new SessionHead(head, classes, fingerprint, report));
    }

    /// <summary>Puts a head into use at once, and keeps it for the next start.</summary>
    private TuningSessionReport PutIntoUse(SessionHead head)
    {
        lock (_writer)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            try
            {
                _files.WriteHead(head);
            }
            catch (OutputException e)
            {
                string warning = $"the trained head is in use, but could not be saved, so the next start must train again: {e.Message}";
                head = head with { Report = head.Report with { Warnings = [.. head.Report.Warnings, warning] } };
            }

            lock (_gate) _trained = MakeTrained(head);
        }

        return head.Report;
    }

    private Trained RequireTrained()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_trained is Trained trained) return trained;
        lock (_gate)
            throw new DataException($"The session is not trained yet; {(Problem() is string problem ? $"and it cannot be: {problem}" : "call Train first")}.");
    }

    /// <summary>A head under the names that its classes have now; those that are gone keep their last.</summary>
    private Trained MakeTrained(SessionHead head) => MakeTrained(head, NamesOf(head, head.Report.Labels));

    private Trained MakeTrained(SessionHead head, string[] labels) =>
        new(head, labels, ClassOutput.Of(_split.WithHead(head.Head, labels, Input.Preprocessing, logits: true)));

    private string[] NamesOf(SessionHead head, IReadOnlyList<string> former)
    {
        string[] labels = new string[head.Classes.Count];
        for (int c = 0; c < labels.Length; c++) labels[c] = _state.FindClass(head.Classes[c])?.Label ?? former[c];
        return labels;
    }

    /// <summary>After a class was renamed, or that was undone.</summary>
    private void FollowNames()
    {
        if (_trained is not Trained trained) return;
        string[] labels = NamesOf(trained.Head, trained.Labels);
        if (!labels.AsSpan().SequenceEqual(trained.Labels)) _trained = MakeTrained(trained.Head, labels);
    }

    private string? Problem() => _state.Classes.Count >= 2 ? null : $"training needs images of at least two classes; {DescribeClasses()}";

    /// <summary>The classes and their images, for messages.</summary>
    private string DescribeClasses()
    {
        if (_state.Classes.Count == 0) return "there are no images";
        StringBuilder text = new("there are ");
        for (int c = 0; c < _state.Classes.Count && c < ListedClasses; c++)
        {
            SessionClass @class = _state.Classes[c];
            text.Append(CultureInfo.InvariantCulture, $"{(c == 0 ? "" : ", ")}{@class.Images} of '{@class.Label}'");
        }

        if (_state.Classes.Count > ListedClasses)
        {
            text.Append(CultureInfo.InvariantCulture, $" and those of {_state.Classes.Count - ListedClasses} more classes");
        }

        return text.ToString();
    }

    private string Checked(int aside, int images)
    {
        if (aside > 0)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{aside} of {images} images, set aside with seed {_options.Head.Seed}, with a head trained on the others; the head in use was trained "
                + $"on all {images}");
        }

        return _options.CheckShare == 0
            ? "nothing, since no share of images to set aside was given"
            : $"nothing: no class has the {ImagesToCheck} images needed before some are set aside";
    }

    private static List<string> Warnings(IReadOnlyList<string> labels, ConfusionMatrix? before, ConfusionMatrix? after)
    {
        List<string> warnings = [.. ClassNames.Alike(labels)];
        if (before is null || after is null) return warnings;
        IReadOnlyList<string> missing = after.WithoutSamples(labels);
        if (missing.Count > 0) warnings.Add(TuningWarnings.Unchecked(missing));
        if (after.Accuracy < before.Accuracy)
        {
            warnings.Add(TuningWarnings.Below(after, before, "the nearest class centroid") + " More images of each class usually help most.");
        }

        return warnings;
    }

    private ImmediateProgress<EpochReport>? Counting(IProgress<StageProgress>? progress, string stage) =>
        progress is null ? null : new ImmediateProgress<EpochReport>(epoch => progress.Report(new StageProgress(stage, epoch.Epoch, _options.Head.Epochs)));

    /// <summary>A head in use: what it is called and how its numbers are ranked. Immutable.</summary>
    private sealed record Trained(SessionHead Head, string[] Labels, ClassOutput Output);

    /// <summary>The images of a training, as they were when it began. Features never change, so they are shared.</summary>
    private sealed class Rows
    {
        private readonly float[][] _features;
        private readonly int[] _labels;
        private readonly long[] _ids;
        private readonly int _length;

        private Rows(int count, int length)
        {
            _features = new float[count][];
            _labels = new int[count];
            _ids = new long[count];
            _length = length;
        }

        public static Rows Of(SessionState state, int features)
        {
            Dictionary<SessionClass, int> places = [];
            foreach (SessionClass @class in state.Classes) places.Add(@class, places.Count);
            Rows rows = new(state.Images.Count, features);
            for (int i = 0; i < state.Images.Count; i++)
            {
                SessionImage image = state.Images[i];
                (rows._features[i], rows._labels[i], rows._ids[i]) = (image.Features, places[image.Class], image.Id);
            }

            return rows;
        }

        /// <summary>
        /// Sets a share of each class aside, at least one image of it, if it has <see cref="ImagesToCheck"/>. Each image draws a number by seed and id, and the
        /// lowest of a class are taken: one more image changes the choice of others little.
        /// </summary>
        public bool[] SetAside(int classes, double share, ulong seed, out int count)
        {
            bool[] aside = new bool[_labels.Length];
            count = 0;
            if (share == 0) return aside;
            List<(ulong Draw, int Index)>[] byClass = new List<(ulong, int)>[classes];
            for (int c = 0; c < classes; c++) byClass[c] = [];
            Rng rng = new(seed);
            for (int i = 0; i < _labels.Length; i++) byClass[_labels[i]].Add((rng.Fork((ulong)_ids[i]).NextUInt64(), i));
            foreach (List<(ulong Draw, int Index)> images in byClass)
            {
                if (images.Count < ImagesToCheck) continue;
                images.Sort();
                int taken = Math.Clamp((int)Math.Round(images.Count * share), 1, images.Count - 1);
                for (int i = 0; i < taken; i++) aside[images[i].Index] = true;
                count += taken;
            }

            return aside;
        }

        /// <summary>The marked images that a head takes for another class.</summary>
        public List<SessionMistake> Mistakes(LinearHead head, bool[] marks)
        {
            List<SessionMistake> mistakes = [];
            float[] logits = new float[head.Classes];
            for (int i = 0; i < marks.Length; i++)
            {
                if (!marks[i]) continue;
                head.Logits(_features[i], logits);
                int said = TopK.Best(logits);
                if (said == _labels[i]) continue;
                double sum = 0;
                foreach (float logit in logits) sum += Math.Exp((double)logit - logits[said]);
                mistakes.Add(new SessionMistake(_ids[i], _labels[i], said, 1 / sum));
            }

            return mistakes;
        }

        /// <summary>
        /// As <see cref="ToMatrix(bool[], bool)"/>, for other numbers of the classes; rows of classes below 0 are left out. Null if none is left.
        /// </summary>
        public FeatureMatrix? ToMatrix(bool[] marks, bool wanted, int[] places)
        {
            List<int> chosen = [], labels = [];
            for (int i = 0; i < marks.Length; i++)
            {
                if (marks[i] != wanted || places[_labels[i]] < 0) continue;
                chosen.Add(i);
                labels.Add(places[_labels[i]]);
            }

            if (chosen.Count == 0) return null;
            FeatureMatrix matrix = new(labels.ToArray(), _length);
            for (int i = 0; i < chosen.Count; i++) _features[chosen[i]].CopyTo(matrix.WritableRow(i));
            return matrix;
        }

        /// <summary>The rows that are marked, or those that are not.</summary>
        public FeatureMatrix ToMatrix(bool[] marks, bool wanted)
        {
            List<int> chosen = [];
            for (int i = 0; i < marks.Length; i++)
            {
                if (marks[i] == wanted) chosen.Add(i);
            }

            int[] labels = new int[chosen.Count];
            for (int i = 0; i < labels.Length; i++) labels[i] = _labels[chosen[i]];
            FeatureMatrix matrix = new(labels, _length);
            for (int i = 0; i < labels.Length; i++) _features[chosen[i]].CopyTo(matrix.WritableRow(i));
            return matrix;
        }
    }
}
