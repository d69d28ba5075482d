using System;

namespace Thomas.Training;

/// <summary>
/// The state of a head in training, over standardized features: weights, optimizer moments, batch buffers. A step allocates nothing.
/// </summary>
internal sealed class HeadLearner
{
    internal const int EvaluationRows = 64;

    /// <summary>Classes whose gradient is made and used at once, while it is in the caches.</summary>
    private const int BlockClasses = 8;

    private readonly FeatureMatrix _train;
    private readonly FeatureScaler _scaler;
    private readonly HeadOptions _options;
    private readonly int _classes;
    private readonly int _features;
    private readonly int _frozen;
    private readonly float[] _classWeights;
    private readonly float[] _weights;
    private readonly float[] _bias;
    private readonly float[] _keptWeights;
    private readonly float[] _keptBias;
    private readonly float[] _gradWeights;
    private readonly float[] _gradBias;
    private readonly float[] _x;
    private readonly float[] _logits;
    private readonly int[] _labels;
    private readonly Optimizer _weightOptimizer;
    private readonly Optimizer _biasOptimizer;

    public HeadLearner(FeatureMatrix train, int classes, LinearHead? initial, int frozenClasses, HeadOptions options)
    {
        _train = train;
        _options = options;
        _classes = classes;
        _features = train.Features;
        _frozen = frozenClasses;
        _scaler = FeatureScaler.Fit(train);
        _classWeights = options.ClassBalance == ClassBalance.Weighted ? BalancedWeights(train.Labels, classes) : [];
        _weights = new float[(long)classes * _features];
        _bias = new float[classes];
        if (initial is not null)
        {
            for (int c = 0; c < initial.Classes; c++)
                _bias[c] = _scaler.Unfold(initial.Weights.Slice(c * _features, _features), initial.Bias[c], _weights.AsSpan(c * _features, _features));
        }

        int trained = classes - frozenClasses, rows = Math.Max(Math.Min(options.BatchSize, train.Samples), EvaluationRows);
        _gradWeights = new float[(options.ClipNorm is null ? Math.Min(BlockClasses, trained) : trained) * _features];
        _gradBias = new float[trained];
        _x = new float[(long)rows * _features];
        _logits = new float[(long)rows * classes];
        _labels = new int[rows];
        _weightOptimizer = Optimizer.Create(options, trained * _features, options.WeightDecay ?? options.AutomaticWeightDecay(_features));
        _biasOptimizer = Optimizer.Create(options, trained, weightDecay: 0);
        _keptWeights = [.. _weights];
        _keptBias = [.. _bias];
    }

    /// <summary>
    /// One step on the given samples and views: loss and gradient at the present weights, then an update unless the loss is not finite.
    /// </summary>
    /// <returns>The loss of the batch before the update.</returns>
    public double Step(ReadOnlySpan<int> samples, ReadOnlySpan<int> views, float learningRate, out int correct)
    {
        int rows = samples.Length;
        for (int n = 0; n < rows; n++)
        {
            _scaler.Apply(_train.Row(samples[n], views[n]), _x.AsSpan(n * _features, _features));
            _labels[n] = _train.Labels[samples[n]];
        }

        Span<float> logits = _logits.AsSpan(0, rows * _classes);
        ReadOnlySpan<int> labels = _labels.AsSpan(0, rows);
        HeadMath.Logits(_x, _weights, _bias, logits, rows);
        correct = 0;
        for (int n = 0; n < rows; n++)
        {
            if (TopK.Best(logits.Slice(n * _classes, _classes)) == labels[n]) correct++;
        }

        double loss = HeadLoss.Compute(logits, labels, _classes, logits, _options.LabelSmoothing, _classWeights);
        if (double.IsFinite(loss)) Update(logits, rows, learningRate);
        return loss;
    }

