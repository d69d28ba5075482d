using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Runtime;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>Training steps of all weights with live batch normalization, on random weights: Thomas and PyTorch take turns.</summary>
internal static class TrainingPeers
{
    private const string Policy = "scratch";

    public static int Run(ReadOnlySpan<string> args)
    {
        PeerRun run = new("training", "Training steps beside PyTorch", args);
        List<string> networks = [];
        int batch = 8;
        string python = "python3";
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--batch") batch = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--python") python = args[++i];
            else if (!run.Take(args, ref i)) networks.Add(args[i]);
        }

        run.Note("PyTorch runs in a process of its own, which is told of each step through a pipe; that adds less than 0.1 ms to its steps.");
        run.Note(
            $"PyTorch's threads spin after its work; there is a pause of {PeerRace.SpinningEnds} ms after each of its turns on several threads.");
        foreach (string network in networks)
        {
            Console.Error.WriteLine(network);
            string name;
            using (TorchPeer first = new(python, network, batch, 1)) name = first.Name;
            Model model = Networks.Load(network);
            PeerRace race = new("Training", TimingCell.Step, network, Policy, batch);
            foreach (int threads in run.Threads)
            {
                TrainingPlanOptions options = TimingUnit.StepOptions(Policy, batch, new CompileOptions { Threads = threads });
                race.Add("cpu", threads, () => new TrainingTrial(model, options));
                race.Add(
                    name, threads, () => new TorchPeer(python, network, batch, threads), pause: threads > 1 ? PeerRace.SpinningEnds : 0);
            }

            run.Measure(race);
        }

        run.Finish();
        return 0;
    }
}
