using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Planning;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// What <see cref="Tuner"/> needs for the last layer: each image's features are computed once, by inference alone, and then the layer is trained on them.
/// </summary>
internal sealed record HeadPlan
{
    // Weights, the best of them so far, their gradient, and the moments of Adam.
    private const int CopiesOfWeights = 5;

    private readonly Graph _features;
    private readonly int _classes, _featureCount;

    private HeadPlan(Graph features, int classes, int featureCount) => (_features, _classes, _featureCount) = (features, classes, featureCount);

    /// <summary>Weights and biases of the new layer.</summary>
    public long TrainedParameters { get; private init; }

    /// <summary>Images of one run of inference.</summary>
    public int InferenceBatch { get; private init; }

    /// <summary>Bytes of the frozen part as the model holds it.</summary>
    public long FrozenConstants { get; private init; }

    /// <summary>What inference allocates: packed weights and its arena. It is free again when training begins.</summary>
    public long Inference { get; private init; }

    /// <summary>What training the layer allocates, without the features.</summary>
    public long Head { get; private init; }

    /// <summary>Bytes of the features of all images.</summary>
    public long Features { get; private init; }

    /// <summary>The most that is there at once.</summary>
    public long Total => FrozenConstants + Features + Math.Max(Inference, Head);

    /// <summary>Multiply-adds of one image's features, once in a training.</summary>
    public long ImageMultiplyAdds { get; private init; }

    /// <summary>Multiply-adds of one step.</summary>
    public long StepMultiplyAdds { get; private init; }

    /// <summary>Plans the training of a new last layer.</summary>
    /// <param name="model">The model; its last layer is replaced.</param>
    /// <param name="classes">Number of new classes.</param>
    /// <param name="batch">Rows of features in a step.</param>
    /// <param name="images">How many images there are; 0 where that is not known yet.</param>
    /// <param name="compile">Device and threads.</param>
    /// <exception cref="ThomasException">The model's last layer cannot be tuned.</exception>
    public static HeadPlan Create(Model model, int classes, int batch, int images, CompileOptions compile) =>
        Create(model, classes, batch, images, compile, FeatureExtractor.DefaultBatch);

    /// <summary>As the other overload, with so many images in a run of inference.</summary>
    public static HeadPlan Create(Model model, int classes, int batch, int images, CompileOptions compile, int run)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(compile);
        return Compile(model, classes, compile, run).For(batch, images);
    }

    /// <summary>The plans for any number of images in a run of inference, each made once: they compile the frozen part, which takes a while for a long graph.</summary>
    internal static Func<int, HeadPlan> ByRun(Model model, int classes, CompileOptions compile)
    {
        Dictionary<int, HeadPlan> plans = [];
        return run =>
        {
            if (!plans.TryGetValue(run, out HeadPlan? plan)) plans.Add(run, plan = Compile(model, classes, compile, run));
            return plan;
        };
    }

    /// <summary>The plan for other rows of features.</summary>
    /// <param name="batch">Rows in a step.</param>
    /// <param name="rows">Rows in all: views of all images.</param>
    internal HeadPlan For(int batch, long rows) => this with
    {
        Head = sizeof(float) * ((CopiesOfWeights * TrainedParameters) + ((long)Math.Max(batch, HeadLearner.EvaluationRows) * (_featureCount + _classes))),
        Features = sizeof(float) * rows * _featureCount,
        StepMultiplyAdds = 2L * batch * _classes * _featureCount,
    };

    private static HeadPlan Compile(Model model, int classes, CompileOptions compile, int run)
    {
        HeadSplit split = HeadSplit.Find(model);
        CompiledGraph inference = CompiledGraph.Create(Rebatch.Run(split.FeatureGraph(), run), compile);
        return new HeadPlan(inference.Graph, classes, split.FeatureCount)
        {
            TrainedParameters = (long)classes * (split.FeatureCount + 1),
            InferenceBatch = run,
            FrozenConstants = inference.FrozenBytes,
            Inference = inference.SizeBytes,
            ImageMultiplyAdds = inference.Graph.Cost.MultiplyAdds / run,
        };
    }

    /// <summary>Predicted time of one image's features.</summary>
    /// <param name="model">Rates of the machine, for example from <see cref="MachineRates.Measure"/>.</param>
    public double ImageSeconds(CostModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Seconds(_features) / InferenceBatch;
    }

    /// <summary>Predicted time of a step: products, and each copy of the weights read and written.</summary>
    /// <param name="model">Rates of the machine, for example from <see cref="MachineRates.Measure"/>.</param>
    public double StepSeconds(CostModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return (StepMultiplyAdds / model.ProductRate) + (2.0 * CopiesOfWeights * sizeof(float) * TrainedParameters / model.Bandwidth);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"features at batch {InferenceBatch}: {ByteSize.Format(FrozenConstants + Inference)}; the layer: {ByteSize.Format(Head)}");
}
