using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What a run is planned for.</summary>
public sealed record RunPlanOptions
{
    /// <summary>The training of more than the last layer: policy, batch, optimizer; its bound is not used. Null for the last layer alone.</summary>
    public TrainingPlanOptions? Network { get; init; }

    /// <summary>Whether a new last layer is trained on features first, as <c>tune</c> does.</summary>
    public bool LastLayerFirst { get; init; } = true;

    /// <summary>Classes of the last layer.</summary>
    public required int Classes { get; init; }

    /// <summary>Training and validation pictures; 0 where they are not known yet.</summary>
    public int Pictures { get; init; }

    /// <summary>Views of each training picture whose features are computed.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Rows of features in a step of the last layer.</summary>
    public int HeadBatch { get; init; } = 32;

    /// <summary>Bound of all that the run adds to the process; null for none.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Threads that prepare batches beside those that compute.</summary>
    public int LoaderThreads { get; init; } = 1;

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();
}

/// <summary>
/// Plans all stages of a run under one bound: decoding, features, the last layer, the network, saving. What a stage needs at least is counted before anything runs; where that
/// is above the bound, the smallest bound that works is named.
/// </summary>
public static class RunPlanner
{
    /// <summary>
    /// What every stage adds beside what is counted exactly: compiled code and libraries as they are used for the first time, stacks, objects of the plan, garbage until it is
    /// collected. Measured on Linux x64; see docs/training.md.
    /// </summary>
    public const long RuntimeBytes = 20L << 20;

    // The least that decoders can work with, and the most that they can use.
    private const long LeastDecodeBytes = 8L << 20, MostDecodeBytes = 64L << 20;

    // Encoded files: one in each of the threads that decode.
    private const long FileBytes = 4L << 20;

    /// <summary>What decoding may hold under a bound: the memory for a picture decoder that works for the run.</summary>
    public static long DecodeBytes(long bound, CompileOptions compile)
    {
        ArgumentNullException.ThrowIfNull(compile);
        return Math.Clamp(bound - RuntimeBytes - Files(compile), LeastDecodeBytes, MostDecodeBytes);
    }

    /// <summary>Plans a run.</summary>
    /// <param name="model">The model as it was read.</param>
    /// <param name="options">What is to be done.</param>
    /// <exception cref="ThomasException">It does not fit the bound; the message names the smallest that works. Or the model cannot be trained so.</exception>
    public static RunPlan Plan(Model model, RunPlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        long bound = options.MemoryBytes ?? long.MaxValue;
        List<RunStage> stages = [];
        long files = Files(options.Compile);
        long decode = DecodeBytes(bound, options.Compile);
        stages.Add(new RunStage("pictures", [("decoding at most", decode), ("files", files), ("runtime", RuntimeBytes)]));
        int featureBatch = FeatureExtractor.DefaultBatch;
        if (options.LastLayerFirst) featureBatch = AddLastLayer(model, options, bound, stages);

        long least = 0;
        foreach (RunStage stage in stages) least = Math.Max(least, stage.Name == "pictures" ? LeastDecodeBytes + files + RuntimeBytes : stage.Bytes);
        TrainingPlan? step = null;
        Func<TrainingPlan, long>? beside = null;
        if (options.Network is TrainingPlanOptions network)
        {
            Model start = options.LastLayerFirst ? TrainingPlanner.WithClasses(model, options.Classes) : model;
            beside = Beside(start, options.LoaderThreads);
            network = network with { MemoryBytes = options.MemoryBytes, Beside = beside };
            if (least > bound)
            {
                if (network.Policy.Kind != Autodiff.UpdateKind.Sparse)
                    least = Math.Max(least, TrainingPlanner.LeastBytes(Trainee.Create(start, network.Policy, network.BatchNorm), network));
                throw Refusal(network.Policy.ToString(), bound, least);
            }

            step = TrainingPlanner.Plan(start, network);
            AddNetwork(step, beside, options, stages);
        }

        if (least > bound) throw Refusal("last", bound, least);
        RunPlan plan = new(stages, step, featureBatch, decode, beside);
        return plan.Total <= bound ? plan : throw Refusal(options.Network?.Policy.ToString() ?? "last", bound, plan.Total);
    }

