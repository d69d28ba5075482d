using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Data;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>A training run in a process of its own, to be killed at any moment and started again.</summary>
internal static class CheckpointChild
{
    public const string Command = "checkpoint-child", StepDone = "step";

    /// <summary>
    /// What a run does: training alone, told step by step; or all of what the commands train and tune do, up to the saved model, the first also on a device
    /// with memory of its own; or two such runs of training, the second of which goes on from the first with more epochs and more images.
    /// </summary>
    public const string Steps = "steps", Train = "train", TrainElsewhere = "train-elsewhere", Tune = "tune", Continue = "continue";

    public static TrainerOptions Options { get; } = TrainerJob.Options with
    {
        Epochs = 12,
        CheckpointSteps = 1,
        WatchdogSteps = 3,
        Augmentation = new Augmentation { Flip = true },
    };

    public static string CheckpointOf(string folder) => Path.Combine(folder, "run.checkpoint");

    public static string ResultOf(string folder) => Path.Combine(folder, "result");

    /// <summary>The model that <see cref="Train"/> and <see cref="Tune"/> save.</summary>
    public static string ModelOf(string folder) => Path.Combine(folder, "model.tflite");

    public static string CacheOf(string folder) => Path.Combine(folder, "cache");

    /// <summary>Trains, or goes on training, and leaves the result.</summary>
    public static int Run(string folder, string kind)
    {
        if (kind == Train) TrainAndSave(folder, Options.Compile);
        else if (kind == TrainElsewhere) TrainAndSave(folder, new CompileOptions { OtherDevice = MockDevice.Serial(OpCatalog.Conv2dFilterGradient) });
        else if (kind == Continue) TrainAndContinue(folder);
        else if (kind == Tune) TuneAndSave(folder);
        else RunSteps(folder);
        return 0;
    }

    /// <summary>Starts the run.</summary>
    public static Process Start(string folder, string kind = Steps)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(CheckpointChild).Assembly.Location);
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(folder);
        start.ArgumentList.Add(kind);
        return Process.Start(start)!;
    }

    /// <summary>Says so after each step, before its checkpoint is written.</summary>
    private static void RunSteps(string folder)
    {
        using TrainerJob job = new();
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train") Console.Out.WriteLine(StepDone);
        });
        TrainerResult result = job.Run(Options with { CheckpointPath = CheckpointOf(folder), Resume = true }, progress: progress);
        File.WriteAllBytes(ResultOf(folder), MemoryMarshal.AsBytes<int>(TrainerJob.Bits(result.Model)).ToArray());
    }

    private static void TrainAndContinue(string folder)
    {
        // The images of the second run are there once the first is finished.
        string arrived = Path.Combine(folder, "arrived");
        if (!File.Exists(arrived))
        {
            TrainAndSave(folder, Options.Compile);
            File.WriteAllText(arrived, "");
        }

        TrainAndSave(folder, Options.Compile, imagesPerClass: 14, epochs: 20);
    }

    private static void TrainAndSave(string folder, CompileOptions compile, int imagesPerClass = 10, int? epochs = null)
    {
        PreparedSetOptions options = new()
        {
            Preprocessing = Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 },
            CacheDirectory = CacheOf(folder),
            Threads = 1,
        };
        using PreparedSet train = PreparedSet.Create(TinyModels.Images(imagesPerClass, 1, TrainerJob.Classes).ToDataset(), new NoDecoder(), options);
        using PreparedSet validation = PreparedSet.Create(TinyModels.Images(4, 2, TrainerJob.Classes).ToDataset(), new NoDecoder(), options);
        TrainerResult result = Trainer.Train(TrainerJob.Model(), train, validation, Options with
        {
            Compile = compile,
            Epochs = epochs ?? Options.Epochs,
            CheckpointPath = CheckpointOf(folder),
            Resume = true,
            NewImages = epochs is not null,
        }, null, null, default);
        result.Model.Save(ModelOf(folder));
    }

    private static void TuneAndSave(string folder)
    {
        TuningOptions options = new()
        {
            CacheDirectory = CacheOf(folder),
            Compile = TrainerJob.Options.Compile,
            Head = TrainerOptions.LastLayer with { Epochs = 5 },
            Network = Options with { CheckpointPath = CheckpointOf(folder), Resume = true },
        };
        TuningResult result = Tuner.Tune(TrainerJob.Model(), TinyModels.Images(12, 1, TrainerJob.Classes).ToDataset(), new NoDecoder(), options);
        result.Model.Save(ModelOf(folder));
    }
}
