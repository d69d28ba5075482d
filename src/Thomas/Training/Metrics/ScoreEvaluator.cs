using System;
using System.Threading;
using Thomas.Data;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>Runs a network that is being trained, with the present contents of its variables, over the validation images.</summary>
internal sealed class ScoreEvaluator : IDisposable
{
    private const int MaxBatch = 16;

    private readonly Executable _executable;
    private readonly PreparedSet _set;
    private readonly Preprocessor _preprocessor;
    private readonly byte[] _crop;
    private readonly int[] _classMap;
    private readonly int _batch;
    private readonly int _classes;

    /// <param name="trainee">The network.</param>
    /// <param name="set">The images, of the model's size.</param>
    /// <param name="preprocessor">Makes the model's images.</param>
    /// <param name="classMap">The output of each of the data set's classes.</param>
    /// <param name="store">Memory of the variables.</param>
    /// <param name="compile">Device and switches.</param>
    /// <param name="team">Threads.</param>
    /// <param name="oneByOne">Whether memory matters more than speed.</param>
    public ScoreEvaluator(Trainee trainee, PreparedSet set, Preprocessor preprocessor, int[] classMap, VariableStore store, CompileOptions compile, ThreadTeam team, bool oneByOne)
    {
        _set = set;
        _preprocessor = preprocessor;
        _crop = new byte[set.CropBytes];
        _classMap = classMap;
        _classes = trainee.Classes;
        _batch = oneByOne ? 1 : Math.Min(MaxBatch, set.Count);
        _executable = Executable.CompileAsIs(Rebatch.Run(trainee.Graph, _batch), compile, store, team);
    }

    /// <summary>Bytes of arena and packed constants.</summary>
    public long SizeBytes => _executable.SizeBytes;

    /// <summary>Classifies all images.</summary>
    /// <param name="confusion">Receives true and predicted classes; emptied first.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Plain mean cross-entropy in nats.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public double Run(ConfusionMatrix confusion, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        confusion.Clear();
        double total = 0;
        for (int start = 0; start < _set.Count; start += _batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(_batch, _set.Count - start), length = _preprocessor.InputLength;

            // A short last batch repeats its last image; results are computed for each image alone.
            Span<float> images = _executable.Stage();
            for (int i = 0; i < _batch; i++) _preprocessor.Normalize(_set.Crop(start + Math.Min(i, count - 1), 0, _crop), images.Slice(i * length, length));
            _executable.Send();
            _executable.Run();
            ReadOnlySpan<float> all = _executable.Fetch();
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> scores = all.Slice(i * _classes, _classes);
                int truth = _classMap[_set.Label(start + i)];
                confusion.Add(truth, TopK.Best(scores));
                total += CrossEntropy(scores, truth);
            }

            progress?.Report(new StageProgress("validate", start + count, _set.Count));
        }

        return total / _set.Count;
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
