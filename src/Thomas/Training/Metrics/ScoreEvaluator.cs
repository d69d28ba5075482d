using System;
using System.Threading;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>Runs a network that is being trained, with the present contents of its variables, over the validation images.</summary>
internal sealed class ScoreEvaluator : IDisposable
{
    private const int MaxBatch = 16;

    private readonly Executable _executable;
    private readonly SampleSource _samples;
    private readonly SampleReader _reader;
    private readonly Rng _rng = new(0);
    private readonly int _batch;
    private readonly int _classes;

    /// <param name="trainee">The network.</param>
    /// <param name="samples">The validation samples.</param>
    /// <param name="store">Memory of the variables.</param>
    /// <param name="compile">Device and switches.</param>
    /// <param name="team">Threads.</param>
    /// <param name="oneByOne">Whether memory matters more than speed.</param>
    public ScoreEvaluator(Trainee trainee, SampleSource samples, VariableStore store, CompileOptions compile, ThreadTeam team, bool oneByOne)
    {
        _samples = samples;
        _reader = samples.Open();
        _classes = trainee.Classes;
        _batch = BatchOf(oneByOne, samples.Count);
        _executable = Executable.CompileAsIs(Rebatch.Run(trainee.Graph, _batch), compile, store, team);
    }

    /// <summary>Samples of a run.</summary>
    public static int BatchOf(bool oneByOne, int samples) => oneByOne ? 1 : Math.Min(MaxBatch, samples);

    /// <summary>Bytes of arena and packed constants.</summary>
    public long SizeBytes => _executable.SizeBytes;

    /// <summary>Those of them in the memory of a device that is not the host.</summary>
    public long DeviceBytes => _executable.DeviceBytes;

    /// <summary>Classifies all images.</summary>
    /// <param name="confusion">Receives true and predicted classes; emptied first.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="watch">Pauses the work while the device is too hot or its battery too low; null for never.</param>
    /// <returns>Plain mean cross-entropy in nats.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public double Run(ConfusionMatrix confusion, IProgress<StageProgress>? progress, CancellationToken cancellation, GuardWatch? watch = null)
    {
        confusion.Clear();
        double total = 0;
        _executable.RunAll(0, (_samples.Count + _batch - 1) / _batch, Fill, Receive);
        return total / _samples.Count;

        // A short last batch repeats its last image; results are computed for each image alone.
        void Fill(int number, Span<float> images)
        {
            cancellation.ThrowIfCancellationRequested();
            watch?.Pass("validate", cancellation);
            int start = number * _batch, last = Math.Min(_batch, _samples.Count - start) - 1, length = _samples.InputLength;
            for (int i = 0; i < _batch; i++) _reader.Read(start + Math.Min(i, last), 0, _rng, images.Slice(i * length, length));
        }

        void Receive(int number, ReadOnlySpan<float> all)
        {
            int start = number * _batch, count = Math.Min(_batch, _samples.Count - start);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> scores = all.Slice(i * _classes, _classes);
                int truth = _samples.Label(start + i);
                confusion.Add(truth, TopK.Best(scores));
                total += CrossEntropy(scores, truth);
            }

            progress?.Report(new StageProgress("validate", start + count, _samples.Count));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _executable.Dispose();

    private static double CrossEntropy(ReadOnlySpan<float> scores, int truth)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float score in scores) max = Math.Max(max, score);
        foreach (float score in scores) sum += Math.Exp(score - max);
        return Math.Log(sum) + max - scores[truth];
    }
}
