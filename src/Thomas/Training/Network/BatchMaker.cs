using System;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>Prepares batches: prepared crops, augmented, normalized and mixed, with targets and weights. For one thread; warm, it allocates nothing.</summary>
internal sealed class BatchMaker
{
    private readonly PreparedSet _set;
    private readonly Preprocessor _preprocessor;
    private readonly BatchPlan _plan;
    private readonly float _smoothing;
    private readonly CropAugmenter? _augmenter;
    private readonly byte[] _crop;
    private readonly byte[] _view;
    private readonly float[] _partner;
    private readonly Rng _rng = new(0);

    /// <param name="set">The images, prepared at the model's size or larger.</param>
    /// <param name="preprocessor">Makes the model's images.</param>
    /// <param name="plan">Which images go where.</param>
    /// <param name="augmentation">Changes made to each image.</param>
    /// <param name="smoothing">Share of the targets that is spread over all classes.</param>
    public BatchMaker(PreparedSet set, Preprocessor preprocessor, BatchPlan plan, Augmentation augmentation, float smoothing)
    {
        _set = set;
        _preprocessor = preprocessor;
        _plan = plan;
        _smoothing = smoothing;
        bool plain = augmentation.IsNone && set.Preprocessing.Width == preprocessor.Preprocessing.Width && set.Preprocessing.Height == preprocessor.Preprocessing.Height;
        _augmenter = plain ? null : new CropAugmenter(preprocessor, augmentation, set.Preprocessing.Width, set.Preprocessing.Height);
        _crop = new byte[set.CropBytes];
        _view = plain ? [] : new byte[preprocessor.CropBytes];
        _partner = plan.Mixes ? new float[preprocessor.InputLength] : [];
    }

    /// <summary>Prepares a run of the plan's present epoch.</summary>
    /// <param name="step">The step.</param>
    /// <param name="run">The run of the step.</param>
    /// <param name="batch">Receives it.</param>
    public void Fill(int step, int run, Batch batch)
    {
        int length = _preprocessor.InputLength, classes = _plan.Classes, first = run * _plan.MicroBatch, rows = _plan.Rows(step);
        for (int i = 0; i < _plan.MicroBatch; i++)
        {
            Span<float> image = batch.Images.AsSpan(i * length, length), target = batch.Targets.AsSpan(i * classes, classes);
            int row = first + i;
            if (row >= rows)
            {
                image.Clear();
                target.Clear();
                (batch.Weights[i], batch.Labels[i]) = (0, Batch.NotCounted);
                continue;
            }

            Pick pick = _plan.Draw(((long)step * _plan.BatchSize) + row, _rng);
            MakeImage(pick.Sample, pick.View, image);
            if (pick.Mix.Share < 1)
            {
                MakeImage(pick.Partner, pick.PartnerView, _partner);
                Mixing.Apply(pick.Mix, image, _partner, _preprocessor.Preprocessing.Width, _preprocessor.Preprocessing.Channels);
            }

            _plan.Target(pick, _smoothing, target);
            batch.Weights[i] = _plan.Weight(pick, step);
            batch.Labels[i] = row >= _plan.NewRows(step) ? Batch.NotCounted : _plan.Label(pick.Mix.Share >= 0.5f ? pick.Sample : pick.Partner);
        }
    }

    private void MakeImage(int sample, int view, Span<float> image)
    {
        if (_augmenter is null)
        {
            _preprocessor.Normalize(_set.Crop(sample, view, _crop), image);
            return;
        }

        _augmenter.Make(_set.Crop(sample, view, _crop), _rng, _view);
        _preprocessor.Normalize(_view, image);
    }
}
