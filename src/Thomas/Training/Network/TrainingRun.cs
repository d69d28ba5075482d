using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>One call of <see cref="Trainer.Train"/>: the loop over epochs and steps.</summary>
internal sealed partial class TrainingRun : IDisposable
{
    private readonly TrainerOptions _options;
    private readonly List<string> _notes;
    private readonly IProgress<EpochReport>? _report;
    private readonly IProgress<StageProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly TrainingInputs _inputs;
    private readonly Trainee _trainee;
    private readonly long? _arenaBytes;
    private readonly Compression _compression;
    private readonly ThreadTeam _team;
    private readonly string _identity;
    private readonly BatchPlan _plan;
    private readonly BatchLoader _loader;
    private readonly RateSchedule _schedule;
    private readonly Watchdog _watchdog;
    private readonly StoreCopy _best;
    private readonly StageTimer _timer = new();
    private readonly List<EpochReport> _epochs = [];
    private readonly List<IDisposable> _owned = [];
    private TrainingGraphOptions _graphOptions;
    private TrainingGraph _graph;
    private TrainingEngine _engine;
    private TrainingPosition _at = TrainingPosition.Start(1);
    private ConfusionMatrix? _before;
    private ConfusionMatrix? _after;
    private (double Score, double NegativeLoss) _bestScore = (double.NegativeInfinity, double.NegativeInfinity);
    private int _bestEpoch = NoEpoch;
    private bool _stoppedEarly;
    private float _lastLoss;
    private long _steps;
    private TimeSpan _stepTime;
    private TimeSpan _epochTime;

    private readonly long? _bound;

    private const int NoEpoch = -1;

