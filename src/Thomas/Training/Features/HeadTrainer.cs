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
/// <para>Classes whose rows stay as they are take part as rivals. Softmax cross-entropy sees of them only the logarithm of the sum of their exponentials, one
/// number a sample that does not change, so a thousand of them cost as much as one. They are class 0 then, and the trained rows are classes 1, 2 and on. What
/// is trained is added to the rows as given, and weight decay acts on what is added, so that a row is drawn to where it began and not to zero (L2-SP, Li et al.
/// 2018).</para>
/// </remarks>
internal static class HeadTrainer
{
    private const string NewWeights = "head.weight", NewBias = "head.bias";

    /// <summary>Trains a head.</summary>
    /// <param name="train">Training features, any number of views.</param>
    /// <param name="validation">Validation features, of which view 0 is used; null if there are none, or with rivals.</param>
    /// <param name="classes">Number of classes, 2 to 32,768, the rivals counted as one.</param>
    /// <param name="options">How; null for <see cref="TrainerOptions.LastLayer"/>.</param>
    /// <param name="initial">Rows to start from; null starts all of them from zero.</param>
    /// <param name="rivals">Of each row of <paramref name="train"/> (views outermost) the log-sum-exp of the scores of the classes that stay as they are; null
    /// if there are none.</param>
    /// <param name="epochs">Told after every epoch.</param>
    /// <param name="cancellation">Ends training before the next step; the result is then the best so far.</param>
    /// <returns>The rows that were trained, and the report of the run.</returns>
    /// <exception cref="ArgumentException">Sizes do not fit, a label is not one of the classes, or an option is out of its range.</exception>
    /// <exception cref="DataException">A training feature is not finite.</exception>
    /// <exception cref="ThomasException">Training diverges in spite of lower learning rates.</exception>
    public static (LinearHead Head, TrainerResult Run) Train(
        FeatureMatrix train,
        FeatureMatrix? validation,
        int classes,
        TrainerOptions? options = null,
        LinearHead? initial = null,
        float[]? rivals = null,
        IProgress<EpochReport>? epochs = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        options ??= TrainerOptions.LastLayer;
        options.Validate();

        // Steps of a single layer are too short to be split.
        options = options with { Compile = options.Compile.Unsplit };
        CheckSizes(train, validation, classes, initial, rivals);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        Model layer = ToModel(scaler, rivals is null ? classes : classes - 1, initial, rivals is not null);
        TrainingInputs inputs = new(
            layer, IsKnown: false, new FeatureSamples(train, scaler, rivals),
            validation is null ? null : new FeatureSamples(validation, scaler))
        { HasBaseline = false, RestartsFromBest = options.Optimizer.AverageDecay is null };

        // The last batches are evened out: 300 rows at 32 make ten batches of 30.
        int steps = (int)(((long)train.Samples + options.BatchSize - 1) / options.BatchSize);
        options = options.ForFeatures(train.Features) with { OutputLogits = true, BatchSize = (train.Samples + steps - 1) / steps };
        TrainerResult result;
        using (TrainingRun run = new(inputs, options, [], epochs, null, cancellation)) result = run.Go();
        GC.KeepAlive(train);
        GC.KeepAlive(validation);
        return (ToHead(result.Model, scaler, rivals is null ? null : initial), result);
    }

    /// <summary>The layer as a network of its own, from standardized features to scores.</summary>
    private static Model ToModel(FeatureScaler scaler, int rows, LinearHead? initial, bool hasRivals)
    {
        float[] weights = new float[(long)rows * scaler.Features], bias = new float[rows];
        for (int c = 0; c < (initial?.Classes ?? 0); c++)
            bias[c] = scaler.Unfold(initial!.Row(c), initial.Bias[c], weights.AsSpan(c * scaler.Features, scaler.Features));
        return ToModel(scaler.Features, weights, bias, hasRivals);
    }

    /// <summary>The layer as a network of its own. With rivals the input ends in their score, which is the first of the scores.</summary>
    internal static Model ToModel(int features, float[] weights, float[] bias, bool hasRivals)
    {
        GraphBuilder builder = new();
        int rows = bias.Length;
        Value scores;
        if (hasRivals)
        {
            Value all = builder.Input("features", new TensorType(DType.F32, new Shape(1, features + 1)));
            Value input = builder.Add(OpCatalog.Slice, [all], new SliceAttributes(new IntList(0, 0), new IntList(-1, features), new IntList(1, 1)));
            Value rivals = builder.Add(
                OpCatalog.Slice, [all], new SliceAttributes(new IntList(0, features), new IntList(-1, 1), new IntList(1, 1)), "rivals");
            Value given = Layer(input, "given", weights, bias), added = Layer(input, "head", new float[weights.Length], new float[rows]);
            scores = builder.Add(OpCatalog.Concat, [rivals, builder.Add(OpCatalog.Add, [given, added])], new ConcatAttributes(1), "scores");
        }
        else
        {
            scores = Layer(builder.Input("features", new TensorType(DType.F32, new Shape(1, features))), "head", weights, bias);
        }

        return new Model(builder.Build(scores), new ModelInfo { Name = "last layer", Labels = Numbers(hasRivals ? rows + 1 : rows) });

        Value Layer(Value x, string name, float[] w, float[] b) => builder.Add(
            OpCatalog.Dense,
            [
                x, builder.Constant($"{name}.weight", TensorData.FromFloats(new Shape(rows, features), w)),
                builder.Constant($"{name}.bias", TensorData.FromFloats(new Shape(rows), b)),
            ],
            new DenseAttributes(HasBias: true), $"{name}/scores");
    }

    private static string[] Numbers(int count)
    {
        string[] numbers = new string[count];
        for (int i = 0; i < count; i++) numbers[i] = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return numbers;
    }

    /// <summary>The trained rows for plain features, added to those that were given.</summary>
    private static LinearHead ToHead(Model layer, FeatureScaler scaler, LinearHead? given)
    {
        ReadOnlySpan<float> trained = Constant(layer, NewWeights), trainedBias = Constant(layer, NewBias);
        int features = scaler.Features, rows = trainedBias.Length;
        float[] weights = new float[(long)rows * features], bias = new float[rows];
        for (int c = 0; c < rows; c++)
        {
            Span<float> row = weights.AsSpan(c * features, features);
            bias[c] = scaler.Fold(trained.Slice(c * features, features), trainedBias[c], row);
            if (given is null) continue;
            bias[c] += given.Bias[c];
            for (int k = 0; k < features; k++) row[k] += given.Row(c)[k];
        }

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

    private static void CheckSizes(FeatureMatrix train, FeatureMatrix? validation, int classes, LinearHead? initial, float[]? rivals)
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
            if (rivals is not null) throw new ArgumentException("There is no validation beside rivals.", nameof(validation));
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

        int rows = rivals is null ? classes : classes - 1;
        if (initial is not null && initial.Classes > rows)
        {
            throw new ArgumentException($"The initial head has {initial.Classes} classes, more than the {rows} to train.", nameof(initial));
        }

        if (rivals is null) return;
        if (rivals.Length != train.Samples * train.Views)
        {
            throw new ArgumentException($"There are {rivals.Length} scores of rivals for {train.Samples} samples of {train.Views} views.", nameof(rivals));
        }

        if (initial?.Classes != rows) throw new ArgumentException($"Beside rivals all {rows} rows must be given.", nameof(initial));
    }
}
