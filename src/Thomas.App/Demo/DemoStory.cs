using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.App.Demo;

/// <summary>
/// LeNet-5 learns drawn digits, then letters from few examples: by several update policies, and from random weights with the same images and as many steps. The
/// story is that of TransferCL's demonstration, which tunes the last layer of LeNet-5 with 128 images and tests it on the same; here, other images count.
/// </summary>
internal sealed class DemoStory(DemoSettings settings, CancellationToken cancellation)
{
    /// <summary>The policy whose model is saved. Fixed beforehand: choosing it by the test letters would make its accuracy look better than it is.</summary>
    public const string Kept = "all";

    /// <summary>The comparison: every parameter from random weights.</summary>
    public const string Scratch = "scratch";

    // Found on letters of other seeds than the default: each policy, and training from scratch, is within a point of its own best rate here, so one rate is
    // fair to all.
    private const float LearningRate = 0.03f;

    private static readonly Preprocessing Input =
        Preprocessing.Preset("unit", HandwrittenSet.Side, HandwrittenSet.Side) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };

    private static readonly OptimizerOptions Optimizer = new() { Kind = OptimizerKind.Sgd, Momentum = 0.9f, BodyRate = 1 };

    private readonly IImageDecoder _decoder = ImageDecoders.Best();

    /// <summary>What is compared, in the order of the table.</summary>
    public static IReadOnlyList<string> Policies { get; } = ["last", "last:2", "bias", Kept, Scratch];

    /// <summary>LeNet-5 with random weights.</summary>
    public Model NewNetwork(string characters) => new(
        LeNet5.Architecture.Build(new ArchitectureOptions { Classes = characters.Length, Seed = settings.Seed }),
        new ModelInfo { Name = "LeNet-5", Labels = LabelsOf(characters), Preprocessing = Input });

    /// <summary>Draws digits and teaches them to a new network.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public DemoDigits LearnDigits(IProgressDisplay progress)
    {
        HandwrittenSet drawn = settings.DrawTrainingDigits();
        using PreparedSet train = Prepare(drawn);
        TrainerOptions options = Options(UpdatePolicy.All, settings.DigitEpochs);
        EpochRelay epochs = new(progress, settings.DigitEpochs);
        long start = Stopwatch.GetTimestamp();
        TrainerResult result = Train(NewNetwork(HandwrittenSet.Digits), train, options, epochs, new StageRelay(progress, "digits"));
        TimeSpan duration = Stopwatch.GetElapsedTime(start);
        return new DemoDigits(drawn, result, Evaluate(result.Model, settings.DrawTestDigits().ToDataset()), duration);
    }

    /// <summary>Tunes the network to letters by each policy, and a new network for comparison.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<DemoTuning> LearnLetters(Model digits, HandwrittenSet letters, HandwrittenSet test, IProgressDisplay progress)
    {
        Model tunable = Tuner.WithNewHead(digits, LabelsOf(letters.Characters)), fresh = NewNetwork(letters.Characters);
        Dataset own = letters.ToDataset(), unseen = test.ToDataset();
        ConfusionMatrix tunableBefore = Evaluate(tunable, unseen), freshBefore = Evaluate(fresh, unseen);
        using PreparedSet train = Prepare(letters);
        List<DemoTuning> tunings = [];
        foreach (string name in Policies)
        {
            bool isScratch = name == Scratch;
            Model model = isScratch ? fresh : tunable;
            TrainerOptions options = Options(PolicyOf(name), settings.LetterEpochs);
            TrainingPlan plan = TrainingPlanner.Plan(model, new TrainingPlanOptions
            {
                Policy = options.Policy,
                Optimizer = options.Optimizer,
                Batch = options.BatchSize,
                Compile = options.Compile,
            });
            long start = Stopwatch.GetTimestamp();
            TrainerResult result = Train(model, train, options, null, new StageRelay(progress, isScratch ? name : $"tune {name}"));
            TimeSpan duration = Stopwatch.GetElapsedTime(start);
            ConfusionMatrix after = Evaluate(result.Model, unseen), learned = Evaluate(result.Model, own);
            tunings.Add(
                new DemoTuning(
                    name, result.Model, result.TrainedParameters, isScratch ? freshBefore : tunableBefore, after, learned, duration, plan.Memory.Total,
                    result.Notes));
        }

        return tunings;
    }

    // The new network is random already: its weights are those that are measured before, so the trainer must not draw others.
    private static UpdatePolicy PolicyOf(string name) =>
        name == Scratch ? UpdatePolicy.All
        : UpdatePolicy.TryParse(name, out UpdatePolicy policy) ? policy
        : throw new ArgumentException($"'{name}' is not an update policy.", nameof(name));

    private static string[] LabelsOf(string characters)
    {
        string[] labels = new string[characters.Length];
        for (int i = 0; i < labels.Length; i++) labels[i] = characters[i].ToString();
        return labels;
    }

    private TrainerOptions Options(UpdatePolicy policy, int epochs) => new()
    {
        Policy = policy,
        Epochs = epochs,
        BatchSize = settings.BatchSize,
        Optimizer = Optimizer,
        LearningRate = LearningRate,
        Seed = settings.Seed,
        Compile = settings.Compile,
    };

    private PreparedSet Prepare(HandwrittenSet drawn) =>
        PreparedSet.Create(
            drawn.ToDataset(), _decoder, new PreparedSetOptions { Preprocessing = Input, Threads = settings.Compile.Threads }, null, cancellation);

    /// <summary>Half a training is no part of the story: unlike the trainer, a cancelled one ends here.</summary>
    private TrainerResult Train(Model model, PreparedSet train, TrainerOptions options, EpochRelay? epochs, StageRelay stages)
    {
        TrainerResult result = Trainer.Train(model, train, null, options, epochs, stages, cancellation);
        if (result.Cancelled) throw new OperationCanceledException(cancellation);
        return result;
    }

    private ConfusionMatrix Evaluate(Model model, Dataset data) =>
        Evaluator.Evaluate(model, data, _decoder, new EvaluationOptions { Compile = settings.Compile }, null, cancellation).Confusion;

    /// <summary>Shows training under the name of what is trained; the rest takes no time worth showing.</summary>
    private sealed class StageRelay(IProgressDisplay display, string title) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == "train") display.Report(value with { Stage = title });
        }
    }
}