    public TrainingRun(
        TrainingInputs inputs,
        TrainerOptions options,
        List<string> notes,
        IProgress<EpochReport>? report,
        IProgress<StageProgress>? progress,
        CancellationToken cancellation)
    {
        (_inputs, _options, _notes, _report, _progress, _cancellation) = (inputs, options, notes, report, progress, cancellation);
        BeginWatch();
        _bound = options.Policy.Kind == UpdateKind.Sparse ? Math.Min(options.Policy.MemoryBytes, options.MemoryBytes ?? long.MaxValue) : options.MemoryBytes;
        if (HybridSplit.IsAsked(options.Compile) && _bound is not null) throw HybridSplit.NoBound();
        TrainingPlanner.RequireDevice(options.Compression, options.Compile);
        TrainingPlan? planned = PlanMemory(inputs.Model);
        _trainee = planned?.Trainee ?? Trainee.Create(inputs.Model, options.Policy, options.BatchNormMode, options.Compression);
        _plan = PlanBatches(planned?.MicroBatch ?? options.MicroBatch);
        _schedule = new RateSchedule(options, _plan.Steps);
        _graphOptions = planned?.GraphOptions ?? new(
            _plan.MicroBatch, options.DecidedOptimizer, Accumulate: _plan.RunsPerStep > 1, MicroBatches: _plan.RunsPerStep, Dropout: options.Dropout,
            DropoutSeed: options.Seed, Rounding: options.Compile.QuantizedRounding)
        {
            ScalesGradients = options.ScalesGradients,
        };
        _arenaBytes = planned?.Compile.ArenaBytes;
        _compression = planned?.Compression ?? (options.Compression == Compression.Auto ? Compression.None : options.Compression);
        if (options.Compression == Compression.Auto) TellOfCompression();
        if (HybridSplit.IsAsked(options.Compile)) _graphOptions = DeviceShare(_graphOptions);
        _graph = planned?.Graph ?? TrainingGraph.Build(_trainee, _graphOptions);
        if (options.Dropout > 0 && !_graph.HasDropout) notes.Add("no dropout: the last layer's weights are not trained, or computed with in integers");
        try
        {
            Places places = Places.Of(options.Compile);
            _identity = (_graphOptions.Meets ? "Hybrid of Cpu and " : "") + places.Devices[0].Identity;
            _team = Own(new ThreadTeam(places.Threads));
            _engine = CreateEngine(planned);
            _best = Own(new StoreCopy(_engine.Store, ModelVariables(), onDisk: options.MemoryBytes is not null));
            _watchdog = Own(new Watchdog(_engine.Store, _trainee.Classes, onDisk: options.MemoryBytes is not null, inputs.RestartsFromBest ? _best : null));
            _loader = Own(
                new BatchLoader(_plan, options.LoaderThreads, inputs.Train.InputLength, () => new BatchMaker(inputs.Train, _plan, options.LabelSmoothing)));
            (_labels, _nextLabels) = (new int[_plan.MicroBatch], new int[_plan.MicroBatch]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private VariableStore Store => _engine.Store;

    private ITrainingStep Program => _engine.Program;

    /// <summary>Trains and builds the result.</summary>
    public TrainerResult Go()
    {
        BeginAnywhere();
        bool cancelled = false;
        while (!cancelled && !_stoppedEarly && _at.Epoch <= _options.Epochs)
        {
            Outcome outcome;
            try
            {
                using (_timer.Measure("train")) outcome = TrainEpoch();
                if (outcome == Outcome.Done)
                {
                    using (_timer.Measure("validate")) outcome = FinishEpoch();
                }
            }
            catch (ThomasException e) when (IsDeviceFailure(e))
            {
                outcome = GoOnOnHost(e);
            }

            cancelled = outcome == Outcome.Cancelled;
        }

        if (cancelled) SaveCancelledAnywhere();
        return ToResult(cancelled);
    }

    /// <summary>Ends threads and frees memory.</summary>
    public void Dispose()
    {
        _engine?.Dispose();
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    private enum Outcome
    {
        Done,
        Cancelled,
        RolledBack,
    }

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>The part of the device where steps are split.</summary>
    private TrainingGraphOptions DeviceShare(TrainingGraphOptions whole)
    {
        HybridSplit.Check(_trainee, whole.Batch, _options.Compile);
        double share = _options.Compile.DeviceShare
            ?? HybridSplit.Measure(_inputs.Model, _options.ToPlan(_inputs.Train.Count), whole.Batch, _notes, _cancellation);
        return whole with { Batch = HybridSplit.DeviceRows(whole.Batch, share), Meets = true };
    }

    /// <summary>How a step fits the memory bound; null where there is none.</summary>
    private TrainingPlan? PlanMemory(Model model)
    {
        if (_bound is null) return null;

        TrainingPlanOptions options = _options.ToPlan(_inputs.Train.Count);
        TrainingPlan plan = _options.Planned?.For(model, options) ?? TrainingPlanner.Plan(model, options);
        _notes.Add(
            $"planned for {ByteSize.Format(plan.Memory.Total)}: {plan.Runs} x {plan.MicroBatch} images per step, {plan.Recomputed.Count} results recomputed"
            + (plan.KeptInHalves > 0 ? $", {plan.KeptInHalves} kept as 16-bit floats" : ""));

        if (plan.Runs > 1 && plan.Trainee.Statistics.Count > 0)
        {
            _notes.Add($"live batch normalization uses the statistics of {plan.MicroBatch} images, not of the whole batch of {options.Batch}");
        }

        return plan;
    }

    /// <summary>Tells what was chosen where that was left to the planner.</summary>
    private void TellOfCompression() => _notes.Add(
        _compression != Compression.None
            ? "activations are kept as 16-bit floats, as the compression 'auto' allows: within the memory bound the step is faster so, or trains more"
            : _bound is null
                ? "activations are kept as float32 numbers: without a memory bound the compression 'auto' changes nothing"
                : "activations are kept as float32 numbers: within the memory bound the step is as fast so, and the compression 'auto' changes nothing");

    private BatchPlan PlanBatches(int? microBatch)
    {
        // A set smaller than the batch needs no empty rows, unless the micro-batch is given and fixes their number.
        int samples = _inputs.Train.Count;
        int micro = microBatch ?? Math.Min(_options.BatchSize, samples);
        int batch = Math.Min(_options.BatchSize, (samples + micro - 1) / micro * micro);
        (int width, int height, _) = _inputs.Train.ImageSize;
        BatchPlanOptions options = new(
            batch,
            micro,
            FillsUp: _trainee.Statistics.Count > 0,
            _inputs.Train.Views,
            _options.Mixup,
            _options.CutMix,
            width,
            height,
            _options.Seed);
        float[] weights = _options.ClassShares is float[] shares
            ? BatchPlan.ClassWeights(_inputs.Labels, shares)
            : BatchPlan.ClassWeights(_inputs.Labels, _trainee.Classes, _options.ClassBalance);
        return new BatchPlan(_inputs.Labels, weights, options);
    }

    /// <summary>What a model is made of: parameters and statistics.</summary>
    private List<Variable> ModelVariables()
    {
        List<Variable> variables = [];
        foreach (TrainedParameter parameter in _trainee.Parameters) variables.Add(parameter.Variable);
        variables.AddRange(_trainee.Statistics);
        return variables;
    }

    /// <summary>Sets the state to start from: the checkpoint's, or the model's with its validation as epoch 0.</summary>
    private void Begin()
    {
        if (_options.CheckpointPath is not null && TryResume()) return;
        Initialize();
        _watchdog.Keep(_at);
        MeasureGiven();
    }

    private void Initialize()
    {
        if (_options.Policy.Kind != UpdateKind.Scratch) return;
        ParameterInit.Fill(_trainee, Store, _options.Seed);
        foreach ((Variable parameter, Variable average) in _graph.Averages) Store.Copy(parameter, average);
    }

    /// <summary>Validates the model as given; where it has the right classes, it is the best so far.</summary>
    private void MeasureGiven()
    {
        if (_engine.Evaluator is null || !_inputs.HasBaseline) return;
        using (_timer.Measure("evaluate before"))
        {
            _before = new ConfusionMatrix(_trainee.Classes);
            double loss = _engine.Evaluator.Run(_before, _progress, _cancellation, _watch);
            if (!_inputs.IsKnown || _options.Policy.Kind == UpdateKind.Scratch || !double.IsFinite(loss)) return;
            (_bestEpoch, _bestScore, _after) = (0, ScoreOf(_before, loss), _before);
            _best.Take();
        }
    }

    /// <summary>The steps of the present epoch that are not done yet.</summary>
    private Outcome TrainEpoch()
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan paused = Paused;
        if (_at.Step == 0) _epochTime = TimeSpan.Zero;
        if (_at.Step < _plan.Steps) StartLoader(_at.Epoch, _at.Step);
        while (_at.Step < _plan.Steps)
        {
            if (_watch is { IsDue: true } && !MayGoOn()) return Outcome.Cancelled;
            if (_cancellation.IsCancellationRequested) return Outcome.Cancelled;
            long stepStart = Stopwatch.GetTimestamp();
            float loss = Step(_at.Step, out int correct);
            if (!float.IsFinite(loss)) return RollBack(_at.Step, FormattableString.Invariant($"loss {loss}"));
            _at = _at with { Step = _at.Step + 1, Loss = _at.Loss + ((double)loss * _plan.NewRows(_at.Step)), Correct = _at.Correct + correct };
            _stepTime += Stopwatch.GetElapsedTime(stepStart);
            _lastLoss = loss;
            _steps++;
            _progress?.Report(new StageProgress("train", ((_at.Epoch - 1) * _plan.Steps) + _at.Step, _options.Epochs * _plan.Steps) { Loss = loss });
            bool save = IsCheckpointDue();
            if (_at.Step == _plan.Steps || (!save && _at.Step % _options.WatchdogSteps != 0)) continue;
            if (_watchdog.FindNonFinite() is Variable variable) return RollBack(_at.Step - 1, $"'{variable.Name}' is not finite");
            if (_watchdog.IsShared || !_watchdog.IsGood(loss)) continue;
            _watchdog.Keep(_at);
            if (save) Save();
        }

        _epochTime += Worked(start, paused);
        return Outcome.Done;
    }

    private void BeginStep(int epoch, int step) => Program.Begin(StepsBefore(epoch, step) + 1, _schedule.At(epoch, step, _watchdog.Restarts));

    /// <summary>Steps that the optimizer's moments have seen at a position.</summary>
    private long StepsBefore(int epoch, int step)
    {
        TrainingPosition start = _watchdog.OptimizerStart;
        return _watchdog.OptimizerSteps + (((long)epoch - start.Epoch) * _plan.Steps) + step - start.Step;
    }

    /// <summary>Validates, keeps the weights if they are the best, and begins the next epoch.</summary>
    private Outcome FinishEpoch()
    {
        if (_watchdog.FindNonFinite() is Variable variable) return RollBack(_plan.Steps - 1, $"'{variable.Name}' is not finite");
        long start = Stopwatch.GetTimestamp();
        TimeSpan paused = Paused;
        double? validationLoss = null;
        ConfusionMatrix? confusion = null;
        bool isBest, isGood = _watchdog.IsGood(_lastLoss);
        SwapAverages();
        try
        {
            if (_engine.Evaluator is not null)
            {
                confusion = new ConfusionMatrix(_trainee.Classes);
                validationLoss = _engine.Evaluator.Run(confusion, _progress, _cancellation, _watch);
            }

            // An epoch that may be gone back behind is not the best.
            isBest = isGood
                && (confusion is null || (double.IsFinite(validationLoss ?? 0) && ScoreOf(confusion, validationLoss ?? 0).CompareTo(_bestScore) > 0));
            if (isBest)
            {
                _best.Take();
                (_bestEpoch, _bestScore, _after) = (_at.Epoch, confusion is null ? _bestScore : ScoreOf(confusion, validationLoss ?? 0), confusion);
            }
        }
        catch (OperationCanceledException)
        {
            return Outcome.Cancelled;
        }
        finally
        {
            SwapAverages();
        }

        if (validationLoss is double v && !double.IsFinite(v)) return RollBack(_plan.Steps - 1, FormattableString.Invariant($"validation loss {v}"));
        EpochReport report = new(
            _at.Epoch,
            _schedule.At(_at.Epoch, _plan.Steps - 1, _watchdog.Restarts),
            _at.Loss / _plan.Samples,
            (double)_at.Correct / _plan.Samples,
            validationLoss,
            confusion?.Accuracy,
            confusion?.MacroRecall,
            isBest,
            _watchdog.Restarts,
            _epochTime + Worked(start, paused));
        _epochs.Add(report);
        int patience = _options.EarlyStoppingPatience;
        int waited = _at.Epoch - Math.Max(_bestEpoch, _continuedAfter);
        _stoppedEarly = _engine.Evaluator is not null && patience > 0 && waited >= patience && _at.Epoch < _options.Epochs;
        _at = TrainingPosition.Start(_at.Epoch + 1);
        if (_watchdog.IsShared ? isBest : isGood)
        {
            _watchdog.Keep(_at, isTaken: _watchdog.IsShared);
            Save();
        }

        _report?.Report(report);
        return Outcome.Done;
    }

    /// <summary>Exchanges parameters and their averages, where there are any: the averages are what is evaluated and kept.</summary>
    private void SwapAverages()
    {
        foreach ((Variable parameter, Variable average) in _graph.Averages) Store.Swap(parameter, average);
    }

    private (double Score, double NegativeLoss) ScoreOf(ConfusionMatrix confusion, double loss) =>
        (_options.ClassBalance == ClassBalance.Weighted ? confusion.MacroRecall : confusion.Accuracy, -loss);

    /// <summary>Names the first number that is not finite, and goes back to the last good state with a lower rate.</summary>
    private Outcome RollBack(int failedStep, string symptom)
    {
        string finding = Locate(failedStep, symptom);
        string note = _watchdog.RollBack(finding, _schedule.PeakAfter(_watchdog.Restarts));
        _notes.Add(note);
        _at = _watchdog.Position;
        _epochs.RemoveAll(epoch => epoch.Epoch >= _at.Epoch);
        _progress?.Report(new StageProgress("train", ((_at.Epoch - 1) * _plan.Steps) + _at.Step, _options.Epochs * _plan.Steps, note));
        return Outcome.RolledBack;
    }

    /// <summary>Runs the steps since the last good state again, all tensors checked.</summary>
    private string Locate(int failedStep, string symptom)
    {
        // Without the moments of that time, other numbers would come out.
        if (_watchdog.IsShared) return $"{symptom} at epoch {_at.Epoch}, step {failedStep + 1}";
        TrainingPosition good = _watchdog.Position;
        _watchdog.State.Restore();
        for (int epoch = good.Epoch; epoch <= _at.Epoch; epoch++)
        {
            int first = epoch == good.Epoch ? good.Step : 0, end = epoch == _at.Epoch ? failedStep + 1 : _plan.Steps;
            if (first < end) StartLoader(epoch, first);
            for (int step = first; step < end; step++)
            {
                if (CheckedStep(epoch, step) is NonFinite found) return $"first non-finite value {found} at epoch {epoch}, step {step + 1}; {symptom}";
            }
        }

        return $"{symptom} at epoch {_at.Epoch}, step {failedStep + 1}, but every tensor was finite when the step was repeated";
    }

    private NonFinite? CheckedStep(int epoch, int step)
    {
        BeginStep(epoch, step);
        for (int run = 0; run < _plan.Runs(step); run++)
        {
            Feed();
            if (Program.RunChecked() is NonFinite found) return found;
        }

        return Program.EndChecked();
    }

    /// <summary>What happened to the samples, also while they were in use.</summary>
    private void AddNotices(SampleSource samples)
    {
        foreach (string notice in samples.Notices)
        {
            if (!_notes.Contains(notice)) _notes.Add(notice);
        }
    }

    private TrainerResult ToResult(bool cancelled)
    {
        RestoreResult();
        if (_stoppedEarly) _notes.Add($"stopped early: no better validation result in {_options.EarlyStoppingPatience} epochs");
        if (_bestEpoch == 0 && _epochs.Count > 0) _notes.Add("no epoch was better than the network before the first one, so those weights were kept");
        AddNotices(_inputs.Train);
        if (_inputs.Validation is not null) AddNotices(_inputs.Validation);
        PauseReport? pauses = EndWatch();
        IReadOnlyList<string> kernels = Program.Kernels;
        TrainerMemory memory = new(
            Store.UsedBytes, Program.SizeBytes, _watchdog.IsShared ? 0 : _watchdog.State.MemoryBytes, _best.MemoryBytes,
            _loader.SizeBytes,
            _engine.Evaluator?.SizeBytes ?? 0)
        {
            Device = _engine.DeviceBytes,
        };

        // The result is made of new tensors: under a bound they take the place of what is done with.
        if (_bound is not null)
        {
            Program.Dispose();
            _engine.Evaluator?.Dispose();
            ProcessMemory.Trim();
        }

        List<string> warnings = [];
        TrainerResult result = new()
        {
            Model = TrainedModel(),
            Labels = _inputs.Model.Info.Labels!,
            Before = _before,
            After = _after,
            Epochs = _epochs,
            BestEpoch = Math.Max(_bestEpoch, 0),
            LearningRate = _schedule.PeakAfter(_watchdog.Restarts),
            Restarts = _watchdog.Restarts,
            StoppedEarly = _stoppedEarly,
            Cancelled = cancelled,
            Notes = _notes,
            Pauses = pauses,
            DeviceNotes = _deviceNotes,
            Compression = _compression,
            Warnings = warnings,
            TrainedParameters = _trainee.TrainedElements,
            SecondsPerStep = _steps == 0 ? 0 : _stepTime.TotalSeconds / _steps,
            WaitedShare = _stepTime > TimeSpan.Zero ? Math.Min(1, (_loader.Waited - _hidden) / _stepTime) : 0,
            Times = _timer.Times,
            Memory = memory,
            Kernels = kernels,
        };
        warnings.AddRange(_inputs.Warnings);
        warnings.AddRange(_warnings);
        warnings.AddRange(pauses?.Warnings ?? []);
        warnings.AddRange(TuningWarnings.Of(result));
        return result;
    }
}
