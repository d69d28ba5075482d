using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Thomas.Training;

/// <summary>
/// Trains the last layer of a classifier on the features that the frozen layers before it computed: softmax cross-entropy (see
/// <see cref="HeadLoss"/>) by mini-batches.
/// </summary>
/// <remarks>
/// <para>Features are standardized inside, <c>z[k] = (x[k] - mean[k]) / sqrt(var[k] + v / 10)</c> with mean and variance over the training rows and v
/// the mean of the variances, so that one learning rate suits every network; the trained head has that folded back in and takes plain features. Weight
/// decay acts on the weights of the standardized features. Rows of a new head start as zeros: the problem is convex, and the first prediction is
/// indifferent between the new classes.</para>
/// <para>The best epoch's weights are kept: the one of highest validation accuracy (mean recall with <see cref="ClassBalance.Weighted"/>), among equals the
/// one of lowest validation loss, then the earliest. Without validation samples the last epoch counts as the best. If the loss or a weight is not
/// finite, training goes back to the best weights so far with a tenth of the learning rate, three times at most.</para>
/// <para>A trainer has no state: it may be used for several heads, also at once. It works on the calling thread; the same seed gives the same bits on one
/// kind of processor.</para>
/// </remarks>
internal sealed class HeadTrainer
{
    private const int MaxRestarts = 3;
    private const float RestartRateShare = 0.1f;

    private readonly HeadOptions _options;

    /// <summary>Creates a trainer.</summary>
    /// <param name="options">How to train; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it.</exception>
    public HeadTrainer(HeadOptions? options = null)
    {
        _options = options ?? new HeadOptions();
        _options.Validate();
    }

    /// <summary>Trains a head.</summary>
    /// <param name="train">Training features, any number of views.</param>
    /// <param name="validation">Validation features, of which view 0 is used; null if there are none.</param>
    /// <param name="classes">Number of classes, 2 to 32,768.</param>
    /// <param name="initial">Weights to start from, for the first classes; null starts all rows from zero.</param>
    /// <param name="frozenClasses">How many leading classes of <paramref name="initial"/> keep their weights and bias, bit for bit; they still compete in the loss.</param>
    /// <param name="progress">Told after every epoch, on whatever thread it chooses.</param>
    /// <param name="cancellationToken">Ends training before the next batch; the result is then the best so far.</param>
    /// <returns>The head and how it came about.</returns>
    /// <exception cref="ArgumentException">Sizes do not fit, a label is not one of the classes, or no class is left to be trained.</exception>
    /// <exception cref="DataException">A training feature is not finite.</exception>
    /// <exception cref="ThomasException">The loss is not finite even after three restarts, each with a tenth of the learning rate.</exception>
    public HeadResult Train(
        FeatureMatrix train,
        FeatureMatrix? validation,
        int classes,
        LinearHead? initial = null,
        int frozenClasses = 0,
        IProgress<EpochReport>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        CheckSizes(train, validation, classes, initial, frozenClasses);
        Run run = new(_options, train, validation, classes, new HeadLearner(train, classes, initial, frozenClasses, _options));
        run.Go(progress, cancellationToken);
        GC.KeepAlive(train);
        GC.KeepAlive(validation);
        return run.ToResult(initial);
    }

