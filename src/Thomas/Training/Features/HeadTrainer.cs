using System;
using System.Threading;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Training;

/// <summary>
/// Trains the last layer of a classifier on the features that the frozen layers before it computed. It is a training run like any other: the network is this
/// one layer, and a feature row takes the place of an image.
/// </summary>
/// <remarks>
/// <para>Features are standardized inside, <c>z[k] = (x[k] - mean[k]) / sqrt(var[k] + v / 10)</c> with mean and variance over the training rows and v the mean
/// of the variances, so that one learning rate suits every network; the trained head has that folded back in and takes plain features. Weight decay acts on the
/// weights of the standardized features. Rows of a new head start as zeros: the problem is convex, and the first prediction is indifferent between the new
/// classes.</para>
/// <para>Classes that are kept are a layer of their own whose weights are constants, and only their scores take part.</para>
/// </remarks>
internal static class HeadTrainer
{
    private const string NewWeights = "head.weight", NewBias = "head.bias";

    /// <summary>Trains a head.</summary>
    /// <param name="train">Training features, any number of views.</param>
    /// <param name="validation">Validation features, of which view 0 is used; null if there are none.</param>
    /// <param name="classes">Number of classes, 2 to 32,768.</param>
    /// <param name="options">How; null for <see cref="TrainerOptions.LastLayer"/>.</param>
    /// <param name="initial">Weights to start from, for the first classes; null starts all rows from zero.</param>
    /// <param name="frozenClasses">How many leading classes of <paramref name="initial"/> keep their weights and bias, bit for bit; they still compete in the
    /// loss.</param>
    /// <param name="epochs">Told after every epoch.</param>
    /// <param name="cancellation">Ends training before the next step; the result is then the best so far.</param>
    /// <returns>The head, and the report of the run.</returns>
    /// <exception cref="ArgumentException">Sizes do not fit, a label is not one of the classes, no class is left to be trained, or an option is out of its
    /// range.</exception>
    /// <exception cref="DataException">A training feature is not finite.</exception>
    /// <exception cref="ThomasException">Training diverges in spite of lower learning rates.</exception>
    public static (LinearHead Head, TrainerResult Run) Train(
        FeatureMatrix train,
        FeatureMatrix? validation,
        int classes,
        TrainerOptions? options = null,
        LinearHead? initial = null,
        int frozenClasses = 0,
        IProgress<EpochReport>? epochs = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        options ??= TrainerOptions.LastLayer;
        options.Validate();

        // Steps of a single layer are too short to be split.
        options = options with { Compile = options.Compile.Unsplit };
        CheckSizes(train, validation, classes, initial, frozenClasses);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        Model layer = ToModel(scaler, classes, initial, frozenClasses);
        TrainingInputs inputs = new(
            layer, IsKnown: false, new FeatureSamples(train, scaler),
            validation is null ? null : new FeatureSamples(validation, scaler))
        { HasBaseline = false, RestartsFromBest = options.Optimizer.AverageDecay is null };

        // The last batches are evened out: 300 rows at 32 make ten batches of 30.
        int steps = (int)(((long)train.Samples + options.BatchSize - 1) / options.BatchSize);
        options = options.ForFeatures(train.Features) with { OutputLogits = true, BatchSize = (train.Samples + steps - 1) / steps };
        TrainerResult result;
        using (TrainingRun run = new(inputs, options, [], epochs, null, cancellation)) result = run.Go();
        GC.KeepAlive(train);
        GC.KeepAlive(validation);
        return (ToHead(result.Model, scaler, initial, frozenClasses), result);
    }

    /// <summary>The layer as a network of its own, from standardized features to scores.</summary>
    internal static Model ToModel(FeatureScaler scaler, int classes, LinearHead? initial, int frozenClasses)
    {
        float[] weights = new float[(long)classes * scaler.Features], bias = new float[classes];
        for (int c = 0; c < (initial?.Classes ?? 0); c++)
            bias[c] = scaler.Unfold(initial!.Row(c), initial.Bias[c], weights.AsSpan(c * scaler.Features, scaler.Features));
        return ToModel(scaler.Features, weights, bias, frozenClasses);
    }

