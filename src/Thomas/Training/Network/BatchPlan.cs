using System;

namespace Thomas.Training;

/// <summary>One image of an epoch.</summary>
/// <param name="Sample">Index in the set.</param>
/// <param name="View">Which of its prepared views.</param>
/// <param name="Partner">The image that it is mixed with; the sample itself where it is not.</param>
/// <param name="PartnerView">Which view of that.</param>
/// <param name="Mix">How they are mixed.</param>
internal readonly record struct Pick(int Sample, int View, int Partner, int PartnerView, Mix Mix);

/// <summary>What the order of a training set depends on.</summary>
/// <param name="BatchSize">Images of a step.</param>
/// <param name="MicroBatch">Images of a run; divides the batch.</param>
/// <param name="FillsUp">
/// Whether the last step of an epoch is filled up with images from the start of the order, because statistics of the batch need real ones; else its empty rows
/// have weight 0.
/// </param>
/// <param name="Views">Prepared views of each image.</param>
/// <param name="Mixup">Parameter of mixup; 0 for none.</param>
/// <param name="CutMix">Parameter of CutMix; 0 for none.</param>
/// <param name="Width">Width of the model's images.</param>
/// <param name="Height">Their height.</param>
/// <param name="Seed">Decides all that is random.</param>
internal sealed record BatchPlanOptions(
    int BatchSize, int MicroBatch, bool FillsUp, int Views, float Mixup, float CutMix, int Width, int Height, ulong Seed);

/// <summary>
/// Which images are in which step of an epoch, how they are mixed, and what they weigh. All of it follows from seed, epoch and position in the epoch, so any
/// step can be made again at any time.
/// </summary>
internal sealed class BatchPlan
{
    private readonly BatchPlanOptions _options;
    private readonly int[] _labels;
    private readonly float[] _classWeights;
    private readonly int[] _order;
    private readonly float[] _stepWeights;
    private readonly Rng _root;
    private readonly Rng _epoch;
    private readonly Rng _scratch;

    /// <param name="labels">Class of each image.</param>
    /// <param name="classWeights">Factor of each class on the loss of its images.</param>
    /// <param name="options">Sizes and seed.</param>
    public BatchPlan(int[] labels, float[] classWeights, BatchPlanOptions options)
    {
        _options = options;
        _labels = labels;
        _classWeights = classWeights;
        _order = new int[labels.Length];
        _root = new Rng(options.Seed);
        _epoch = new Rng(0);
        _scratch = new Rng(0);
        Steps = (int)(((long)labels.Length + options.BatchSize - 1) / options.BatchSize);
        _stepWeights = new float[Steps];
    }

    /// <summary>Images in the set.</summary>
    public int Samples => _labels.Length;

    /// <summary>Classes.</summary>
    public int Classes => _classWeights.Length;

    /// <summary>Steps of an epoch.</summary>
    public int Steps { get; }

    /// <summary>Images of a full step.</summary>
    public int BatchSize => _options.BatchSize;

    /// <summary>Runs of a step that is full.</summary>
    public int RunsPerStep => _options.BatchSize / _options.MicroBatch;

    /// <summary>Images of a run.</summary>
    public int MicroBatch => _options.MicroBatch;

    /// <summary>Whether images are mixed.</summary>
    public bool Mixes => _options.Mixup > 0 || _options.CutMix > 0;

    /// <summary>The factors of a class on its images' loss: <c>N / (C' * N[c])</c>, see <see cref="ClassBalance.Weighted"/>, or 1.</summary>
    public static float[] ClassWeights(ReadOnlySpan<int> labels, int classes, ClassBalance balance)
    {
        float[] weights = new float[classes];
        Array.Fill(weights, 1);
        if (balance == ClassBalance.None) return weights;
        int[] counts = new int[classes];
        int present = 0;
        foreach (int label in labels) present += counts[label]++ == 0 ? 1 : 0;
        for (int c = 0; c < classes; c++) weights[c] = counts[c] == 0 ? 0 : (float)((double)labels.Length / ((double)present * counts[c]));
        return weights;
    }

