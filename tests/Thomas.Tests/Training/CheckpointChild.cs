using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>A training run in a process of its own, to be killed at any moment and started again.</summary>
internal static class CheckpointChild
{
    public const string Command = "checkpoint-child", StepDone = "step";

    public static TrainerOptions Options { get; } = TrainerJob.Options with { Epochs = 12, CheckpointSteps = 1, WatchdogSteps = 3, Augmentation = new Augmentation { Flip = true } };

    public static string CheckpointOf(string folder) => Path.Combine(folder, "run.checkpoint");

    public static string ResultOf(string folder) => Path.Combine(folder, "result");

    /// <summary>Trains, or goes on training, and leaves the weights. Says so after each step, before its checkpoint is written.</summary>
    public static int Run(string folder)
    {
        using TrainerJob job = new();
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train") Console.Out.WriteLine(StepDone);
        });
        TrainerResult result = job.Run(Options with { CheckpointPath = CheckpointOf(folder), Resume = true }, progress: progress);
        File.WriteAllBytes(ResultOf(folder), MemoryMarshal.AsBytes<int>(TrainerJob.Bits(result.Model)).ToArray());
        return 0;
    }

    /// <summary>Starts the run.</summary>
    public static Process Start(string folder)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(CheckpointChild).Assembly.Location);
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(folder);
        return Process.Start(start)!;
    }
}