    /// <summary>The layer as a network of its own. Of frozen classes the weights are those of another layer, whose scores come first.</summary>
    internal static Model ToModel(int features, float[] weights, float[] bias, int frozenClasses)
    {
        GraphBuilder builder = new();
        Value input = builder.Input("features", new TensorType(DType.F32, new Shape(1, features)));
        Value? kept = frozenClasses > 0 ? Layer(0, frozenClasses, "kept.weight", "kept.bias") : null;
        Value scores = Layer(frozenClasses, bias.Length, NewWeights, NewBias);
        if (kept is not null) scores = builder.Add(OpCatalog.Concat, [kept, scores], new ConcatAttributes(1), "scores");
        return new Model(builder.Build(scores), new ModelInfo { Name = "last layer", Labels = Numbers(bias.Length) });

        Value Layer(int first, int end, string weight, string shift)
        {
            Value w = builder.Constant(weight, TensorData.FromFloats(new Shape(end - first, features), weights[(first * features)..(end * features)]));
            Value b = builder.Constant(shift, TensorData.FromFloats(new Shape(end - first), bias[first..end]));
            return builder.Add(OpCatalog.Dense, [input, w, b], new DenseAttributes(HasBias: true), $"{weight[..4]}/scores");
        }
    }

    private static string[] Numbers(int count)
    {
        string[] numbers = new string[count];
        for (int i = 0; i < count; i++) numbers[i] = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return numbers;
    }

    /// <summary>The head for plain features. Frozen rows are the very bits of <paramref name="initial"/>.</summary>
    private static LinearHead ToHead(Model layer, FeatureScaler scaler, LinearHead? initial, int frozen)
    {
        ReadOnlySpan<float> trained = Constant(layer, NewWeights), trainedBias = Constant(layer, NewBias);
        int features = scaler.Features, classes = frozen + trainedBias.Length;
        float[] weights = new float[(long)classes * features], bias = new float[classes];
        if (frozen > 0)
        {
            initial!.Weights[..(frozen * features)].CopyTo(weights);
            initial.Bias[..frozen].CopyTo(bias);
        }

        for (int c = frozen; c < classes; c++)
            bias[c] = scaler.Fold(trained.Slice((c - frozen) * features, features), trainedBias[c - frozen], weights.AsSpan(c * features, features));
        return new LinearHead(weights, bias);
    }

    private static ReadOnlySpan<float> Constant(Model layer, string name)
    {
        foreach (Value value in layer.Graph.Values)
        {
            if (value.Name == name && value.Constant is TensorData data) return data.Floats;
        }

        throw new InvalidOperationException($"The trained layer has no '{name}'.");
    }

    private static void CheckSizes(FeatureMatrix train, FeatureMatrix? validation, int classes, LinearHead? initial, int frozenClasses)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, ConfusionMatrix.MostClasses);
        if ((long)classes * train.Features > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(nameof(classes), classes, $"{classes} classes of {train.Features} features need too many weights.");
        }

        train.RequireLabelsBelow(classes, "Training");
        if (validation is not null)
        {
            validation.RequireLabelsBelow(classes, "Validation");
            if (validation.Features != train.Features)
            {
                throw new ArgumentException($"Validation has {validation.Features} features, training {train.Features}.", nameof(validation));
            }
        }

        if (initial is not null && initial.Features != train.Features)
        {
            throw new ArgumentException($"The initial head has {initial.Features} features, training {train.Features}.", nameof(initial));
        }

        if (initial is not null && initial.Classes > classes)
        {
            throw new ArgumentException($"The initial head has {initial.Classes} classes, more than the {classes} to train.", nameof(initial));
        }

        if (frozenClasses < 0 || frozenClasses > (initial?.Classes ?? 0) || frozenClasses >= classes)
        {
            throw new ArgumentOutOfRangeException(
                nameof(frozenClasses), frozenClasses,
                $"The initial head has {initial?.Classes ?? 0} classes of {classes}; at least one class must be left to train.");
        }
    }
}
