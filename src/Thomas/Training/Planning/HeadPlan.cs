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
    private readonly Graph _features;
    private readonly int _featureCount;
    private readonly Func<TrainerOptions, TrainingPlan> _layer;

    private HeadPlan(Graph features, int featureCount, Func<TrainerOptions, TrainingPlan> layer) =>
        (_features, _featureCount, _layer) = (features, featureCount, layer);

    /// <summary>A step of the layer on rows of features; null before <see cref="For"/>.</summary>
    internal TrainingPlan? Step { get; private init; }

    /// <summary>Weights and biases of the new layer.</summary>
    public long TrainedParameters { get; private init; }

    /// <summary>Images of one run of inference.</summary>
    public int InferenceBatch { get; private init; }

    /// <summary>Bytes of the frozen part as the model holds it.</summary>
    public long FrozenConstants { get; private init; }

    /// <summary>What inference allocates: packed weights and its arena. It is free again when training begins.</summary>
    public long Inference { get; private init; }

    /// <summary>
    /// What training the layer allocates, without the features: the step, validation, the weights as given and as they become, and, unless there is a bound of
    /// memory, the best weights, which else lie in a file. They are also the state to go back to.
    /// </summary>
    public long Head { get; private init; }

    /// <summary>What of <see cref="Inference"/> is in the memory of a device that is not the CPU.</summary>
    internal long InferenceDevice { get; private init; }

    /// <summary>What of <see cref="Head"/> is.</summary>
    internal long HeadDevice { get; private init; }

    /// <summary>Memory of the host that such a device takes for transfers.</summary>
    internal long PinnedBytes { get; private init; }

    /// <summary>What of <see cref="Head"/> is not the step.</summary>
    internal long BesideStep => Head - (Step?.Memory.Total ?? 0);

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
    /// <param name="head">How the layer is trained.</param>
    /// <param name="images">How many images there are; 0 where that is not known yet.</param>
    /// <param name="compile">Device and threads.</param>
    /// <param name="run">Images of a run of inference.</param>
    /// <exception cref="ThomasException">The model's last layer cannot be tuned.</exception>
    public static HeadPlan Create(Model model, int classes, TrainerOptions head, int images, CompileOptions compile, int run = FeatureExtractor.DefaultBatch)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(compile);
        return ByRun(model, classes, compile)(run).For(head, images);
    }

    /// <summary>
    /// The plans for any number of images in a run of inference, each made once: they compile the frozen part, which takes a while for a long graph.
    /// </summary>
    internal static Func<int, HeadPlan> ByRun(Model model, int classes, CompileOptions compile)
    {
        Dictionary<int, HeadPlan> plans = [];
        HeadSplit? split = null;
        (TrainerOptions Head, TrainingPlan Plan)? layer = null;
        return run =>
        {
            split ??= HeadSplit.Find(model);
            if (!plans.TryGetValue(run, out HeadPlan? plan)) plans.Add(run, plan = Compile(split, classes, compile, run, Layer));
            return plan;
        };

        TrainingPlan Layer(TrainerOptions head)
        {
            if (layer?.Head == head) return layer.Value.Plan;
            int features = split!.FeatureCount;
            if ((long)classes * features > Array.MaxLength) throw new ThomasException($"{classes} classes of {features} features need too many weights.");
            Model alone = HeadTrainer.ToModel(features, new float[classes * features], new float[classes], hasRivals: false);
            TrainingPlan plan = TrainingPlanner.Plan(alone, (head with { Compile = compile }).ForFeatures(features).ToPlan(0));
            layer = (head, plan);
            return plan;
        }
    }

    /// <summary>The plan for other rows of features.</summary>
    /// <param name="head">How the layer is trained.</param>
    /// <param name="rows">Rows in all: views of all images.</param>
    /// <param name="isBounded">Whether there is a bound of memory.</param>
    internal HeadPlan For(TrainerOptions head, long rows, bool isBounded = false)
    {
        TrainingPlan step = _layer(head);
        TrainingMemory memory = step.Memory;
        CompiledGraph validation =
            CompiledGraph.Create(Rebatch.Run(step.Trainee.Graph, ScoreEvaluator.BatchOf(isBounded, int.MaxValue)), step.Options.Compile);
        return this with
        {
            Step = step,
            Head = memory.Total + validation.SizeBytes + validation.StageBytes + memory.ModelCopy + memory.TrainedWeights
            + (isBounded ? 0 : step.KeptCopies * memory.TrainedWeights),
            HeadDevice = memory.DeviceBytes + validation.DeviceBytes + validation.DeviceStageBytes,
            Features = sizeof(float) * rows * _featureCount,
            StepMultiplyAdds = step.ForwardMultiplyAdds + step.BackwardMultiplyAdds,
        };
    }

    private static HeadPlan Compile(HeadSplit split, int classes, CompileOptions compile, int run, Func<TrainerOptions, TrainingPlan> layer)
    {
        CompiledGraph inference = CompiledGraph.Create(Rebatch.Run(split.FeatureGraph(), run), compile);
        return new HeadPlan(inference.Graph, split.FeatureCount, layer)
        {
            TrainedParameters = (long)classes * (split.FeatureCount + 1),
            InferenceBatch = run,
            FrozenConstants = inference.FrozenBytes,
            Inference = inference.SizeBytes + inference.StageBytes + inference.ExpandedBytes,
            InferenceDevice = inference.DeviceBytes + inference.DeviceStageBytes,
            PinnedBytes = inference.Places.Devices[0].HostBytes,
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

    /// <summary>Predicted time of a step of the layer.</summary>
    /// <param name="model">Rates of the machine, for example from <see cref="MachineRates.Measure"/>.</param>
    public double StepSeconds(CostModel model) => Step?.Seconds(model) ?? 0;

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"features at batch {InferenceBatch}: {ByteSize.Format(FrozenConstants + Inference)}; the layer: {ByteSize.Format(Head)}");
}
