using System;
using System.CommandLine;
using System.IO;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Results;
using Thomas.App.Studies;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Formats;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas tune</c>: teaches a model the classes of a folder of images.</summary>
internal sealed class TuneCommand
{
    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(withLabels: true);
    private readonly DataOption _data = new();
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Where to save the tuned model, .tflite or .onnx (default: MODEL-tuned in the current folder)",
        HelpName = "file",
    };
    private readonly TrainingOptions _training = new();
    private readonly ComputeOptions _compute;
    private readonly GuardOptions _guard = new();
    private readonly CacheOptions _cache = new();
    private readonly PreprocessingOptions _preprocessing = new();
    private readonly OutputOptions _file = new();
    private readonly ResultFiles _results = new(withSuspects: true);
    private readonly ReportOption _report = new();

    private TuneCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("tune", "Teach a model your own classes from your own images");
        TuneCommand tune = new(terminal, tuned);
        tune._model.AddTo(command);
        tune._data.AddTo(command);
        command.Add(tune._output);
        tune._file.AddTo(command);
        tune._results.AddTo(command);
        tune._report.AddTo(command);
        tune._training.AddTo(command);
        tune._compute.AddTo(command);
        tune._guard.AddTo(command);
        tune._cache.AddTo(command);
        tune._preprocessing.AddTo(command);
        terminal.Bind(command, tune.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = _model.Path(parsed);
        RunGuard? guard = _guard.Read(parsed);
        Model model = _model.Load(parsed, _terminal.Cancellation);
        RunMemory memory = RunMemory.Begin(_training.Memory(parsed));
        string output = parsed.GetValue(_output) ?? DefaultOutput(path, model);
        OutputFile.Check(output, path);
        _results.Check(parsed, path, output, _data.Path(parsed));
        _report.Check(parsed);
        Dataset data = _data.Load(parsed, _terminal);
        _results.CheckImages(parsed, data);
        data.CheckTrainable(_training.KeepsClasses(parsed));
        SaveOptions save = _file.Read(parsed);
        WrittenBatch.Apply(model, ModelFiles.FormatOf(output), save);
        TunableHead head = Tuner.Describe(model);
        TuningOptions options = _training.Read(
            parsed, _preprocessing.ReadFor(output, parsed, model, _terminal), _compute.ReadNamed(parsed), _cache.Read(parsed, _terminal));
        if (_results.Suspects(parsed) is not null && options.MemoryBytes is not null)
        {
            throw new UsageException("--suspects keeps to no bound, so it cannot be given with --memory; 'evaluate' has it too.");
        }

        if (_training.QuantizesAll(parsed)) CheckIntegers(_training.Policy(parsed), options.Compile);
        EightBits? eight = _training.QuantizesFrozen(parsed) || _training.QuantizesAll(parsed)
            ? new EightBits(_training.Policy(parsed), _training.QuantizesFrozen(parsed))
            : null;
        Model outline = model;
        if (eight is not null)
        {
            if (_training.KeepsClasses(parsed) && model.Info.Rehearsal is not null && !Quantizer.IsQuantized(model))
            {
                throw new UsageException(
                    "--compress frozen and int8 change the features of a float network, so the feature vectors in it that keep its old classes would be lost; "
                    + "add the classes first, without --compress.");
            }

            (outline, long bytes) = eight.Outline(model, options.Compile, data.Samples.Count);
            options = options with { PreparationBytes = bytes };
            if (options.MemoryBytes is not null) Tuner.Plan(outline, data, options);
        }

        options = options with
        {
            Compile = _compute.ReadFor(parsed, outline, data, options, _terminal),
            KeepPredictions = _results.AreWanted(parsed),
            FindSuspects = _results.Suspects(parsed) is not null,
            Guard = guard,
        };
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        _terminal.Quantized(model, eight is { OnlyFrozen: false } ? Compression.Int8 : Compression.None);
        string device = _compute.DescribeChosen(options.Compile);
        Announce(model, data, head, input, options, device);
        using TrainingReports? reports = _report.Begin(
            parsed, _terminal, "tune", Path.GetFileNameWithoutExtension(path), data, options.Compile, options.Seed);

        EightBitsReport? frozen = null;
        if (eight is not null) (model, frozen) = eight.Apply(_terminal, model, data, options);
        if (Tune(model, data, options, eight is { OnlyFrozen: false }) is not TuningResult result) return ExitCode.Cancelled;
        memory.Plan = result.Plan;
        if (options.MemoryBytes is not null) ProcessMemory.Trim();
        OutputException? refused = OutputFile.SaveOrRescue(file => _model.Save(result.Model, file, save), ref output, options.Network?.CheckpointPath);
        UsageReport usage = Usage.Of(result.Model, output, save, _file.WriteLabels(parsed, result.Model, output, _terminal), path);
        CacheFolder.Trim(options.CacheDirectory);

        _terminal.Broken(result.Broken);
        _terminal.Warnings(result.Warnings, result.Pauses);
        if (result.FloatLastLayer is string floatLayer && !_terminal.Verbose) _terminal.Note($"note: {floatLayer}");
        _terminal.Details(result.Notes);
        _terminal.Kernels(result.Kernels);
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                Report(result, path, data, output, device, options) with
                {
                    EightBits = frozen,
                    Usage = usage,
                    Process = memory.Report(),
                    PredictionsFile = _results.Predictions(parsed),
                    MistakesFile = _results.Mistakes(parsed),
                    SuspectsFile = _results.Suspects(parsed),
                    ReportFolder = _report.Folder(parsed),
                    Suspects = SuspectFile.Report(result.Suspects, data.ClassNames),
                },
                ReportJson.Default.TuneReport);
        }
        else Print(result, output, usage, memory, () => eight?.Print(_terminal, frozen!));
        bool written = _results.Write(parsed, _terminal, result.Model, result.Input, result.Predictions, result.Labels, data, options.Compile)
            & _results.WriteSuspects(parsed, _terminal, result.Suspects, data.ClassNames)
            & _report.Write(parsed, _terminal, reports?.Of(result, options.Network?.Policy ?? UpdatePolicy.Last));
        if (refused is not null)
        {
            _terminal.Complain($"{refused.Message} The tuned model is in {output} instead.");
            return ExitCode.Output;
        }

        if (!result.Cancelled) return ResultFiles.CodeOf(written, _terminal);
        _terminal.Complain($"{_terminal.Ended(result.Pauses)}; the best model so far is in {output}");
        return ExitCode.Cancelled;
    }

    /// <summary>The result; null if the run was to resume and ended before it did, which is told.</summary>
    private TuningResult? Tune(Model model, Dataset data, TuningOptions options, bool inIntegers)
    {
        _terminal.Decoder();
        IImageDecoder decoder = ImageDecoders.Best(
            memory: options.MemoryBytes is long bound ? RunPlanner.DecodeBytes(bound, options.Compile, data.HeldBytes) : 0);
        try
        {
            return ProgressDisplay.Run(_terminal, ["training", "validation"], progress => Tuner.Tune(
                model,
                data,
                decoder,
                inIntegers ? LastLayerGrid.With(options, decoder) : options,
                progress,
                new EpochRelay(progress, options.Network?.Epochs ?? options.Head.Epochs),
                _terminal.Cancellation));
        }
        catch (OperationCanceledException e) when (options.Network is { Resume: true, CheckpointPath: string kept } && File.Exists(kept))
        {
            string ended = e is RunStoppedException ? $"stopped: {e.Message}" : "cancelled";
            _terminal.Complain(
                $"{ended}; nothing was written: the best model so far is in the checkpoint '{kept}', and the same command continues from there");
            return null;
        }
    }

    /// <summary>What training in 8 bits cannot do is told before a float network is quantized for it.</summary>
    private static void CheckIntegers(UpdatePolicy policy, CompileOptions compile)
    {
        if (policy.Kind == UpdateKind.Norm)
        {
            throw new UsageException("--update norm does not go with --compress int8: a network of 8 bits has its batch normalization in its weights.");
        }

        if (compile.OtherDevice is not null || compile.Device is not (DeviceKind.Cpu or DeviceKind.Serial))
        {
            throw new UsageException("--compress int8 computes on the CPU: OpenCL devices have no kernels for integers. Leave --device or --compress out.");
        }
    }

    private static string DefaultOutput(string path, Model model)
    {
        string extension = model.Info.SourceFormat == ModelFormat.TfLite ? ".tflite" : ".onnx";
        return Path.GetFileNameWithoutExtension(path) + "-tuned" + extension;
    }

    private void Announce(Model model, Dataset data, TunableHead head, ImageInput input, TuningOptions options, string device)
    {
        if (_terminal.Quiet) return;
        int test = data.Only(Subset.Test).Samples.Count;
        string split = data.Has(Subset.Validation)
            ? $"{data.Only(Subset.Train).Samples.Count} for training, {data.Only(Subset.Validation).Samples.Count} for validation"
            : Format.Invariant($"{Format.Plural(data.Samples.Count - test, "image")}, {options.ValidationShare:0%} of each class set aside for validation");
        if (test > 0) split += $", {test} for testing (not used)";
        string views = options.Views > 1 ? Format.Invariant($", {options.Views} views of each image") : "";
        _terminal.Field("model", $"{Format.Name(model.Info.Name)}, {Format.Count(model.Graph.ParameterCount)} parameters");
        _terminal.Field("data", $"{Format.Name(data.Name)}: {Format.Plural(data.ClassNames.Count, "class", "classes")}, {split}");
        _terminal.Field("preprocessing", $"{PreprocessingFormat.Describe(input.Preprocessing)}\n{Format.Name(input.Source)}");
        _terminal.Field("tuning", options.Network is TrainerOptions network
            ? $"last layer, then '{network.Policy}': {network.Optimizer.Kind}, {network.Epochs} epochs, batch {network.BatchSize}, seed {options.Seed}"
                + Format.Compression(network.Compression)
            : $"last layer on {head.Features} features, {options.Head.Optimizer.Kind}, up to {options.Head.Epochs} epochs, batch "
            + $"{options.Head.BatchSize}{views}, seed {options.Seed}");
        _terminal.Field("device", device);
        _terminal.Say();
    }

    private void Print(TuningResult result, string output, UsageReport usage, RunMemory memory, Action eightBits)
    {
        if (!_terminal.Quiet) _terminal.Say();
        string last = result.AfterLastLayer is ConfusionMatrix head ? $"last    {Format.Percent(head.Accuracy),6}   with only a new last layer\n" : "";
        string below = result.IsBelowBaseline ? "below the baseline; " : "";
        _terminal.Field(
            result.KeptClasses == 0 ? "accuracy" : result.KnownClasses == 0 ? "new classes" : "these classes",
            $"before  {Format.Percent(result.Before.Accuracy),6}   {Format.Name(result.BeforeMethod)}\n{last}after   "
            + $"{Format.Percent(result.After.Accuracy),6}   {below}{After(result)}");
        if (result.KeptClasses > 0) _terminal.Field("old classes", OldClasses(result));
        string chosen = result.KeptClasses > 0
            ? "nothing was chosen on these images"
            : "the best epoch was chosen on these images, so expect slightly less on other images";
        _terminal.Field("checked", $"{result.Checked}{Format.Interval(result.After)}\n{chosen}");
        if (result.Unknown is UnknownThreshold unknown)
        {
            string share = Format.Percent((double)unknown.Refused / unknown.Images);
            _terminal.Field(
                "unknown",
                Format.Invariant($"images with a similarity below {unknown.Similarity:0.00##}: ")
                + $"{unknown.Refused} of the {unknown.Images} that it was found on ({share})");
        }
        else if (result.UnknownProblem is string problem) _terminal.Field("unknown", $"no threshold is stored: {problem}");

        _terminal.Say();
        _terminal.Block(result.After.ToTable(result.Labels));
        _terminal.Say();
        _terminal.Block(result.Times.ToTable());
        if (result.Network is TrainerResult network)
        {
            _terminal.Say();
            _terminal.Network(network);
        }
        else if (result.Epochs.Count > 0)
        {
            (TimeSpan first, TimeSpan? later) = EpochTimes(result);
            string comparison = later is TimeSpan rest ? Format.Invariant($"; each later one {Format.Duration(rest)} ({rest / first:0.00%})") : "";
            _terminal.Say();
            _terminal.Field("first epoch", $"{Format.Duration(first)} with decoding and features{comparison}");
        }

        eightBits();
        _terminal.Pauses(result.Pauses);
        _terminal.Memory(memory);
        _terminal.Field(
            "saved",
            $"{Format.Name(output)} ({Format.Bytes(usage.Bytes)}, {Format.Plural(result.Labels.Count, "class", "classes")}, labels, preprocessing"
            + $"{(result.Model.Info.Rehearsal is Rehearsal r ? $", {r.Vectors} feature vectors ({Format.Bytes(r.StoredBytes)})" : "")} inside)");
        Usage.Print(_terminal, usage, result.Model, output);
        _terminal.Field("try it", $"thomas classify {Format.Name(output)} image.jpg");
    }

    /// <summary>What is known of the classes that were kept.</summary>
    private static string OldClasses(TuningResult result) => result.OldAfter is ConfusionMatrix after
        ? $"before  {Format.Percent(result.OldBefore!.MacroRecall),6}   mean recall on {result.OldMethod}\n"
        + $"after   {Format.Percent(after.MacroRecall),6}   {Format.Plural(result.KeptClasses, "old class", "old classes")}"
        : "not checked";

    private static string After(TuningResult result)
    {
        if (result.BestEpoch == 0)
        {
            return result.Epochs.Count == 0 || result.AfterLastLayer is null
                ? "cancelled before the first epoch ended"
                : "no epoch of the network beat the new last layer alone, which is kept";
        }

        string end = result.Cancelled ? ", cancelled" : result.Epochs[^1].Epoch > result.BestEpoch ? "" : ", the last";
        return $"best of {Format.Plural(result.Epochs.Count, "epoch")}: number {result.BestEpoch}{end}";
    }

    /// <summary>What the first epoch took with all that only it needs, and the mean of the others.</summary>
    private static (TimeSpan First, TimeSpan? Later) EpochTimes(TuningResult result)
    {
        TimeSpan later = default;
        for (int i = 1; i < result.Epochs.Count; i++) later += result.Epochs[i].Duration;
        TimeSpan first = result.Times.Of("decode") + result.Times.Of("features") + (result.Epochs.Count > 0 ? result.Epochs[0].Duration : default);
        return (first, result.Epochs.Count > 1 ? later / (result.Epochs.Count - 1) : null);
    }

    private TuneReport Report(TuningResult result, string path, Dataset data, string output, string device, TuningOptions options)
    {
        (TimeSpan first, TimeSpan? later) = EpochTimes(result);
        return new TuneReport(
            path,
            data.Name,
            output,
            device,
            result.Cancelled,
            options.Seed,
            result.TrainingImages,
            result.Labels,
            result.BeforeMethod,
            ReportParts.Of(result.Before, result.Labels),
            ReportParts.Of(result.After, result.Labels),
            result.BestEpoch,
            ReportParts.Of(result.Epochs),
            first.TotalSeconds,
            later?.TotalSeconds,
            ReportParts.Of(result.Input),
            ReportParts.Of(result.Times),
            ReportParts.Of(result.Broken),
            result.Notes,
            _terminal.Verbose ? result.Kernels : null)
        {
            Update = (options.Network?.Policy ?? UpdatePolicy.Last).ToString(),
            Checked = new CheckedReport(result.Checked, result.After.Total, result.KeptClasses, result.UncheckedClasses),
            IsBelowBaseline = result.IsBelowBaseline,
            Warnings = result.Warnings,
            OldClasses = result.OldAfter is ConfusionMatrix old
                ? new OldClassesReport(result.OldMethod, ReportParts.Of(result.OldBefore!, result.Labels), ReportParts.Of(old, result.Labels))
                : null,
            Rehearsal = ReportParts.Of(result.Model.Info.Rehearsal),
            Unknown = result.Unknown is UnknownThreshold unknown ? new UnknownReport(unknown.Similarity, unknown.Images, unknown.Refused) : null,
            AfterLastLayer = result.AfterLastLayer is ConfusionMatrix last ? ReportParts.Of(last, result.Labels) : null,
            Pauses = ReportParts.Of(result.Pauses),
            Network = result.Network is TrainerResult network ? ReportParts.Of(network) : null,
        };
    }
}