    private static long Files(CompileOptions compile) => FileBytes * (compile.Threads > 0 ? compile.Threads : Environment.ProcessorCount);

    private static ThomasException Refusal(string policy, long bound, long least) =>
        new($"A run of '{policy}' does not fit {ByteSize.Format(bound)} of memory beside the loaded model: the smallest bound that works is {ByteSize.FormatAtLeast(least)}. The plan says what each stage takes.");

    /// <summary>Features in the largest batch that fits, and the training of the layer.</summary>
    private static int AddLastLayer(Model model, RunPlanOptions options, long bound, List<RunStage> stages)
    {
        HeadPlan plan = HeadPlan.Create(model, options.Classes, options.HeadBatch, options.Pictures * options.Views, options.Compile);
        for (int batch = FeatureExtractor.DefaultBatch / 2; batch > 0 && Stage(plan).Bytes > bound; batch /= 2)
            plan = HeadPlan.Create(model, options.Classes, options.HeadBatch, options.Pictures * options.Views, options.Compile, batch);
        stages.Add(Stage(plan));
        stages.Add(new RunStage("last layer", [("features", plan.Features), ("the layer", plan.Head), ("runtime", RuntimeBytes)]));
        return plan.InferenceBatch;

        RunStage Stage(HeadPlan plan) => new("features", [("inference", plan.Inference), ("folded weights", HasBatchNorm(model.Graph) ? plan.FrozenConstants : 0), ("features", plan.Features), ("runtime", RuntimeBytes)]);
    }

    private static void AddNetwork(TrainingPlan step, Func<TrainingPlan, long> beside, RunPlanOptions options, List<RunStage> stages)
    {
        long ring = RingBytes(step, options.LoaderThreads);
        long validation = ValidationBytes(step);
        long own = beside(step) - RuntimeBytes - ring - validation;
        long weights = step.Memory.TrainedWeights + step.Memory.Statistics;

        // Under a bound the state to go back to and the best weights lie in files.
        bool inMemory = options.MemoryBytes is null;
        stages.Add(new RunStage(
            "network",
            [
                ("the step", step.Memory.Total + Math.Min(0, own)),
                ("weights as read", Math.Max(0, own)),
                ("state to go back to", inMemory ? step.Memory.Variables - step.Memory.GradientSums : 0),
                ("best weights", inMemory ? weights : 0),
                ("batches", ring),
                ("validation", validation),
                ("runtime", RuntimeBytes),
            ]));

        // Writers hold the tensors once more, and what they build of them.
        stages.Add(new RunStage("saving", [("result", weights), ("variables or file", Math.Max(step.Memory.Variables, 3 * (weights + step.Memory.FrozenConstants))), ("runtime", RuntimeBytes)]));
    }

    /// <summary>
    /// What there is beside a step: the runtime, batches made ahead, validation one by one. Constants that the step reads where the model has them were there before, unless
    /// batch normalization was folded into new ones.
    /// </summary>
    private static Func<TrainingPlan, long> Beside(Model model, int loaderThreads)
    {
        bool hasBatchNorm = HasBatchNorm(model.Graph);
        Trainee? measured = null;
        long validation = 0;
        return plan =>
        {
            // Trying many sets of trained tensors, as for 'sparse', must not compile each of them twice; the arena does not depend on them.
            if (measured is null) (measured, validation) = (plan.Trainee, ValidationBytes(plan));
            bool folds = hasBatchNorm && plan.Trainee.BatchNorm == BatchNormMode.Frozen && plan.Options.Policy.Kind != Autodiff.UpdateKind.Norm;
            return RuntimeBytes + RingBytes(plan, loaderThreads) + validation + (folds ? plan.Memory.ModelCopy : -plan.Memory.FrozenConstants);
        };
    }

    private static long RingBytes(TrainingPlan plan, int threads) =>
        BatchLoader.BytesOf(threads, plan.MicroBatch, plan.Trainee.Graph.Inputs[0].Shape.ElementCount, plan.Trainee.Classes);

    private static long ValidationBytes(TrainingPlan plan) => CompiledGraph.Create(Rebatch.Run(plan.Trainee.Graph, 1), plan.Options.Compile).SizeBytes;

    private static bool HasBatchNorm(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is BatchNorm) return true;
        }

        return false;
    }
}