    /// <summary>
    /// The factors of a class on its images' loss where the images of class c together count for <c>shares[c]</c>: their mean over all images is 1.
    /// </summary>
    public static float[] ClassWeights(ReadOnlySpan<int> labels, ReadOnlySpan<float> shares)
    {
        float[] weights = new float[shares.Length];
        int[] counts = new int[shares.Length];
        foreach (int label in labels) counts[label]++;
        double total = 0;
        for (int c = 0; c < counts.Length; c++) total += counts[c] > 0 ? shares[c] : 0;
        for (int c = 0; c < counts.Length; c++) weights[c] = counts[c] == 0 ? 0 : (float)(labels.Length * (double)shares[c] / (total * counts[c]));
        return weights;
    }

    /// <summary>Images of a step.</summary>
    public int Rows(int step) => _options.FillsUp ? _options.BatchSize : Math.Min(_options.BatchSize, Samples - (step * _options.BatchSize));

    /// <summary>Images of a step that are there for the first time in the epoch.</summary>
    public int NewRows(int step) => Math.Min(_options.BatchSize, Samples - (step * _options.BatchSize));

    /// <summary>Runs of a step.</summary>
    public int Runs(int step) => (Rows(step) + _options.MicroBatch - 1) / _options.MicroBatch;

    /// <summary>Makes an epoch the present one. Nothing else may use this meanwhile.</summary>
    /// <param name="epoch">Its number, from 1.</param>
    public void Begin(int epoch)
    {
        _root.ForkInto((ulong)epoch, _epoch);
        for (int i = 0; i < _order.Length; i++) _order[i] = i;
        _epoch.ForkInto(0, _scratch);
        _scratch.Shuffle(_order.AsSpan());
        for (int step = 0; step < Steps; step++)
        {
            double sum = 0;
            for (int row = 0; row < Rows(step); row++) sum += Weight(Draw((step * (long)_options.BatchSize) + row, _scratch));
            _stepWeights[step] = (float)sum;
        }
    }

    /// <summary>The image at a position of the present epoch.</summary>
    /// <param name="position">From 0; beyond the last image, those from the start come again.</param>
    /// <param name="rng">Becomes the generator of this position, advanced beyond what was drawn here.</param>
    public Pick Draw(long position, Rng rng)
    {
        _epoch.ForkInto((ulong)position + 1, rng);
        int sample = _order[(int)(position % Samples)];
        int view = _options.Views == 1 ? 0 : rng.Next(_options.Views);
        if (!Mixes) return new Pick(sample, view, sample, view, new Mix(1));
        Mix mix = Mixing.Draw(rng, _options.Mixup, _options.CutMix, _options.Width, _options.Height);
        int partner = rng.Next(Samples), partnerView = _options.Views == 1 ? 0 : rng.Next(_options.Views);
        return new Pick(sample, view, partner, partnerView, mix);
    }

    /// <summary>Class of an image.</summary>
    public int Label(int sample) => _labels[sample];

    /// <summary>The factor on an image's loss; all of a step's together are 1.</summary>
    public float Weight(Pick pick, int step) => Weight(pick) / _stepWeights[step];

    /// <summary>The target distribution of an image: <c>(1 - e) * mixed one-hots + e / C</c>.</summary>
    public void Target(Pick pick, float smoothing, Span<float> target)
    {
        target.Fill(smoothing / target.Length);
        target[_labels[pick.Sample]] += (1 - smoothing) * pick.Mix.Share;
        target[_labels[pick.Partner]] += (1 - smoothing) * (1 - pick.Mix.Share);
    }

    private float Weight(Pick pick) =>
        (pick.Mix.Share * _classWeights[_labels[pick.Sample]]) + ((1 - pick.Mix.Share) * _classWeights[_labels[pick.Partner]]);
}
