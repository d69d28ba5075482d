using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>Accuracy of tuning over several seeds, and what the epochs cost: for the last layer beside the first, which computes the features.</summary>
internal static class TuningBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        string modelPath = args[0], dataPath = args[1];
        int seeds = 5, views = 1;
        string? preset = null;
        TrainerOptions? network = null;
        int? size = null, epochs = null;
        for (int i = 2; i < args.Length; i++)
        {
            if (args[i] == "--seeds") seeds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--views") views = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--preset") preset = args[++i];
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--epochs") epochs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--update" && UpdatePolicy.TryParse(args[++i], out UpdatePolicy policy) && policy.Kind != UpdateKind.Last)
            {
                network = new TrainerOptions { Policy = policy, Augmentation = new Augmentation { Flip = true, MinimumCropScale = 0.5f } };
            }
        }

        if (network is not null && epochs is int count) network = network with { Epochs = count };
        Model model = Model.Load(modelPath);
        if (size is int side) model = model.WithImageSize(side, side);
        (int height, int width, _) = ImageInput.Size(model);
        Dataset dataset = ImageFolder.Load(dataPath);
        SkiaImageDecoder decoder = new();
        List<double> before = [], last = [], after = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            TuningOptions options = new()
            {
                Seed = (ulong)seed,
                Head = TrainerOptions.LastLayer with { Seed = (ulong)seed },
                Network = network,
                Views = views,
                Augmentation = views > 1 ? new Augmentation { Flip = true, MinimumCropScale = 0.6f } : new Augmentation(),
                Preprocessing = preset is null ? null : Preprocessing.Preset(preset, width, height),
            };
            TuningResult result = Tuner.Tune(model, dataset, decoder, options);
            before.Add(result.Before.Accuracy);
            last.Add((result.AfterLastLayer ?? result.After).Accuracy);
            after.Add(result.After.Accuracy);
            if (result.Network is TrainerResult trained)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"seed {seed}: last {last[^1]:P1}, {network!.Policy} {result.After.Accuracy:P1} (epoch {result.BestEpoch} of {result.Epochs.Count}); "
                    + $"{trained.SecondsPerStep * 1e3:F0} ms a step, {trained.WaitedShare:P1} of it waiting"));
                continue;
            }

            double features = result.Times.Of("decode").TotalSeconds + result.Times.Of("features").TotalSeconds;
            double later = result.Epochs.Skip(1).Select(e => e.Duration.TotalSeconds).DefaultIfEmpty(0).Average();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"seed {seed}: before {result.Before.Accuracy:P1}, after {result.After.Accuracy:P1} (epoch {result.BestEpoch} of {result.Epochs.Count}); "
                + $"first epoch {features + result.Epochs[0].Duration.TotalSeconds:F2} s, later ones {later * 1e3:F1} ms each "
                + $"({later / (features + result.Epochs[0].Duration.TotalSeconds):P2})"));
        }

        double mean = after.Average(), spread = Math.Sqrt(after.Select(a => (a - mean) * (a - mean)).Sum() / Math.Max(1, after.Count - 1));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(modelPath)} on {Path.GetFileName(dataPath.TrimEnd('/'))}: {mean:P1} +- {spread:P1} after, {last.Average():P1} last layer, "
            + $"{before.Average():P1} before (nearest centroid), {seeds} seeds, {after.Min():P1} to {after.Max():P1}"));
        return 0;
    }
}