    /// <summary>Plain mean cross-entropy over view 0 of every sample; counts go to <paramref name="confusion"/>, which is cleared first.</summary>
    public double Evaluate(FeatureMatrix matrix, ConfusionMatrix confusion)
    {
        confusion.Clear();
        double total = 0;
        for (int first = 0; first < matrix.Samples; first += EvaluationRows)
        {
            int rows = Math.Min(EvaluationRows, matrix.Samples - first);
            for (int n = 0; n < rows; n++) _scaler.Apply(matrix.Row(first + n), _x.AsSpan(n * _features, _features));
            ReadOnlySpan<int> labels = matrix.Labels.Slice(first, rows);
            Span<float> logits = _logits.AsSpan(0, rows * _classes);
            HeadMath.Logits(_x, _weights, _bias, logits, rows);
            total += rows * HeadLoss.Compute<float>(logits, labels, _classes, default, 0, default);
            for (int n = 0; n < rows; n++) confusion.Add(labels[n], TopK.Best(logits.Slice(n * _classes, _classes)));
        }

        return total / matrix.Samples;
    }

    /// <summary>Whether every weight and bias is a number.</summary>
    public bool IsFinite() => HeadMath.AllFinite(_weights) && HeadMath.AllFinite(_bias);

    /// <summary>Remembers the present weights.</summary>
    public void Keep()
    {
        _weights.CopyTo(_keptWeights, 0);
        _bias.CopyTo(_keptBias, 0);
    }

    /// <summary>Goes back to the remembered weights (at first the initial ones) and forgets the optimizer's moments.</summary>
    public void Restore()
    {
        _keptWeights.CopyTo(_weights, 0);
        _keptBias.CopyTo(_bias, 0);
        _weightOptimizer.Reset();
        _biasOptimizer.Reset();
    }

    /// <summary>The head for plain features. Frozen rows are the very bits of <paramref name="initial"/>.</summary>
    public LinearHead ToHead(LinearHead? initial)
    {
        float[] weights = new float[_weights.Length], bias = new float[_classes];
        if (_frozen > 0)
        {
            initial!.Weights[..(_frozen * _features)].CopyTo(weights);
            initial.Bias[.._frozen].CopyTo(bias);
        }

        for (int c = _frozen; c < _classes; c++)
            bias[c] = _scaler.Fold(_weights.AsSpan(c * _features, _features), _bias[c], weights.AsSpan(c * _features, _features));
        return new LinearHead(weights, bias);
    }

    /// <summary><c>N / (C' * N[c])</c>, C' being the number of classes that have samples; 0 for the others. Its mean over the samples is 1.</summary>
    internal static float[] BalancedWeights(ReadOnlySpan<int> labels, int classes)
    {
        int[] counts = new int[classes];
        foreach (int label in labels) counts[label]++;
        int present = 0;
        foreach (int count in counts) present += count > 0 ? 1 : 0;
        float[] weights = new float[classes];
        for (int c = 0; c < classes; c++) weights[c] = counts[c] == 0 ? 0 : (float)((double)labels.Length / ((double)present * counts[c]));
        return weights;
    }

    private void Update(ReadOnlySpan<float> gradLogits, int rows, float learningRate)
    {
        Array.Clear(_gradBias);
        for (int n = 0; n < rows; n++) HeadMath.AddTo(_gradBias, gradLogits.Slice((n * _classes) + _frozen, _gradBias.Length));

        _weightOptimizer.Begin(learningRate);
        Span<float> weights = _weights.AsSpan(_frozen * _features);
        float scale = 1;
        if (_options.ClipNorm is float bound)
        {
            HeadMath.WeightGradient(gradLogits, _x, _gradWeights, rows, _classes, _frozen, _gradBias.Length);
            double norm = Math.Sqrt((double)HeadMath.Dot(_gradWeights, _gradWeights) + HeadMath.Dot(_gradBias, _gradBias));
            if (norm > bound) scale = (float)(bound / norm);
            _weightOptimizer.Update(0, weights, _gradWeights, scale);
        }
        else
        {
            for (int c = 0; c < _gradBias.Length; c += BlockClasses)
            {
                int count = Math.Min(BlockClasses, _gradBias.Length - c);
                Span<float> gradient = _gradWeights.AsSpan(0, count * _features);
                HeadMath.WeightGradient(gradLogits, _x, gradient, rows, _classes, _frozen + c, count);
                _weightOptimizer.Update(c * _features, weights.Slice(c * _features, gradient.Length), gradient, scale);
            }
        }

        _biasOptimizer.Step(_bias.AsSpan(_frozen), _gradBias, learningRate, scale);
    }
}
