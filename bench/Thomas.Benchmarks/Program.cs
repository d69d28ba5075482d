using System;

namespace Thomas.Benchmarks;

/// <summary>Other engines beside Thomas, and tools for who works on kernels. Thomas alone is measured by <c>thomas bench</c>.</summary>
internal static class Program
{
    private const string Devices = "[--device N] [--settings WORDS] [--cache FOLDER]";

    private static readonly BenchmarkCommand[] Commands =
    [
        new("inference", 1, InferencePeers.Run, "MODEL.onnx... [--threads N,N] [--visits N] [--rounds N] [--report FILE.json]"),
        new("training", 1, TrainingPeers.Run,
            "mobilenet-v2|lenet5... [--batch N] [--threads N,N] [--visits N] [--rounds N] [--python PROGRAM] [--report FILE.json]"),
        new("profile", 1, ProfileTool.Run,
            "MODEL|ARCHITECTURE... [--device cpu|opencl[:N]] [--inference] [--update POLICY] [--batch N] [--threads N] [--settings WORDS] [--size N] "
            + "[--rounds N] [--all | --bare TIMES]"),
        new("layers", 0, LayerBenchmark.Run,
            "[ARCHITECTURE|MODEL...] [--gradients] [--live-batch-norm] [--batch N] [--threads N,N] [--rounds N] [--size N] [--all]"),
        new("bytes", 0, ByteLayerBenchmark.Run, "[MODEL|ARCHITECTURE...] [--rounds N] [--only TEXT] [--fixed-point] [--unsigned]"),
        new("tiles", 0, TileBenchmark.Run,
            $"[MODEL|ARCHITECTURE|M,N,K...] [--inference] [--batch N] {Devices} [--most N] [--top N] [--skip N] [--seconds N] [--check]"),
        new("device", 2, DeviceBenchmark.Run,
            $"check|drift|product MODEL|ARCHITECTURE|M,N,K... [--batch N] [--update POLICY] [--live-batch-norm] [--adam] [--rate X] [--threads N] [--rounds N] "
            + $"[--size N] {Devices}"),
        new("memory", 1, MemoryBenchmark.Run, "MODEL [--update POLICY] [--batch N] [--memory SIZE] [--threads N]"),
        new("session", 1, SessionBenchmark.Run, "MODEL|ARCHITECTURE [--images N] [--classes N] [--threads N] [--rows N]"),
        new("adding", 2, AddingBenchmark.Run, "MODEL DATA [--new N | --stock IMAGENET_SAMPLE [--without CLASS]] [--seeds N] [--size N] [--no-rehearsal]"),
        new("unknown", 3, UnknownBenchmark.Run, "MODEL DATA OTHER_FOLDER [--without WORD] [--seeds N] [--size N]"),
        new("labels", 2, LabelBenchmark.Run, "MODEL DATA [--seeds N] [--wrong N] [--preset NAME]"),
        new("quantize", 1, QuantizeBenchmark.Run,
            "MODEL --calibration PLACE... [--sample IMAGENET_SAMPLE] [--settings WORD+WORD,...] [--onnxruntime] [--save FILE.tflite]"),
        new("compression", 2, CompressionBenchmark.Run,
            "MODEL DATA [--policies NAME,NAME] [--types float32,half,frozen,int8,unscaled] [--seeds N] [--epochs N] [--sgd]"),
        new("startup", 3, StartupBenchmark.Run, "PROGRAM MODEL IMAGE [--rounds N]"),
        new("difftrial", 0, DiffTrial.Run, "[--pairs N] [--slowdown X]"),
        new("team", 0, TeamBenchmark.Run, "[--threads N]"),
        new("head", 0, HeadBenchmark.Run, "[--features N] [--classes N] [--batch N] [--epochs N]"),
    ];

    private static int Main(string[] args)
    {
        BenchmarkCommand? command = args.Length == 0 ? null : Array.Find(Commands, one => one.Name == args[0]);
        if (command is null || args.Length <= command.Required)
        {
            foreach (BenchmarkCommand one in command is null ? Commands : [command]) Console.Error.WriteLine($"usage: {one.Name} {one.Usage}");
            return 2;
        }

        try
        {
            return command.Run(args.AsSpan(1));
        }
        catch (ThomasException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