    private static void CheckSizes(FeatureMatrix train, FeatureMatrix? validation, int classes, LinearHead? initial, int frozenClasses)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, ConfusionMatrix.MostClasses);
        if ((long)classes * train.Features > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(nameof(classes), classes, $"{classes} classes of {train.Features} features are more weights than fit.");
        }

        train.RequireLabelsBelow(classes, "Training");
        if (validation is not null)
        {
            validation.RequireLabelsBelow(classes, "Validation");
            if (validation.Features != train.Features)
            {
                throw new ArgumentException($"Validation has {validation.Features} features, training {train.Features}.", nameof(validation));
            }
        }

        if (initial is not null && initial.Features != train.Features)
        {
            throw new ArgumentException($"The initial head has {initial.Features} features, training {train.Features}.", nameof(initial));
        }

        if (initial is not null && initial.Classes > classes)
        {
            throw new ArgumentException($"The initial head has {initial.Classes} classes, more than the {classes} to train.", nameof(initial));
        }

        if (frozenClasses < 0 || frozenClasses > (initial?.Classes ?? 0) || frozenClasses >= classes)
        {
            throw new ArgumentOutOfRangeException(
                nameof(frozenClasses), frozenClasses, $"The initial head has {initial?.Classes ?? 0} classes of {classes}; at least one class must be left to train.");
        }
    }

    /// <summary>One call of <see cref="Train"/>.</summary>
    private sealed class Run
    {
        private readonly HeadOptions _options;
        private readonly FeatureMatrix _train;
        private readonly FeatureMatrix? _validation;
        private readonly HeadLearner _learner;
        private readonly ConfusionMatrix _confusion;
        private readonly Rng _rng;
        private readonly int[] _order;
        private readonly int[] _views;
        private readonly int _batches;
        private readonly List<EpochReport> _epochs = [];
        private LearningRateSchedule _schedule;
        private (double Score, double NegativeLoss) _best = (double.NegativeInfinity, double.NegativeInfinity);
        private int _bestEpoch;
        private int _restarts;
        private bool _stoppedEarly;
        private bool _cancelled;

        public Run(HeadOptions options, FeatureMatrix train, FeatureMatrix? validation, int classes, HeadLearner learner)
        {
            _options = options;
            _train = train;
            _validation = validation;
            _learner = learner;
            _confusion = new ConfusionMatrix(classes);
            _rng = new Rng(options.Seed);
            _order = new int[train.Samples];
            _views = new int[train.Samples];
            for (int i = 0; i < _order.Length; i++) _order[i] = i;
            _batches = (int)(((long)train.Samples + options.BatchSize - 1) / options.BatchSize);
            _schedule = Schedule(options.LearningRate ?? options.AutomaticLearningRate(train.Features));
        }

        public void Go(IProgress<EpochReport>? progress, CancellationToken cancellationToken)
        {
            int epoch = 1;
            while (epoch <= _options.Epochs)
            {
                long start = Stopwatch.GetTimestamp();
                double loss = TrainEpoch(epoch, out int correct, cancellationToken);
                if (_cancelled) return;
                EpochReport report = Report(epoch, loss, correct, start);
                if (!double.IsFinite(loss) || !_learner.IsFinite() || report.ValidationLoss is double v && !double.IsFinite(v))
                {
                    Restart(epoch);
                    continue;
                }

                if (report.IsBest)
                {
                    _bestEpoch = epoch;
                    _best = ScoreOf(report);
                    _learner.Keep();
                }

                _epochs.Add(report);
                progress?.Report(report);
                int patience = _options.EarlyStoppingPatience;
                if (_validation is not null && patience > 0 && epoch - _bestEpoch >= patience && epoch < _options.Epochs)
                {
                    _stoppedEarly = true;
                    return;
                }

                epoch++;
            }
        }

        public HeadResult ToResult(LinearHead? initial)
        {
            // Canceled within the first epoch, the weights as they are beat the untrained ones, unless that epoch was overflowing.
            if (_bestEpoch > 0 || !_learner.IsFinite()) _learner.Restore();
            return new HeadResult(_learner.ToHead(initial), _epochs, _bestEpoch, _schedule.Peak, _restarts, _stoppedEarly, _cancelled);
        }

        /// <summary>Mean loss over the epoch; returns at once when a batch's loss is not finite or training is canceled.</summary>
        private double TrainEpoch(int epoch, out int correct, CancellationToken cancellationToken)
        {
            _rng.Shuffle(_order.AsSpan());
            if (_train.Views > 1)
            {
                for (int i = 0; i < _views.Length; i++) _views[i] = _rng.Next(_train.Views);
            }

            double total = 0;
            correct = 0;
            for (int batch = 0; batch < _batches; batch++)
            {
                if (cancellationToken.IsCancellationRequested)
                {
                    _cancelled = true;
                    return 0;
                }

                int begin = (int)((long)_order.Length * batch / _batches), end = (int)((long)_order.Length * (batch + 1) / _batches);
                float rate = _schedule.At(((epoch - 1) * _batches) + batch);
                double loss = _learner.Step(_order.AsSpan(begin..end), _views.AsSpan(begin..end), rate, out int right);
                if (!double.IsFinite(loss)) return loss;
                total += loss * (end - begin);
                correct += right;
            }

            return total / _order.Length;
        }

        private EpochReport Report(int epoch, double loss, int correct, long start)
        {
            float rate = _schedule.At((epoch * _batches) - 1);
            double? validationLoss = null, accuracy = null, recall = null;
            if (_validation is not null && double.IsFinite(loss))
            {
                validationLoss = _learner.Evaluate(_validation, _confusion);
                accuracy = _confusion.Accuracy;
                recall = _confusion.MacroRecall;
            }

            EpochReport report = new(
                epoch, rate, loss, (double)correct / _order.Length, validationLoss, accuracy, recall, IsBest: false, _restarts, Stopwatch.GetElapsedTime(start));
            return report with { IsBest = _validation is null || ScoreOf(report).CompareTo(_best) > 0 };
        }

        private (double Score, double NegativeLoss) ScoreOf(EpochReport report) =>
            ((_options.ClassBalance == ClassBalance.Weighted ? report.ValidationMacroRecall : report.ValidationAccuracy) ?? 0, -(report.ValidationLoss ?? 0));

        private void Restart(int epoch)
        {
            if (_restarts == MaxRestarts)
            {
                throw new ThomasException(FormattableString.Invariant(
                    $"Training diverges: the loss of epoch {epoch} is not finite, at a peak learning rate of {_schedule.Peak:g3} after {MaxRestarts} restarts. Set a lower learning rate, and check that the features are of a sane size."));
            }

            _restarts++;
            _learner.Restore();
            _schedule = Schedule(_schedule.Peak * RestartRateShare);
        }

        private LearningRateSchedule Schedule(float peak) =>
            new(peak, checked(_options.Epochs * _batches), _options.WarmupShare, _options.FinalLearningRateShare);
    }
}
