using System;
using System.Diagnostics;
using System.Globalization;
using Thomas.Kernels;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>Steps of the last layer on features that are there already: forward, backward and update of a dense layer with softmax cross-entropy.</summary>
internal static class HeadBenchmark
{
    private const int StepsAnEpoch = 20;

    public static int Run(ReadOnlySpan<string> args)
    {
        int features = 1280, classes = 1000, batch = 32, epochs = 8, threads = 1;
        for (int i = 0; i + 1 < args.Length; i += 2)
        {
            int value = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            if (args[i] == "--features") features = value;
            else if (args[i] == "--classes") classes = value;
            else if (args[i] == "--batch") batch = value;
            else if (args[i] == "--epochs") epochs = value;
            else if (args[i] == "--threads") threads = value;
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Random random = new(1);
        int[] labels = new int[batch * StepsAnEpoch];
        for (int i = 0; i < labels.Length; i++) labels[i] = i % classes;
        using FeatureMatrix matrix = new(labels, features);
        for (int i = 0; i < labels.Length; i++)
        {
            foreach (ref float value in matrix.WritableRow(i)) value = random.NextSingle();
        }

        Timer timer = new(epochs);
        TrainerOptions options = TrainerOptions.LastLayer with { Epochs = epochs, BatchSize = batch, Compile = new CompileOptions { Threads = threads } };
        HeadTrainer.Train(matrix, null, classes, options, epochs: timer);
        double[] ms = timer.EpochMilliseconds();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{CpuFeatures.Description}: last layer {features} x {classes}, batch {batch}, {threads} thread(s): {ms[ms.Length / 2] / StepsAnEpoch:F2} ms a "
            + $"step (least {ms[0] / StepsAnEpoch:F2}), median of {ms.Length} epochs of {StepsAnEpoch} steps; {Networks.Peak.GigaflopsPerSecond(1):F0} GFLOP/s "
            + $"thread"));
        return 0;
    }

    /// <summary>Notes when each epoch ended; the first one also makes the statistics of the features and so does not count.</summary>
    private sealed class Timer(int epochs) : IProgress<EpochReport>
    {
        private readonly long[] _ends = new long[epochs];
        private int _count;

        public void Report(EpochReport value)
        {
            if (_count < _ends.Length) _ends[_count++] = Stopwatch.GetTimestamp();
        }

        public double[] EpochMilliseconds()
        {
            double[] ms = new double[_count - 1];
            for (int i = 0; i < ms.Length; i++) ms[i] = Stopwatch.GetElapsedTime(_ends[i], _ends[i + 1]).TotalMilliseconds;
            Array.Sort(ms);
            return ms;
        }
    }
}
