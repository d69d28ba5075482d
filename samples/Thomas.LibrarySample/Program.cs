using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.LibrarySample;

/// <summary>The samples of docs/library.md, as a program: <c>dotnet run -- MODEL FOLDER</c> with a folder of images for each class.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args.Length != 2)
        {
            Console.Error.WriteLine("usage: Thomas.LibrarySample MODEL FOLDER");
            return 2;
        }

        try
        {
            Classify(args[0], Directory.GetFiles(args[1], "*.jpg", SearchOption.AllDirectories)[0]);
            await TuneAsync(args[0], args[1], default);
            CheckImages(args[0], args[1]);
            LookAtImages("tuned.tflite", args[1]);
            TuneWithinMemory(args[0], args[1]);
            TuneSparingly(args[0], args[1], new Phone(31.5, 0.8, false));
            await TeachAsync(args[0], args[1], default);
            TrainFromScratch(args[1]);
            return 0;
        }
        catch (ThomasException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static void Classify(string path, string photo)
    {
        Model model = Model.Load(path);
        using ImageClassifier classifier = new(model);
        foreach (ClassScore score in classifier.Classify(ImageDecoders.Best(), File.ReadAllBytes(photo), top: 3))
            Console.WriteLine($"{score.Label} {score.Probability:P1}");

        Recognition answer = classifier.Recognize(ImageDecoders.Best(), File.ReadAllBytes(photo));
        Console.WriteLine(answer.IsUnknown ? $"unknown, nearest to {answer.Scores[0].Label}" : answer.Scores[0].Label);
    }

    private static async Task TuneAsync(string path, string folder, CancellationToken cancellation)
    {
        Model model = Model.Load(path, cancellation);
        Dataset images = DatasetLoader.Load(folder);
        ImmediateProgress<StageProgress> stages = new(stage => Console.WriteLine($"{stage.Stage} {stage.Done} of {stage.Total}"));
        ImmediateProgress<EpochReport> epochs = new(epoch => Console.WriteLine($"epoch {epoch.Epoch}: {epoch.ValidationAccuracy:P1}"));
        TuningOptions options = new() { CacheDirectory = "cache" };
        TuningResult result = await Tuner.TuneAsync(model, images, ImageDecoders.Best(), options, stages, epochs, cancellation);
        Console.WriteLine($"{result.Before.Accuracy:P1} before, {result.After.Accuracy:P1} after ({result.After.AccuracyInterval})");
        foreach (string warning in result.Warnings) Console.WriteLine(warning);
        result.Model.Save("tuned.tflite");
    }

    private static void CheckImages(string path, string folder)
    {
        Dataset images = DatasetLoader.Load(folder);
        DatasetCheckOptions options = new() { Model = Model.Load(path) };
        DatasetCheckResult check = DatasetCheck.Run(images, ImageDecoders.Best(), options);
        foreach (DatasetFinding finding in check.Findings)
        {
            string image = finding.Images.Count > 0 ? finding.Images[0].Image.Name : images.Name;
            if (finding.IsWarning) Console.WriteLine($"{finding.Kind}: {image}: {finding.Message}");
        }
    }

    private static void LookAtImages(string path, string folder)
    {
        Model model = Model.Load(path);
        Dataset images = DatasetLoader.Load(folder);
        IImageDecoder decoder = ImageDecoders.Best();
        Evaluation evaluation = Evaluator.Evaluate(model, images, decoder);
        using ImageExplainer explainer = new(model);
        foreach (ImagePrediction worst in ImagePrediction.WorstFirst(evaluation.Predictions))
        {
            if (worst.IsCorrect) continue;
            string truth = evaluation.Labels[worst.Actual], taken = evaluation.Labels[worst.Predicted];
            Console.WriteLine($"{worst.Image.Name}: {truth} taken for {taken} {worst.PredictedProbability:P0}");
            ClassActivation map = explainer.Explain(decoder.Decode(File.ReadAllBytes(worst.Image.Name), minimumShortSide: 512), worst.Predicted);
            float[] heat = map.ToHeat(224, 224);
        }

        foreach (LabelSuspect suspect in LabelAudit.Run(model, images, decoder))
            if (suspect.IsConvincing) Console.WriteLine($"{suspect.Sample.Image.Name}: {images.ClassNames[suspect.Suggested]}?");
    }

    private static void TuneWithinMemory(string path, string folder)
    {
        Model model = Model.Load(path);
        Dataset images = DatasetLoader.Load(folder);
        TuningOptions options = new()
        {
            MemoryBytes = 128L << 20,
            CacheDirectory = "cache",
            Network = new TrainerOptions { Policy = UpdatePolicy.All, Epochs = 5, CheckpointPath = "tuning.checkpoint", Resume = true },
            Compile = new CompileOptions { Threads = 2 },
        };
        Console.WriteLine(Tuner.Plan(model, images, options).ToText());
        TuningResult result = Tuner.Tune(model, images, ImageDecoders.Best(), options);
        result.Model.Save("tuned.onnx");
    }

    private static void TuneSparingly(string path, string folder, Phone phone)
    {
        Model model = Model.Load(path);
        Dataset images = DatasetLoader.Load(folder);
        Progress<StageProgress> progress = new(static report =>
        {
            if (report.Pause != PauseState.None) Console.WriteLine(report.Message);
        });
        TuningOptions options = new()
        {
            Guard = new RunGuard
            {
                MaximumTemperature = 42,
                MinimumBattery = 0.2,
                Read = () => new GuardReading { Temperature = phone.BatteryCelsius, Battery = phone.BatteryShare, IsCharging = phone.IsPluggedIn },
            },
        };
        TuningResult result = Tuner.Tune(model, images, ImageDecoders.Best(), options, progress);
        if (result.Pauses is { Count: > 0 } pauses) Console.WriteLine($"{pauses.Duration}: {string.Join("; ", pauses.Reasons)}");
    }

    private static async Task TeachAsync(string path, string folder, CancellationToken cancellation)
    {
        using TuningSession session = TuningSession.Open(
            "my-session", Model.Load(path, cancellation), ImageDecoders.Best(), new TuningSessionOptions { ModelFile = path });
        foreach (string notice in session.Notices) Console.WriteLine(notice);
        foreach (string file in Directory.GetFiles(folder, "*.jpg", SearchOption.AllDirectories))
            session.Add(Path.GetFileName(Path.GetDirectoryName(file)!), file);
        session.Undo();
        session.Redo();

        TuningSessionReport report = await session.TrainAsync(cancellation: cancellation);
        Console.WriteLine($"{report.After?.Accuracy:P1} of {report.Checked}");
        RgbImage frame = new(640, 480, new byte[640 * 480 * 3]);
        foreach (ClassScore score in session.Classify(frame)) Console.WriteLine($"{score.Label} {score.Probability:P0}");
        session.ToModel().Save("taught.tflite");
    }

    private static void TrainFromScratch(string folder)
    {
        if (!ArchitectureCatalog.TryFind("mobilenet-v1", out Architecture? architecture)) return;
        Dataset images = DatasetLoader.Load(folder);
        if (!images.Has(Subset.Validation)) images = Split.Stratified(images, validationShare: 0.2, seed: 1);
        IImageDecoder decoder = ImageDecoders.Best();
        Preprocessing preprocessing = Preprocessing.Preset("imagenet", 96, 96);
        Model network = new(
            architecture.Build(new ArchitectureOptions { Classes = images.ClassNames.Count, Height = 96, Width = 96, WidthMultiplier = 0.25f, Seed = 1 }),
            new ModelInfo { Name = architecture.Name, Labels = images.ClassNames, Preprocessing = preprocessing });
        using PreparedSet train = PreparedSet.Create(images.Only(Subset.Train), decoder, new PreparedSetOptions { Preprocessing = preprocessing });
        using PreparedSet validation = PreparedSet.Create(images.Only(Subset.Validation), decoder, new PreparedSetOptions { Preprocessing = preprocessing });
        TrainerResult result = Trainer.Train(network, train, validation, new TrainerOptions
        {
            Policy = new UpdatePolicy(UpdateKind.Scratch),
            Epochs = 30,
            BatchSize = 32,
        });
        result.Model.Save("scratch.tflite");
    }

    /// <summary>What an app knows of its phone.</summary>
    private sealed record Phone(double BatteryCelsius, double BatteryShare, bool IsPluggedIn);
}
