using System;

namespace Thomas.Training;

/// <summary>Prepares batches: samples as the network takes them, mixed, with targets and weights. For one thread; warm, it allocates nothing.</summary>
internal sealed class BatchMaker
{
    private readonly SampleReader _reader;
    private readonly BatchPlan _plan;
    private readonly float _smoothing;
    private readonly (int Width, int Height, int Channels) _size;
    private readonly float[] _partner;
    private readonly Rng _rng = new(0);

    /// <param name="samples">What is trained on.</param>
    /// <param name="plan">Which samples go where.</param>
    /// <param name="smoothing">Share of the targets that is spread over all classes.</param>
    public BatchMaker(SampleSource samples, BatchPlan plan, float smoothing)
    {
        _reader = samples.Open();
        _plan = plan;
        _smoothing = smoothing;
        _size = samples.ImageSize;
        _partner = plan.Mixes ? new float[samples.InputLength] : [];
    }

    /// <summary>Prepares a run of the plan's present epoch.</summary>
    /// <param name="step">The step.</param>
    /// <param name="run">The run of the step.</param>
    /// <param name="batch">Receives it.</param>
    public void Fill(int step, int run, BatchSpans batch)
    {
        int length = batch.Inputs.Length / _plan.MicroBatch, classes = _plan.Classes, first = run * _plan.MicroBatch, rows = _plan.Rows(step);
        for (int i = 0; i < _plan.MicroBatch; i++)
        {
            Span<float> input = batch.Inputs.Slice(i * length, length), target = batch.Targets.Slice(i * classes, classes);
            int row = first + i;
            if (row >= rows)
            {
                input.Clear();
                target.Clear();
                (batch.Weights[i], batch.Labels[i]) = (0, Batch.NotCounted);
                continue;
            }

            Pick pick = _plan.Draw(((long)step * _plan.BatchSize) + row, _rng);
            _reader.Read(pick.Sample, pick.View, _rng, input);
            if (pick.Mix.Share < 1)
            {
                _reader.Read(pick.Partner, pick.PartnerView, _rng, _partner);
                Mixing.Apply(pick.Mix, input, _partner, _size.Width, _size.Channels);
            }

            _plan.Target(pick, _smoothing, target);
            batch.Weights[i] = _plan.Weight(pick, step);
            batch.Labels[i] = row >= _plan.NewRows(step) ? Batch.NotCounted : _plan.Label(pick.Mix.Share >= 0.5f ? pick.Sample : pick.Partner);
        }
    }
}
