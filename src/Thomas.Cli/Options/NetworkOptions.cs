using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using Thomas.App;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>How more than the last layer is trained: what <c>tune</c> with an update policy and <c>train</c> share.</summary>
internal sealed class NetworkOptions
{
    private const string Frozen = "frozen", Int8 = "int8";

    private static readonly TrainerOptions Default = new();

    private readonly Option<string> _batchNorm = Parse.Word(
        "--bn",
        "Statistics of the model's batch normalization, if any: the file's, folded into the weights, or each batch's (default frozen, from scratch live)",
        "frozen", "live");
    private readonly Option<long?> _memory = Parse.Size(
        "--memory",
        "Most memory that the run may add to the process at any time, for example 96MiB: micro-batches and recomputation are chosen to fit, or the "
        + "error names the smallest bound that works");
    private readonly Option<string> _compress = Parse.Word(
        "--compress",
        "What is kept in fewer bits: half keeps activations for the backward pass as bfloat16, in half the memory, half:fp16 as IEEE binary16; auto allows "
        + "half where --memory bounds the run and it pays; frozen runs the layers before the first one that is trained in 8-bit integers, on grids that some "
        + "training images set; frozen,half does both; int8 trains in 8-bit integers and writes an 8-bit network (default none: float32)",
        [.. CompressionNames.Words, Frozen, $"{Frozen},half", $"{Frozen},half:fp16"]);
    private readonly Option<float?> _bodyRate = Parse.Number(
        "--body-rate",
        "Learning rate of the layers before the last one, as a share of its rate (default 0.2, for sgd 0.1; with bias and norm 1, for sgd 0.3; from "
        + "scratch 1)", 0f, 100f);
    private readonly Option<float?> _clip = Parse.Number("--clip", "Bound on the global norm of the gradients (default none)", 1e-6f, 1e6f);
    private readonly Option<float?> _average = Parse.Number(
        "--average", "Keep a moving average of the weights with this decay, for example 0.99 (default none)", 0.001f, 0.99999f);
    private readonly Option<float?> _dropout = Parse.Number(
        "--dropout", "Share of the last layer's inputs set to zero in training (default 0)", 0f, 1f, belowMaximum: true);
    private readonly Option<float?> _mixup = Parse.Number("--mixup", "Mix pairs of images, with shares drawn from Beta(a, a) (default off)", 0f, 100f);
    private readonly Option<float?> _cutMix = Parse.Number(
        "--cutmix", "Paste a part of another image, with an area drawn from Beta(a, a) (default off)", 0f, 100f);
    private readonly Option<string> _schedule = new("--schedule")
    {
        Description = "How the learning rate falls: cosine, or steps:N to divide it by 10 every N epochs (default cosine)",
        HelpName = "cosine|steps:N",
    };
    private readonly Option<string> _checkpoint = new("--checkpoint")
    {
        Description = "File to resume training from, written after each epoch, every five minutes and on Ctrl-C",
        HelpName = "file",
    };
    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Continue from the checkpoint, if there is one; --epochs may be another number, to give a finished run more",
    };
    private readonly Option<bool> _newImages = new("--new-images")
    {
        Description = "With --resume: continue also if the images are not those of the run so far; the classes must be the same",
    };

    private Option[] OfNetwork =>
        [_batchNorm, _compress, _bodyRate, _clip, _average, _dropout, _mixup, _cutMix, _schedule, _checkpoint, _resume, _newImages];

    public void AddTo(Command command)
    {
        command.Add(_memory);
        foreach (Option option in OfNetwork) command.Add(option);
    }

    /// <summary>Those of the options that change what a run needs.</summary>
    public void AddPlannedTo(Command command)
    {
        foreach (Option option in new Option[] { _batchNorm, _memory, _compress, _clip, _average, _dropout }) command.Add(option);
    }

    /// <summary>The bound of all that a run adds to the process.</summary>
    public long? Memory(ParseResult parsed) => parsed.GetValue(_memory);

    /// <summary>Whether a network is to compute in 8-bit integers, whatever it was.</summary>
    public bool QuantizesAll(ParseResult parsed) => parsed.GetValue(_compress) == Int8;

    /// <summary>Whether a compression was given.</summary>
    public bool IsCompressed(SymbolResult result) => result.GetResult(_compress) is { Implicit: false };

    /// <summary>Whether the layers before the first trained one are to run in 8-bit integers.</summary>
    public bool QuantizesFrozen(ParseResult parsed) => parsed.GetValue(_compress)?.StartsWith(Frozen, StringComparison.Ordinal) == true;

    /// <summary>The first of the options that are about a network alone; null if none was given.</summary>
    public string? FirstGiven(ParseResult parsed)
    {
        foreach (Option option in OfNetwork)
        {
            if (option == _compress && parsed.GetValue(_compress) is Frozen or Int8) continue;
            if (parsed.GetResult(option) is { Implicit: false }) return option.Name;
        }

        return null;
    }

    /// <summary>Adds these options to others.</summary>
    /// <exception cref="UsageException">Options that do not go together.</exception>
    public TrainerOptions Read(ParseResult parsed, TrainerOptions options)
    {
        string? checkpoint = parsed.GetValue(_checkpoint);
        bool resume = parsed.GetValue(_resume);
        if (resume && checkpoint is null) throw new UsageException("--resume needs --checkpoint: the file to continue from.");
        bool newImages = parsed.GetValue(_newImages);
        if (newImages && !resume) throw new UsageException("--new-images needs --resume: it lets a run continue with other images.");
        if (checkpoint is not null) CheckCheckpoint(checkpoint, resume);
        if (QuantizesAll(parsed) && parsed.GetValue(_batchNorm) == "live")
        {
            throw new UsageException("--bn live does not go with --compress int8: a network of 8 bits has its batch normalization in its weights.");
        }

        (RateDecay decay, int epochs) = ReadSchedule(parsed.GetValue(_schedule));
        return options with
        {
            BatchNorm = parsed.GetValue(_batchNorm) switch { "live" => BatchNormMode.Live, "frozen" => BatchNormMode.Frozen, _ => options.BatchNorm },
            Optimizer = options.Optimizer with
            {
                BodyRate = parsed.GetValue(_bodyRate) ?? options.Optimizer.BodyRate,
                ClipNorm = parsed.GetValue(_clip),
                AverageDecay = parsed.GetValue(_average),
            },
            Compression = CompressionNames.TryParse(KeptWord(parsed), out Compression compression) ? compression : options.Compression,
            Dropout = parsed.GetValue(_dropout) ?? options.Dropout,
            Mixup = parsed.GetValue(_mixup) ?? Default.Mixup,
            CutMix = parsed.GetValue(_cutMix) ?? Default.CutMix,
            Decay = decay,
            DecayEpochs = epochs,
            CheckpointPath = checkpoint,
            Resume = resume,
            NewImages = newImages,
        };
    }

    /// <summary>The word for what is kept of activations.</summary>
    private string? KeptWord(ParseResult parsed)
    {
        string? word = parsed.GetValue(_compress);
        return QuantizesFrozen(parsed) ? word!.Length > Frozen.Length ? word[(Frozen.Length + 1)..] : null : word;
    }

    /// <summary>A checkpoint replaces nothing but a checkpoint, and that only if training goes on from it.</summary>
    private static void CheckCheckpoint(string path, bool resume)
    {
        if (path.Length == 0 || Directory.Exists(path)) throw new UsageException($"--checkpoint is '{path}'; it must be a file name.");
        if (File.Exists(path))
        {
            if (!Trainer.IsCheckpoint(path))
            {
                throw new OutputException($"'{path}' exists and is not a checkpoint; choose another name for --checkpoint.");
            }

            if (!resume) throw new OutputException($"The checkpoint '{path}' already exists: continue from it with --resume, or delete it to start again.");
        }

        OutputFile.TryWriting(path);
    }

    private static (RateDecay Decay, int Epochs) ReadSchedule(string? text)
    {
        if (text is null or "cosine") return (RateDecay.Cosine, Default.DecayEpochs);
        if (text.StartsWith("steps:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(6), out int epochs) && epochs > 0) return (RateDecay.Steps, epochs);
        throw new UsageException($"--schedule is '{text}'; it must be cosine, or steps:N with a whole number of epochs.");
    }
}
