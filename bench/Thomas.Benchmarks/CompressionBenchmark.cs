using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// What training in other types costs in accuracy. Every seed divides the images anew into training, validation (chooses the epoch) and test (chooses
/// nothing), and a type is judged by the file that <c>tune</c> would write, read again.
/// </summary>
internal static class CompressionBenchmark
{
    /// <summary>8-bit training with the gradients as they are, to show what the scaling rule does: more with SGD than with AdamW, which scales too.</summary>
    private const string Unscaled = "unscaled";

    public static int Run(ReadOnlySpan<string> args)
    {
        string[] policies = ["last", "bias", "all"], types = ["float32", "int8"];
        int seeds = 5, epochs = 8;
        OptimizerOptions optimizer = new();
        for (int i = 2; i < args.Length; i++)
        {
            if (args[i] == "--policies") policies = args[++i].Split(',');
            else if (args[i] == "--types") types = args[++i].Split(',');
            else if (args[i] == "--seeds") seeds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--epochs") epochs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--sgd") optimizer = optimizer with { Kind = OptimizerKind.Sgd };
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Model.Load(args[0]);
        Dataset data = DatasetLoader.Load(args[1]);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(args[1]));
        foreach (string policy in policies)
        {
            if (!UpdatePolicy.TryParse(policy, out UpdatePolicy parsed)) throw new ArgumentException($"unknown policy {policy}");
            Dictionary<string, List<double>> shares = types.ToDictionary(static type => type, static _ => new List<double>());
            for (int seed = 1; seed <= seeds; seed++)
            {
                Dataset divided = Divide(data, (ulong)seed);
                List<string> texts = [];
                foreach (string type in types)
                {
                    long start = Stopwatch.GetTimestamp();
                    ConfusionMatrix test = Test(model, divided, parsed, type, (ulong)seed, epochs, optimizer);
                    shares[type].Add(test.Accuracy);
                    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    texts.Add(FormattableString.Invariant($"{type} {test.Correct} of {test.Total} ({seconds:F0} s)"));
                }

                Console.WriteLine($"{name} {policy}, seed {seed}: {string.Join(", ", texts)}");
            }

            foreach (string type in types)
            {
                double[] differences = [.. shares[type].Zip(shares[types[0]], static (a, b) => a - b)];
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} {policy} {type}: {shares[type].Average():P1}, {differences.Average() * 100:+0.0;-0.0;0.0} points beside {types[0]} "
                    + $"({differences.Min() * 100:+0.0;-0.0;0.0} to {differences.Max() * 100:+0.0;-0.0;0.0})"));
            }
        }

        return 0;
    }

    /// <summary>Three fifths to learn from; a fifth each to validate and to test with.</summary>
    private static Dataset Divide(Dataset data, ulong seed)
    {
        Dataset whole = new(data.Name, data.ClassNames, [.. data.Samples.Select(static s => s with { Subset = Subset.Unassigned })]);
        Dataset aside = Split.Stratified(whole, 0.2, seed);
        Dataset rest = new(
            data.Name, data.ClassNames,
            [.. aside.Samples.Select(static s => s with { Subset = s.Subset == Subset.Validation ? Subset.Test : Subset.Unassigned })]);
        return Split.Stratified(rest, 0.25, seed + 1000);
    }

    private static ConfusionMatrix Test(Model model, Dataset data, UpdatePolicy policy, string type, ulong seed, int epochs, OptimizerOptions optimizer)
    {
        SkiaImageDecoder decoder = new();
        bool isInteger = type is "int8" or Unscaled;
        TuningOptions options = new() { Seed = seed, Head = TrainerOptions.LastLayer with { Seed = seed } };
        if (policy.Kind != UpdateKind.Last)
        {
            options = options with
            {
                Network = new TrainerOptions
                {
                    Policy = policy,
                    Seed = seed,
                    Epochs = epochs,
                    Optimizer = optimizer,
                    Augmentation = new Augmentation { Flip = true, MinimumCropScale = 0.5f },
                    Compression = isInteger ? Compression.Int8 : type == "half" ? Compression.Half : Compression.None,
                    ScalesGradients = type != Unscaled,
                },
            };
        }

        Model start = model;
        if (!Quantizer.IsQuantized(model) && (isInteger || type == "frozen"))
        {
            Dataset some = Quantizer.Some(data);
            start = isInteger
                ? Quantizer.Quantize(model, some, decoder, new QuantizerOptions(), null, CancellationToken.None).Model
                : Quantizer.QuantizeFrozen(model, policy, some, decoder, QuantizerOptions.Quick, null, CancellationToken.None).Model;
        }

        TuningResult result = Tuner.Tune(start, data, decoder, isInteger ? LastLayerGrid.With(options, decoder) : options);
        string path = Path.Combine(Path.GetTempPath(), $"thomas-compression-{Environment.ProcessId}.tflite");
        try
        {
            result.Model.Save(path);
            return Evaluator.Evaluate(Model.Load(path), data.Only(Subset.Test), decoder).Confusion;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
