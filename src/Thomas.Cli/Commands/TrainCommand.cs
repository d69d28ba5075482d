using System;
using System.Collections.Generic;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Studies;
using Thomas.App.Tuning;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas train</c>: a published network, from random weights or from a weight file, on the user's images.</summary>
internal sealed class TrainCommand
{
    private readonly Terminal _terminal;
    private readonly Argument<string> _architecture = new("architecture") { Description = WeightOptions.Names() };
    private readonly DataOption _data = new();
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Where to save the trained model, .tflite or .onnx (default: ARCHITECTURE.onnx in the current folder)",
        HelpName = "file",
    };
    private readonly Option<int?> _size = Parse.Number("--size", "Height and width of the input images (default: those of the published network)", 16, 4096);
    private readonly Option<float?> _width = Parse.Number("--width", "Width multiplier of the channels of all layers, MobileNets only (default 1)", 0.01f, 4f);
    private readonly Option<bool> _color = new("--rgb") { Description = "Use color images for a network that was published for gray ones (lenet5)" };
    private readonly WeightOptions _variant = new();
    private readonly Option<string> _weights = new("--weights")
    {
        Description = "Weights to start from instead of random ones: .safetensors, or PyTorch's .pth or .pt; their last layer may have other classes",
        HelpName = "file",
    };
    private readonly Option<UpdatePolicy?> _update = Parse.Policy(
        "--update", "What to train with --weights (default all; without --weights all layers are trained from scratch)");
    private readonly TrainingOptions _training = new();
    private readonly ComputeOptions _compute;
    private readonly GuardOptions _guard = new();
    private readonly CacheOptions _cache = new();
    private readonly OutputOptions _file = new();
    private readonly ResultFiles _results = new(withSuspects: false);
    private readonly ReportOption _report = new();
    private readonly ResizeOptions _resize = new();

    private TrainCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("train", "Train a published architecture on your own images, from random weights or from a PyTorch weight file");
        TrainCommand train = new(terminal, tuned);
        command.Add(train._architecture);
        train._data.AddTo(command);
        foreach (Option option in new Option[] { train._output, train._size, train._width, train._color, train._weights, train._update }) command.Add(option);
        train._variant.AddTo(command);
        train._file.AddTo(command);
        train._results.AddTo(command);
        train._report.AddTo(command);
        train._resize.AddTo(command);
        train._training.AddTrainerTo(command);
        train._compute.AddTo(command);
        train._guard.AddTo(command);
        train._cache.AddTo(command);
        terminal.Bind(command, train.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Architecture architecture = WeightOptions.Find(parsed.GetRequiredValue(_architecture));
        string output = parsed.GetValue(_output) ?? architecture.Name + ".onnx";
        OutputFile.Check(output);
        _results.Check(parsed, output, _data.Path(parsed));
        _report.Check(parsed);
        SaveOptions save = _file.Read(parsed);
        if (_training.QuantizesFrozen(parsed)) throw new UsageException("--compress frozen is for tune: train leaves no layer as it was.");
        if (_training.QuantizesAll(parsed))
        {
            throw new UsageException("--compress int8 is for tune, or for convert --int8 afterwards: train begins with a float network, which has no grids.");
        }

        long? bound = _training.Memory(parsed);
        RunGuard? guard = _guard.Read(parsed);
        RunMemory memory = RunMemory.Begin(bound);
        Dataset data = _data.Load(parsed, _terminal);
        _results.CheckImages(parsed, data);
        data.CheckTrainable();
        UpdatePolicy policy = Policy(parsed);
        TrainerOptions options = _training.ReadTrainer(parsed, policy) with { Compile = _compute.ReadNamed(parsed), Guard = guard };
        (Model model, IReadOnlyList<string> notes) = memory.Loading(() => Build(parsed, architecture, data, options, output));
        (Dataset learning, Dataset? test, string split) = Divide(data, _training.ValidationShare(parsed), options.Seed);
        options = options with { Compile = _compute.ReadFor(parsed, model, learning, options with { MemoryBytes = bound }, _terminal) };
        string device = _compute.DescribeChosen(options.Compile);
        Announce(architecture, model, data, options, split, device);
        using TrainingReports? reports = _report.Begin(parsed, _terminal, "train", architecture.Name, data, options.Compile, options.Seed);

        if (bound is long most) options = Plan(model, learning, test, data, options, most, memory);
        string? cache = _cache.Read(parsed, _terminal);
        using ScratchFolder? temporary = bound is not null && cache is null ? new ScratchFolder() : null;
        Job job = new(model, learning, test, options, cache ?? temporary?.Path, memory.Plan) { KeepsPredictions = _results.AreWanted(parsed) };
        _terminal.Decoder();
        TrainerResult result = ProgressDisplay.Run(_terminal, ["training", "validation"], progress => job.Train(progress, _terminal));
        if (bound is not null) ProcessMemory.Trim();
        if (result is { Cancelled: true, After: null, Pauses.StopReason: string reason }) throw new RunStoppedException(reason);
        if (result is { Cancelled: true, After: null }) throw new OperationCanceledException(_terminal.Cancellation);

        // Saved before it is tested: what comes now can fail or be cancelled.
        OutputException? refused = OutputFile.SaveOrRescue(path => result.Model.Save(path, save), ref output, options.CheckpointPath);
        UsageReport usage = Usage.Of(result.Model, output, save, _file.WriteLabels(parsed, result.Model, output, _terminal), source: null);
        bool tested = result.Cancelled || ProgressDisplay.Run(_terminal, ["test"], progress => job.TryTest(result.Model, progress, _terminal));
        CacheFolder.Trim(cache);
        _terminal.Broken(job.Broken);
        _terminal.Warnings(result.Warnings, result.Pauses);
        _terminal.Details([.. notes, .. result.Notes]);
        _terminal.Kernels(result.Kernels);
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                Report(architecture, data, output, device, options, result, job, notes) with
                {
                    Usage = usage,
                    Process = memory.Report(),
                    PredictionsFile = _results.Predictions(parsed),
                    MistakesFile = _results.Mistakes(parsed),
                    ReportFolder = _report.Folder(parsed),
                },
                ReportJson.Default.TrainReport);
        }
        else Print(result, job, output, usage, memory);
        ImageInput input = ImageInput.Of(result.Model);
        bool written = _results.Write(parsed, _terminal, result.Model, input, job.Predictions, result.Labels, data, options.Compile)
            & _report.Write(parsed, _terminal, reports?.Of(
                result, policy, (learning.Only(Subset.Train).Samples.Count, learning.Only(Subset.Validation).Samples.Count), job.Test, job.Broken, notes,
                isComplete: !result.Cancelled && tested));
        if (refused is not null)
        {
            _terminal.Complain($"{refused.Message} The trained model is in {output} instead.");
            return ExitCode.Output;
        }

        if (!result.Cancelled && tested) return ResultFiles.CodeOf(written, _terminal);
        _terminal.Complain(
            result.Cancelled
                ? $"{_terminal.Ended(result.Pauses)}; the best model so far is in {output}"
                : $"the test did not finish; the trained model is in {output}");
        return result.Cancelled || _terminal.Cancellation.IsCancellationRequested ? ExitCode.Cancelled : ExitCode.Data;
    }

    /// <summary>Plans all stages under the bound, before anything runs.</summary>
    private static TrainerOptions Plan(Model model, Dataset learning, Dataset? test, Dataset data, TrainerOptions options, long bound, RunMemory memory)
    {
        memory.Plan = RunPlanner.Plan(model, new RunPlanOptions
        {
            Network = options.ToPlan(learning.Only(Subset.Train).Samples.Count),
            LastLayerFirst = false,
            Classes = learning.ClassNames.Count,
            Images = learning.Samples.Count,
            DatasetBytes = data.HeldBytes,
            TestAfter = test is not null,
            MemoryBytes = bound,
            LoaderThreads = options.LoaderThreads,
            Compile = options.Compile,
        });
        return memory.Plan.Apply(options, bound);
    }

    private UpdatePolicy Policy(ParseResult parsed)
    {
        UpdatePolicy? given = parsed.GetValue(_update);
        if (parsed.GetValue(_weights) is not null)
        {
            if (given?.Kind == UpdateKind.Scratch)
            {
                throw new UsageException("--update scratch discards the weights that --weights reads; give only one of them.");
            }

            return given ?? UpdatePolicy.All;
        }

        if (given is not null && given.Value.Kind != UpdateKind.Scratch)
        {
            throw new UsageException("--update needs --weights: random weights must all be trained.");
        }

        return new UpdatePolicy(UpdateKind.Scratch);
    }

    private (Model Model, IReadOnlyList<string> Notes) Build(ParseResult parsed, Architecture architecture, Dataset data, TrainerOptions options, string output)
    {
        WeightFile? weights = parsed.GetValue(_weights) is string path ? _variant.Read(parsed, path) : null;
        RecognizedNetwork? network = weights is null
            ? null
            : WeightLoader.Recognize(weights, architecture, _variant.Variant(parsed), allowHeadMismatch: true, _terminal.Cancellation);
        string variant = network?.Options.Variant ?? _variant.Variant(parsed);
        int size = parsed.GetValue(_size) ?? network?.Options.Height ?? architecture.DefaultSize;
        int channels = parsed.GetValue(_color) ? 3 : network?.Options.Channels ?? architecture.DefaultChannels;
        Graphs.Graph graph = architecture.Build(new ArchitectureOptions
        {
            Classes = data.ClassNames.Count,
            Height = size,
            Width = size,
            Channels = channels,
            WidthMultiplier = parsed.GetValue(_width) ?? network?.Options.WidthMultiplier ?? 1,
            Variant = variant,
            Seed = options.Seed,
        });
        Preprocessing preprocessing = _resize.Apply(parsed, WeightOptions.Usual(channels, size, output, variant));
        ModelInfo info = new() { Name = architecture.Name, Labels = data.ClassNames, Preprocessing = preprocessing };
        if (weights is null) return (new Model(graph, info), []);
        (Model model, IReadOnlyList<string> notes) = WithWeights(new Model(graph, info), weights);
        foreach (string note in network!.Notes) _terminal.Note($"note: {note}");
        return (model, [.. network.Notes, .. notes]);
    }

    /// <summary>
    /// The network with weights of a file. A last layer for other classes becomes zero: random numbers there would spoil what the others know.
    /// </summary>
    private static (Model Model, IReadOnlyList<string> Notes) WithWeights(Model model, WeightFile file)
    {
        LoadedWeights loaded;
        try
        {
            loaded = WeightLoader.Load(model.Graph, file);
            return (new Model(loaded.Graph, model.Info), loaded.Notes);
        }
        catch (ModelFormatException)
        {
            loaded = WeightLoader.Load(model.Graph, file, allowHeadMismatch: true);
            return (Tuner.WithNewHead(new Model(loaded.Graph, model.Info), model.Info.Labels!), loaded.Notes);
        }
    }

    /// <summary>What is learned from and validated with, and what is kept for the end, if the data says so.</summary>
    private static (Dataset Learning, Dataset? Test, string Split) Divide(Dataset data, double share, ulong seed)
    {
        Dataset? test = data.Has(Subset.Test) ? data.Only(Subset.Test) : null;
        Dataset rest = data;
        if (test is not null)
        {
            List<Sample> samples = [];
            foreach (Sample sample in data.Samples)
            {
                if (sample.Subset != Subset.Test)
                {
                    samples.Add(sample.Subset == Subset.Train && !data.Has(Subset.Validation) ? sample with { Subset = Subset.Unassigned } : sample);
                }
            }

            rest = new Dataset(data.Name, data.ClassNames, samples);
        }

        Dataset learning = rest.Has(Subset.Validation) ? rest : Split.Stratified(rest, share, seed);
        string text = $"{learning.Only(Subset.Train).Samples.Count} for training, {learning.Only(Subset.Validation).Samples.Count} for validation";
        return (learning, test, test is null ? text : $"{text}, {test.Samples.Count} for the final test");
    }

    private void Announce(Architecture architecture, Model model, Dataset data, TrainerOptions options, string split, string device)
    {
        if (_terminal.Quiet) return;
        _terminal.Field(
            "network",
            $"{architecture.Name}, {Format.Count(model.Graph.ParameterCount)} parameters, {Format.Count(model.Graph.Cost.MultiplyAdds)} multiply-adds an "
            + $"image");
        _terminal.Field("data", $"{Format.Name(data.Name)}: {Format.Plural(data.ClassNames.Count, "class", "classes")}, {split}");
        _terminal.Field("preprocessing", PreprocessingFormat.Describe(model.Info.Preprocessing!));
        _terminal.Field("training", $"'{options.Policy}': {options.Optimizer.Kind}, {options.Epochs} epochs, batch {options.BatchSize}, seed {options.Seed}"
            + Format.Compression(options.Compression));
        _terminal.Field("device", device);
        _terminal.Say();
    }

    private void Print(TrainerResult result, Job job, string output, UsageReport usage, RunMemory memory)
    {
        if (!_terminal.Quiet) _terminal.Say();
        string start = result.Before is ConfusionMatrix before
            ? $"before      {Format.Percent(before.Accuracy),6}   with the initial weights\n"
            : "";
        string below = result.IsBelowBaseline ? "below the initial weights; " : "";
        string validation = result.After is ConfusionMatrix after
            ? $"validation  {Format.Percent(after.Accuracy),6}   {below}{after.Correct} of {after.Total}{Format.Interval(after)}; best epoch, chosen on "
            + $"these images: number {result.BestEpoch} of {result.Epochs.Count}"
            : "validation  not measured";
        string test = job.Test is ConfusionMatrix confusion
            ? $"\ntest        {Format.Percent(confusion.Accuracy),6}   {confusion.Correct} of {confusion.Total}{Format.Interval(confusion)}; used once, "
            + $"after training"
            : "";
        _terminal.Field("accuracy", start + validation + test);
        _terminal.Say();
        if ((job.Test ?? result.After) is ConfusionMatrix matrix) _terminal.Block(matrix.ToTable(result.Labels));
        _terminal.Say();
        _terminal.Network(result);
        _terminal.Pauses(result.Pauses);
        _terminal.Memory(memory);
        _terminal.Field("saved", $"{Format.Name(output)} ({Format.Bytes(usage.Bytes)}, labels and preprocessing inside)");
        Usage.Print(_terminal, usage, result.Model, output);
        _terminal.Field("try it", $"thomas classify {Format.Name(output)} image.png");
    }

    private TrainReport Report(
        Architecture architecture, Dataset data, string output, string device, TrainerOptions options, TrainerResult result, Job job,
        IReadOnlyList<string> notes)
    {
        return new TrainReport(
            architecture.Name,
            data.Name,
            output,
            device,
            result.Cancelled,
            options.Seed,
            result.Model.Graph.ParameterCount,
            result.Labels,
            result.After is ConfusionMatrix after ? ReportParts.Of(after, result.Labels) : null,
            job.Test is ConfusionMatrix test ? ReportParts.Of(test, result.Labels) : null,
            result.BestEpoch,
            ReportParts.Of(result.Epochs),
            ReportParts.Of(result),
            ReportParts.Of(result.Times),
            ReportParts.Of(job.Broken),
            [.. notes, .. result.Notes],
            _terminal.Verbose ? result.Kernels : null)
        {
            Before = result.Before is ConfusionMatrix before ? ReportParts.Of(before, result.Labels) : null,
            IsBelowBaseline = result.IsBelowBaseline,
            Warnings = result.Warnings,
            Pauses = ReportParts.Of(result.Pauses),
        };
    }

    /// <summary>Prepares the images, trains, and tests once.</summary>
    private sealed class Job(Model model, Dataset learning, Dataset? test, TrainerOptions options, string? cache, RunPlan? plan)
    {
        private readonly List<BrokenImage> _broken = [];

        public IReadOnlyList<BrokenImage> Broken => _broken;

        public ConfusionMatrix? Test { get; private set; }

        /// <summary>Whether <see cref="Predictions"/> are wanted.</summary>
        public bool KeepsPredictions { get; init; }

        /// <summary>What the trained model makes of each validation image; null where that was not asked for, or the run was cancelled before.</summary>
        public IReadOnlyList<ImagePrediction>? Predictions { get; private set; }

        public TrainerResult Train(IProgressDisplay progress, Terminal terminal)
        {
            Preprocessing preprocessing = model.Info.Preprocessing!;
            TrainerResult result;
            using (PreparedSet train = Prepare(learning.Only(Subset.Train), Trainer.PrepareFor(preprocessing, options.Augmentation), mayLoseClasses: false))
            using (PreparedSet validation = Prepare(learning.Only(Subset.Validation), preprocessing, mayLoseClasses: true))
            {
                result = Trainer.Train(model, train, validation, options, new EpochRelay(progress, options.Epochs), progress, terminal.Cancellation);
                if (KeepsPredictions && !result.Cancelled) Predictions = Predict(result.Model, validation);
            }

            return result;

            IReadOnlyList<ImagePrediction>? Predict(Model trained, PreparedSet images)
            {
                EvaluationOptions evaluation = new() { Compile = options.Compile };
                if (plan is not null) evaluation = evaluation with { LargestBatch = 1 };
                try
                {
                    return Evaluator.Predict(trained, images, evaluation, progress, terminal.Cancellation);
                }
                catch (OperationCanceledException)
                {
                    // The trained model is worth keeping.
                    return null;
                }
            }

            PreparedSet Prepare(Dataset part, Preprocessing wanted, bool mayLoseClasses)
            {
                PreparedSetOptions prepare = new()
                {
                    Preprocessing = wanted,
                    CacheDirectory = cache,
                    Threads = options.Compile.Threads,
                    MayLoseClasses = mayLoseClasses,
                    MustCache = plan is not null,
                };
                PreparedSet set = PreparedSet.Create(
                    part, ImageDecoders.Best(memory: plan?.DecodeBytes ?? 0), prepare, StageProgress.Decoding(progress), terminal.Cancellation);
                _broken.AddRange(set.Broken);
                foreach (string notice in set.Notices) progress.Report(StageProgress.Warning("decode", notice));
                return set;
            }
        }

        /// <summary>Measures the model on the test images, if there are any; false if that failed or was cancelled.</summary>
        public bool TryTest(Model trained, IProgressDisplay progress, Terminal terminal)
        {
            if (test is null) return true;
            try
            {
                EvaluationOptions evaluation = new() { Compile = options.Compile, CacheDirectory = cache };
                if (plan is not null) evaluation = evaluation with { LargestBatch = plan.TestBatch };
                Evaluation result = Evaluator.Evaluate(
                    trained, test, ImageDecoders.Best(memory: plan?.DecodeBytes ?? 0), evaluation, progress, terminal.Cancellation);
                _broken.AddRange(result.Broken);
                Test = result.Confusion;
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (ThomasException e)
            {
                terminal.Warn(e.Message);
                return false;
            }
        }
    }
}
