using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Thomas.Runtime;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>Inference of one image of ONNX files: Thomas and ONNX Runtime take turns.</summary>
internal static class InferencePeers
{
    public static int Run(ReadOnlySpan<string> args)
    {
        PeerRun run = new("inference", "Inference beside ONNX Runtime", args);
        List<string> paths = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (!run.Take(args, ref i)) paths.Add(args[i]);
        }

        run.Note(
            "ONNX Runtime's threads spin for tens of milliseconds after its work, on the cores that the next engine wants; on more than one thread there is a "
            + $"pause of {PeerRace.SpinningEnds} ms after each of its turns.");
        foreach (string path in paths)
        {
            Console.Error.WriteLine(path);
            Compare(path, run);
        }

        run.Finish();
        return 0;
    }

    private static void Compare(string path, PeerRun run)
    {
        string name = Path.GetFileName(path);
        Model model = Model.Load(path);
        PeerRace race = new("Inference", TimingCell.Inference, name, StudyExperiment.Inference, 1);
        foreach (int threads in run.Threads)
        {
            CompileOptions options = new() { Threads = threads };
            race.Add("cpu", threads, () => new InferenceTrial(model.Graph, 1, options), model.Graph.Cost.MultiplyAdds);
            race.Add(
                OnnxPeer.Name, threads, () => new OnnxPeer(path, model, threads), model.Graph.Cost.MultiplyAdds,
                threads > 1 ? PeerRace.SpinningEnds : 0);
        }

        float difference = LargestDifference(path, model);
        run.Measure(race);
        run.Note(string.Create(CultureInfo.InvariantCulture, $"{name}: the outputs differ by at most {difference:0.0e-0}."));
    }

    private static float LargestDifference(string path, Model model)
    {
        using Executable own = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        using OnnxPeer peer = new(path, model, 1);
        TrainingTrial.FillWithNoise(own.Input());
        own.Run();
        peer.Run();
        ReadOnlySpan<float> a = own.Output(), b = peer.Output;
        float largest = 0;
        for (int i = 0; i < a.Length; i++) largest = MathF.Max(largest, MathF.Abs(a[i] - b[i]));
        return largest;
    }
}
