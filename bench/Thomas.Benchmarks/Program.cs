using System;

namespace Thomas.Benchmarks;

/// <summary>Measurements beside a peer, interleaved in one run, so that a busy machine slows both.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is ["inference", ..] && args.Length >= 2) return InferenceBenchmark.Run(args.AsSpan(1));
        if (args is ["startup", ..] && args.Length >= 4) return StartupBenchmark.Run(args.AsSpan(1));
        if (args is ["team", ..]) return TeamBenchmark.Run(args.AsSpan(1));
        if (args is ["tuning", ..] && args.Length >= 3) return TuningBenchmark.Run(args.AsSpan(1));
        if (args is ["layers", ..]) return LayerBenchmark.Run(args.AsSpan(1));
        if (args is ["memory", ..] && args.Length >= 2) return MemoryBenchmark.Run(args.AsSpan(1));
        if (args is ["head", ..]) return HeadBenchmark.Run(args.AsSpan(1));
        if (args is ["session", ..] && args.Length >= 2) return SessionBenchmark.Run(args.AsSpan(1));
        if (args is ["steps", ..] && args.Length >= 2) return StepBenchmark.Run(args.AsSpan(1));
        if (args is ["device", ..] && args.Length >= 3) return DeviceBenchmark.Run(args.AsSpan(1));
        if (args is ["adding", ..] && args.Length >= 3) return AddingBenchmark.Run(args.AsSpan(1));
        if (args is ["unknown", ..] && args.Length >= 4) return UnknownBenchmark.Run(args.AsSpan(1));
        if (args is ["tiles", ..]) return TileBenchmark.Run(args.AsSpan(1));
        if (args is ["difftrial", ..]) return DiffTrial.Run(args.AsSpan(1));
        if (args is ["labels", ..] && args.Length >= 3) return LabelBenchmark.Run(args.AsSpan(1));
        Console.Error.WriteLine(
            "usage: inference MODEL.onnx|ARCHITECTURE... [--batch N] [--threads N,N] [--rounds N] [--size N] [--without PASS] [--profile] [--peer-sleeps]");
        Console.Error.WriteLine("       tuning MODEL DATA [--seeds N] [--views N] [--preset NAME] [--update POLICY] [--epochs N] [--size N]");
        Console.Error.WriteLine(
            "       layers [ARCHITECTURE|MODEL...] [--gradients] [--live-batch-norm] [--batch N] [--threads N,N] [--rounds N] [--size N] [--all]");
        Console.Error.WriteLine("       memory MODEL [--update POLICY] [--batch N] [--memory SIZE] [--threads N]");
        Console.Error.WriteLine(
            "       steps MODEL|ARCHITECTURE... [--batch N] [--update POLICY] [--live-batch-norm] [--threads N,N] [--rounds N] [--size N] [--profile | "
            + "--profile-all | --bare STEPS]");
        Console.Error.WriteLine("       session MODEL|ARCHITECTURE [--images N] [--classes N] [--threads N] [--rows N]");
        Console.Error.WriteLine(
            "       device steps|inference|check|hybrid|product MODEL|ARCHITECTURE|M,N,K... [--device N] [--settings WORDS] [--cache FOLDER] [--batch N] "
            + "[--update POLICY] [--share X] [--live-batch-norm] [--adam] [--rounds N] [--size N] [--threads N] [--profile | --profile-all LINES]");
        Console.Error.WriteLine(
            "       tiles [MODEL|ARCHITECTURE|M,N,K...] [--inference] [--batch N] [--device N] [--settings WORDS] [--cache FOLDER] [--most N] [--top N] "
            + "[--skip N] [--seconds N] "
            + "[--check]");
        Console.Error.WriteLine(
            "       adding MODEL DATA [--new N | --stock IMAGENET_SAMPLE [--without CLASS]] [--seeds N] [--size N] [--no-rehearsal]");
        Console.Error.WriteLine("       unknown MODEL DATA OTHER_FOLDER [--without WORD] [--seeds N] [--size N]");
        Console.Error.WriteLine("       labels MODEL DATA [--seeds N] [--wrong N] [--preset NAME]");
        Console.Error.WriteLine("       startup PROGRAM MODEL IMAGE [--rounds N]");
        Console.Error.WriteLine("       difftrial [--pairs N] [--slowdown X]");
        Console.Error.WriteLine("       team [--threads N]");
        Console.Error.WriteLine("       head [--features N] [--classes N] [--batch N] [--epochs N]");
        return 2;
    }
}
