using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>How the new head is trained.</summary>
internal sealed class TrainingOptions
{
    private const int DefaultViews = 4;
    private const float ColorStrength = 0.3f;

    private static readonly TrainerOptions Default = TrainerOptions.LastLayer;
    private static readonly TrainerOptions Network = new();

    private readonly Option<UpdatePolicy?> _update = Parse.Policy(
        "--update", "What to train (default last: a new last layer; what the others train is in docs/training.md)");
    private readonly NetworkOptions _network = new();
    private readonly Option<bool> _keepClasses = new("--keep-classes")
    {
        Description = "Keep the model's own classes: new ones are appended, images of a class that the model has are added to it",
    };
    private readonly Option<bool> _noRehearsal = new("--no-rehearsal")
    {
        Description = "Store no feature vectors of the images in the model; with them, classes can be added later without the old images",
    };
    private readonly Option<bool> _logits =
        new("--logits") { Description = "Save a model that outputs logits; without this option it ends in a softmax and outputs probabilities" };
    private readonly Option<int?> _epochs = Parse.Number(
        "--epochs", $"Passes over the training images (default {Default.Epochs} for the last layer, {Network.Epochs} for more)", 1, 100_000);
    private readonly Option<int?> _batch = Parse.Number("--batch", $"Images per step (default {Default.BatchSize})", 1, 65_536);
    private readonly Option<float?> _rate = Parse.Number("--lr", "Peak learning rate (default: depends on optimizer and policy)", 1e-9f, 1000f);
    private readonly Option<string> _optimizer = Parse.Word("--optimizer", "Optimizer that updates the weights (default adamw)", "sgd", "adam", "adamw");
    private readonly Option<float?> _momentum = Parse.Number(
        "--momentum", Format($"Momentum of sgd (default {Default.Optimizer.Momentum})"), 0f, 1f, belowMaximum: true);
    private readonly Option<float?> _weightDecay = Parse.Number(
        "--weight-decay", "Weight decay (default for the last layer: by number of features for adamw, else 0.001; for more 0.01 for adamw, else 0.0001)",
        0f, 1000f);
    private readonly Option<float?> _smoothing = Parse.Number(
        "--label-smoothing", Format($"Probability spread over all classes (default {Default.LabelSmoothing})"), 0f, 1f, belowMaximum: true);
    private readonly Option<float?> _warmup = Parse.Number(
        "--warmup",
        Format($"Share of the steps in which the learning rate rises (default {Default.WarmupShare} for the last layer, {Network.WarmupShare} for more)"), 0f,
        1f, belowMaximum: true);
    private readonly Option<int?> _patience = Parse.Number(
        "--patience",
        $"Stop after this many epochs without a better validation result, 0 for never (default {Default.EarlyStoppingPatience} for the last layer, never for "
        + $"more)", 0, 100_000);
    private readonly Option<string> _balance = Parse.Word(
        "--balance", "Whether every class counts the same, however many images it has (default weighted)", "weighted", "none");
    private readonly Option<string> _augment = new("--augment")
    {
        Description =
            "Random changes to the training images, new in each epoch (for the last layer: in each view): flip, crop, color, comma-separated, or none "
            + "(default none for the last layer, flip,crop for more)",
        HelpName = "flip,crop,color",
    };
    private readonly Option<int?> _views = Parse.Number(
        "--views", $"Views of each training image with --augment, including the unchanged one (default {DefaultViews})", 2, 64);
    private readonly Option<double?> _validation = Parse.Number(
        "--validation", "Share of each class set aside for validation, unless the data is already split (default 0.2)", 0.001, 0.9);
    private readonly Option<ulong?> _seed = Parse.Number("--seed", "The same seed gives the same result (default 1)", 0ul, ulong.MaxValue);

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _update, _keepClasses, _noRehearsal,
                _logits, _epochs, _batch, _rate, _optimizer, _momentum, _weightDecay, _smoothing, _warmup, _patience, _balance, _augment,
                _views, _validation, _seed,
        })
        {
            command.Add(option);
        }

        _network.AddTo(command);
    }

    /// <summary>Those of the options that change what a run needs, which are all that a plan asks for.</summary>
    public void AddPlannedTo(Command command)
    {
        foreach (Option option in new Option[] { _keepClasses, _batch, _optimizer, _augment, _views }) command.Add(option);
        _network.AddPlannedTo(command);
    }

    /// <summary>What is to be trained.</summary>
    public UpdatePolicy Policy(ParseResult parsed) => parsed.GetValue(_update) ?? UpdatePolicy.Last;

    /// <summary>Whether the model's own classes stay.</summary>
    public bool KeepsClasses(ParseResult parsed) => parsed.GetValue(_keepClasses);

    /// <summary>The bound of all that a run adds to the process; null for none.</summary>
    public long? Memory(ParseResult parsed) => _network.Memory(parsed);

    /// <summary>Whether a network is to compute in 8-bit integers, whatever it was.</summary>
    public bool QuantizesAll(ParseResult parsed) => _network.QuantizesAll(parsed);

    /// <summary>Whether a compression was given.</summary>
    public bool IsCompressed(SymbolResult result) => _network.IsCompressed(result);

    /// <summary>Whether the layers before the first trained one are to run in 8-bit integers.</summary>
    public bool QuantizesFrozen(ParseResult parsed) => _network.QuantizesFrozen(parsed);

    /// <exception cref="UsageException">Options that do not go together.</exception>
    public TuningOptions Read(ParseResult parsed, Preprocessing? preprocessing, CompileOptions compile, string? cache) =>
        Read(parsed, Policy(parsed), preprocessing, compile, cache);

    /// <summary>What a run would be told, for a plan of it. In a comparison an option holds for the policies that know it.</summary>
    /// <exception cref="UsageException">Options that do not go together.</exception>
    public TuningOptions ReadPlanned(ParseResult parsed, UpdatePolicy policy, bool isCompared, CompileOptions compile)
    {
        if (policy.Kind == UpdateKind.Last) return isCompared ? ReadLastLayer(parsed, null, compile, null) : Read(parsed, policy, null, compile, null);
        if (!isCompared) CheckNetwork(parsed);
        return ReadNetwork(parsed, policy, null, compile, null);
    }

    /// <summary>How gradients become updates.</summary>
    public OptimizerKind Optimizer(ParseResult parsed) =>
        parsed.GetValue(_optimizer) is { } kind ? Enum.Parse<OptimizerKind>(kind, ignoreCase: true) : Default.Optimizer.Kind;

    /// <summary>How a network is trained, whether tuned or from scratch.</summary>
    public TrainerOptions ReadTrainer(ParseResult parsed, UpdatePolicy policy)
    {
        bool scratch = policy.Kind == UpdateKind.Scratch;
        return _network.Read(parsed, Network with
        {
            Policy = policy,
            OutputLogits = parsed.GetValue(_logits),
            Epochs = parsed.GetValue(_epochs) ?? Network.Epochs,
            BatchSize = parsed.GetValue(_batch) ?? Network.BatchSize,
            LearningRate = parsed.GetValue(_rate),
            Optimizer = Network.Optimizer with
            {
                Kind = Optimizer(parsed),
                Momentum = parsed.GetValue(_momentum) ?? Network.Optimizer.Momentum,
                WeightDecay = parsed.GetValue(_weightDecay),
            },
            LabelSmoothing = parsed.GetValue(_smoothing) ?? Network.LabelSmoothing,
            WarmupShare = parsed.GetValue(_warmup) ?? Network.WarmupShare,
            EarlyStoppingPatience = parsed.GetValue(_patience) ?? Network.EarlyStoppingPatience,
            ClassBalance = parsed.GetValue(_balance) == "none" ? ClassBalance.None : ClassBalance.Weighted,
            Augmentation = ReadAugmentation(parsed.GetValue(_augment) ?? (scratch ? "none" : "flip,crop")),
            Seed = parsed.GetValue(_seed) ?? 1,
        });
    }

    /// <summary>Share of each class set aside for validation.</summary>
    public double ValidationShare(ParseResult parsed) => parsed.GetValue(_validation) ?? 0.2;

    /// <summary>The options of <c>train</c>: those of tuning that concern a last layer alone are left out.</summary>
    public void AddTrainerTo(Command command)
    {
        _epochs.Description = $"Passes over the training images (default {Network.Epochs})";
        _patience.Description = "Stop after this many epochs without a better validation result, 0 for never (default 0)";
        _augment.Description =
            "Random changes to the training images, new in each epoch: flip, crop, color, comma-separated, or none (default none, with --weights flip,crop)";
        _weightDecay.Description = "Weight decay (default 0.01 for adamw, else 0.0001)";
        _warmup.Description = Format($"Share of the steps in which the learning rate rises (default {Network.WarmupShare})");
        foreach (Option option in new Option[] { _logits, _epochs, _batch, _rate, _optimizer, _momentum, _weightDecay, _smoothing, _warmup, _patience, _balance,
            _augment, _validation, _seed })
            command.Add(option);
        _network.AddTo(command);
    }

    private TuningOptions Read(ParseResult parsed, UpdatePolicy policy, Preprocessing? preprocessing, CompileOptions compile, string? cache)
    {
        if (policy.Kind == UpdateKind.Scratch)
        {
            throw new UsageException(
                "--update scratch discards the model's weights, so there is nothing to tune; 'thomas train' trains an architecture from scratch.");
        }

        if (policy.Kind != UpdateKind.Last)
        {
            CheckNetwork(parsed);
            return ReadNetwork(parsed, policy, preprocessing, compile, cache);
        }

        if (_network.FirstGiven(parsed) is string option)
        {
            if (QuantizesFrozen(parsed)) throw new UsageException("--update last keeps no activations: give --compress frozen alone, or another --update.");
            throw new UsageException($"{option} only applies to training more than the last layer; add --update, for example --update all.");
        }

        return ReadLastLayer(parsed, preprocessing, compile, cache);
    }

    private TuningOptions ReadLastLayer(ParseResult parsed, Preprocessing? preprocessing, CompileOptions compile, string? cache)
    {
        Augmentation augmentation = ReadAugmentation(parsed.GetValue(_augment) ?? "none");
        int? views = parsed.GetValue(_views);
        if (views is not null && augmentation.IsNone) throw new UsageException("--views needs --augment: without changes all views of an image are the same.");
        ulong seed = parsed.GetValue(_seed) ?? 1;
        return new TuningOptions
        {
            KeepClasses = parsed.GetValue(_keepClasses),
            StoresRehearsal = !parsed.GetValue(_noRehearsal),
            OutputLogits = parsed.GetValue(_logits),
            Head = Default with
            {
                Epochs = parsed.GetValue(_epochs) ?? Default.Epochs,
                BatchSize = parsed.GetValue(_batch) ?? Default.BatchSize,
                LearningRate = parsed.GetValue(_rate),
                Optimizer = Default.Optimizer with
                {
                    Kind = Optimizer(parsed),
                    Momentum = parsed.GetValue(_momentum) ?? Default.Optimizer.Momentum,
                    WeightDecay = parsed.GetValue(_weightDecay),
                },
                LabelSmoothing = parsed.GetValue(_smoothing) ?? Default.LabelSmoothing,
                WarmupShare = parsed.GetValue(_warmup) ?? Default.WarmupShare,
                EarlyStoppingPatience = parsed.GetValue(_patience) ?? Default.EarlyStoppingPatience,
                ClassBalance = parsed.GetValue(_balance) == "none" ? ClassBalance.None : ClassBalance.Weighted,
                Seed = seed,
            },
            ValidationShare = parsed.GetValue(_validation) ?? 0.2,
            Seed = seed,
            Augmentation = augmentation,
            Views = augmentation.IsNone ? 1 : views ?? DefaultViews,
            MemoryBytes = Memory(parsed),
            Preprocessing = preprocessing,
            Compile = compile,
            CacheDirectory = cache,
        };
    }

    private TuningOptions ReadNetwork(ParseResult parsed, UpdatePolicy policy, Preprocessing? preprocessing, CompileOptions compile, string? cache)
    {
        TrainerOptions network = ReadTrainer(parsed, policy);
        return new TuningOptions
        {
            Head = Default with { ClassBalance = network.ClassBalance, Seed = network.Seed },
            Network = network,
            StoresRehearsal = !parsed.GetValue(_noRehearsal),
            OutputLogits = network.OutputLogits,
            MemoryBytes = Memory(parsed),
            ValidationShare = ValidationShare(parsed),
            Seed = network.Seed,
            Preprocessing = preprocessing,
            Compile = compile,
            CacheDirectory = cache,
        };
    }

    /// <exception cref="UsageException">An option of the last layer alone.</exception>
    private void CheckNetwork(ParseResult parsed)
    {
        if (parsed.GetValue(_keepClasses))
        {
            throw new UsageException("--keep-classes works with --update last only: training other layers would change the old classes.");
        }

        if (parsed.GetValue(_views) is not null)
        {
            throw new UsageException("--views works with --update last only: the other policies change every image differently in each epoch.");
        }
    }

    private static Augmentation ReadAugmentation(string text)
    {
        Augmentation augmentation = new();
        foreach (string part in text == "none" ? [] : text.Split(','))
        {
            augmentation = part.Trim() switch
            {
                "flip" => augmentation with { Flip = true },
                "crop" => augmentation with { MinimumCropScale = TuningDefaults.CropScale },
                "color" => augmentation with { Color = ColorStrength },
                string other => throw new UsageException($"--augment contains '{other}'; it takes flip, crop and color, comma-separated, or none."),
            };
        }

        return augmentation;
    }

    private static string Format(FormattableString text) => FormattableString.Invariant(text);
}
