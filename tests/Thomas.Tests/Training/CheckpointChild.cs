using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>A training run in a process of its own, to be killed at any moment and started again.</summary>
internal static class CheckpointChild
{
    public const string Command = "checkpoint-child", Ready = "training";

    public static TrainerOptions Options { get; } = TrainerJob.Options with { Epochs = 12, CheckpointSteps = 1, WatchdogSteps = 3, Augmentation = new Augmentation { Flip = true } };

    public static string CheckpointOf(string folder) => Path.Combine(folder, "run.checkpoint");

    public static string ResultOf(string folder) => Path.Combine(folder, "result");

    /// <summary>Trains, or goes on training, and leaves the weights.</summary>
    public static int Run(string folder)
    {
        using TrainerJob job = new();
        bool said = false;
        Relay<StageProgress> progress = new(p =>
        {
            if (said || p.Stage != "train") return;
            said = true;
            Console.Out.WriteLine(Ready);
            Console.Out.Flush();
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
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(folder);
        return Process.Start(start)!;
    }
}
