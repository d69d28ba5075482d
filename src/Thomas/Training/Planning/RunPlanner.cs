using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
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

    /// <summary>Training and validation images; 0 where they are not known yet.</summary>
    public int Images { get; init; }

    /// <summary>Bytes that the data set holds in memory (<see cref="Data.Dataset.HeldBytes"/>), from its loading to the end of the run.</summary>
    public long DatasetBytes { get; init; }

    /// <summary>Whether images that were kept for it are classified at the end, as <c>train</c> does.</summary>
    public bool TestAfter { get; init; }

    /// <summary>Views of each training image whose features are computed.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Rows of features that the last layer needs beside those of the images.</summary>
    internal long ExtraRows { get; init; }

    /// <summary>How the last layer is trained on features.</summary>
    public TrainerOptions Head { get; init; } = TrainerOptions.LastLayer;

    /// <summary>Bound of all that the run adds to the process; null for none.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>What is done to the model before takes so much beside the data set and the runtime; 0 for nothing.</summary>
    internal long PreparationBytes { get; init; }

    /// <summary>Threads that prepare batches beside those that compute.</summary>
    public int LoaderThreads { get; init; } = 1;

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Frozen parts by the images of a run of inference, where several runs of the same classes are planned: compiled once for all of them.</summary>
    internal Func<int, HeadPlan>? LastLayer { get; init; }

    /// <summary>The plan of the last layer with so many images in a run of inference.</summary>
    internal HeadPlan LastLayerAt(int run) => LastLayer!(run).For(Head, ((long)Images * Views) + ExtraRows, MemoryBytes is not null);
}

/// <summary>
/// Plans all stages of a run under one bound: decoding, features, the last layer, the network, saving. What a stage needs at least is counted before anything
/// runs; where that is above the bound, the smallest bound that works is named.
/// </summary>
public static class RunPlanner
{
    /// <summary>
    /// What every stage adds beside what is counted exactly: compiled code and libraries as they are used for the first time, stacks, objects of the plan,
    /// garbage until it is collected. 40 MiB where code is compiled as it runs, 24 MiB in a program that was compiled ahead of time. Measured on Linux x64; see
    /// docs/training.md.
    /// </summary>
    public static long RuntimeBytes => RuntimeFeature.IsDynamicCodeCompiled ? 40L << 20 : 24L << 20;

    // The least that decoders can work with, and the most that they can use.
    private const long LeastDecodeBytes = 8L << 20, MostDecodeBytes = 64L << 20;

    // Encoded files: one in each of the threads that decode.
    private const long FileBytes = 4L << 20;

    /// <summary>What decoding may hold under a bound: the memory for an image decoder that works for the run.</summary>
    /// <param name="bound">The bound of the run.</param>
    /// <param name="compile">Its threads.</param>
    /// <param name="datasetBytes">What the data set holds in memory (<see cref="Data.Dataset.HeldBytes"/>).</param>
    public static long DecodeBytes(long bound, CompileOptions compile, long datasetBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(compile);
        return Math.Clamp(bound - RuntimeBytes - datasetBytes - Files(compile), LeastDecodeBytes, MostDecodeBytes);
    }

    /// <summary>Plans a run.</summary>
    /// <param name="model">The model as it was read.</param>
    /// <param name="options">What is to be done.</param>
    /// <exception cref="ThomasException">It does not fit the bound; the message names the smallest that works. Or the model cannot be trained so.</exception>
    public static RunPlan Plan(Model model, RunPlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.LastLayerFirst && options.LastLayer is null) options = options with { LastLayer = HeadPlan.ByRun(model, options.Classes, options.Compile) };
        if (TryPlan(model, options, out long least) is RunPlan plan) return plan;
        throw Refusal(options.Network?.Policy.ToString() ?? "last", options.MemoryBytes ?? long.MaxValue, Smallest(model, options, least));
    }

    /// <summary>The smallest bound that is said to work: it has been planned for. What a bound lacks may be known stage by stage only.</summary>
    private static long Smallest(Model model, RunPlanOptions options, long least)
    {
        while (true)
        {
            // As it will be read from the message.
            long shown = ByteSize.TryParse(ByteSize.FormatAtLeast(least), out long parsed) ? Math.Max(parsed, least) : least;
            if (TryPlan(model, options with { MemoryBytes = shown }, out long more) is not null) return least;
            least = Math.Max(more, shown + (shown / 64));
        }
    }

    /// <summary>A plan that keeps to the bound, or null and what is needed at least.</summary>
    private static RunPlan? TryPlan(Model model, RunPlanOptions options, out long least)
    {
        long bound = options.MemoryBytes ?? long.MaxValue;
        List<RunStage> stages = [];
        long files = Files(options.Compile);
        long held = options.DatasetBytes, decode = DecodeBytes(bound, options.Compile, held);
        if (options.PreparationBytes > 0)
        {
            stages.Add(new RunStage("8-bit grids", [("measuring", options.PreparationBytes), ("data set", held), ("runtime", RuntimeBytes)]));
        }

        stages.Add(new RunStage("images", [("decoding at most", decode), ("files", files), ("data set", held), ("runtime", RuntimeBytes)]));
        int featureBatch = FeatureExtractor.DefaultBatch, testBatch = FeatureExtractor.DefaultBatch;
        long besideLastLayer = 0;
        if (options.LastLayerFirst) (featureBatch, besideLastLayer) = AddLastLayer(model, options, bound, stages);

        least = 0;
        foreach (RunStage stage in stages) least = Math.Max(least, stage.Name == "images" ? LeastDecodeBytes + files + held + RuntimeBytes : stage.Bytes);
        TrainingPlan? step = null;
        Func<TrainingPlan, long>? beside = null;
        if (options.Network is TrainingPlanOptions network)
        {
            Model start = options.LastLayerFirst ? TrainingPlanner.WithClasses(model, options.Classes) : model;
            beside = Beside(start, options.LoaderThreads, held);
            network = network with { MemoryBytes = options.MemoryBytes, Beside = beside };
            if (least > bound)
            {
                if (network.Policy.Kind != Autodiff.UpdateKind.Sparse)
                {
                    least = Math.Max(least, TrainingPlanner.LeastBytes(Trainee.Create(start, network.Policy, network.BatchNorm, network.Compression), network));
                }

                return null;
            }

            try
            {
                step = TrainingPlanner.Plan(start, network);
            }
            catch (DoesNotFitException e)
            {
                least = Math.Max(least, e.LeastBytes);
                return null;
            }

            AddNetwork(step, beside, options, stages);
            if (options.TestAfter) testBatch = AddTest(step, options, bound, stages);
        }

        if (least > bound) return null;
        RunPlan plan = new(stages, step, featureBatch, decode, beside) { TestBatch = testBatch, BesideLastLayer = besideLastLayer };
        least = plan.Total;
        return plan.Total <= bound ? plan : null;
    }

    private static long Files(CompileOptions compile) => FileBytes * (compile.Threads > 0 ? compile.Threads : Environment.ProcessorCount);

    private static ThomasException Refusal(string policy, long bound, long least) =>
        new($"A run of '{policy}' does not fit in {ByteSize.Format(bound)} of memory besides the loaded model: the smallest bound that works is "
        + $"{ByteSize.FormatAtLeast(least)}. {(policy == "last" ? "" : "A policy that trains less needs less, for example 'bias' or 'last'.")}".TrimEnd());

    /// <summary>Features in the largest batch that fits, and the training of the layer.</summary>
    private static (int Batch, long Beside) AddLastLayer(Model model, RunPlanOptions options, long bound, List<RunStage> stages)
    {
        HeadPlan plan = options.LastLayerAt(FeatureExtractor.DefaultBatch);
        for (int batch = FeatureExtractor.DefaultBatch / 2; batch > 0 && Stage(plan).Bytes > bound; batch /= 2) plan = options.LastLayerAt(batch);
        stages.Add(Stage(plan));
        stages.Add(
            new RunStage(
                "last layer",
                [("features", plan.Features), ("the layer", plan.Head), ("data set", options.DatasetBytes), ("pinned memory", plan.PinnedBytes),
                    ("runtime", RuntimeBytes)])
            { DeviceBytes = plan.HeadDevice });
        return (plan.InferenceBatch, plan.Features + plan.BesideStep + options.DatasetBytes + plan.PinnedBytes + RuntimeBytes);

        RunStage Stage(HeadPlan plan) =>
            new("features", [
                ("inference", plan.Inference), ("folded weights", HasBatchNorm(model.Graph) ? plan.FrozenConstants : 0), ("features", plan.Features),
                ("data set", options.DatasetBytes), ("pinned memory", plan.PinnedBytes), ("runtime", RuntimeBytes)])
            { DeviceBytes = plan.InferenceDevice };
    }

    private static void AddNetwork(TrainingPlan step, Func<TrainingPlan, long> beside, RunPlanOptions options, List<RunStage> stages)
    {
        long ring = RingBytes(step, options.LoaderThreads);
        (long validation, long validationDevice) = ValidationBytes(step);
        long own = beside(step) - RuntimeBytes - options.DatasetBytes - ring - validation - step.Device.HostBytes;
        long weights = step.Memory.TrainedWeights + step.Memory.Statistics;

        // Under a bound the state to go back to and the best weights lie in files.
        bool inMemory = options.MemoryBytes is null;
        stages.Add(new RunStage(
            "network",
            [
                ("the step", step.Memory.Total + Math.Min(0, own)),
                ("weights as read", Math.Max(0, own)),
                ("state to go back to", inMemory ? step.KeptCopies * (step.Memory.Variables - step.Memory.GradientSums) : 0),
                ("best weights", inMemory ? step.KeptCopies * weights : 0),
                ("batches", ring),
                ("validation", validation),
                ("data set", options.DatasetBytes),
                ("pinned memory", step.Device.HostBytes),
                ("runtime", RuntimeBytes),
            ])
        { DeviceBytes = step.Memory.DeviceBytes + validationDevice });

        // Writers hold the tensors once more, and what they build of them.
        stages.Add(
            new RunStage(
                "saving",
                [("result", weights), ("variables or file", Math.Max(step.Memory.Variables, 3 * (weights + step.Memory.FrozenConstants))),
                    ("data set", options.DatasetBytes), ("runtime", RuntimeBytes)]));
    }

    /// <summary>Inference with what was trained, in the largest batch that fits.</summary>
    private static int AddTest(TrainingPlan step, RunPlanOptions options, long bound, List<RunStage> stages)
    {
        long weights = step.Memory.TrainedWeights + step.Memory.Statistics;
        int batch = FeatureExtractor.DefaultBatch;
        while (batch > 1 && Stage(batch).Bytes > bound) batch /= 2;
        stages.Add(Stage(batch));
        return batch;

        RunStage Stage(int batch)
        {
            (long inference, long device) = InferenceBytes(step, batch);
            return new RunStage(
                "test",
                [
                    ("result", weights),
                    ("inference", inference),
                    ("folded weights", HasBatchNorm(step.Trainee.Graph) ? weights + step.Memory.FrozenConstants : 0),
                    ("data set", options.DatasetBytes),
                    ("pinned memory", step.Device.HostBytes),
                    ("runtime", RuntimeBytes),
                ])
            { DeviceBytes = device };
        }
    }

    /// <summary>
    /// What there is beside a step: the runtime, batches made ahead, validation one by one. Constants that the step reads where the model has them were there
    /// before, unless batch normalization was folded into new ones.
    /// </summary>
    private static Func<TrainingPlan, long> Beside(Model model, int loaderThreads, long datasetBytes)
    {
        bool hasBatchNorm = HasBatchNorm(model.Graph);
        Trainee? measured = null;
        long validation = 0;
        return plan =>
        {
            // Trying many sets of trained tensors, as for 'sparse', must not compile each of them twice; the arena does not depend on them.
            if (measured is null) (measured, validation) = (plan.Trainee, ValidationBytes(plan).All);
            bool folds = hasBatchNorm && plan.Trainee.BatchNorm == BatchNormMode.Frozen && plan.Options.Policy.Kind != Autodiff.UpdateKind.Norm;
            return RuntimeBytes + datasetBytes + RingBytes(plan, loaderThreads) + validation + plan.Device.HostBytes
                + (folds ? plan.Memory.ModelCopy : plan.Memory.ExpandedConstants - plan.Memory.FrozenConstants);
        };
    }

    private static long RingBytes(TrainingPlan plan, int threads) =>
        BatchLoader.BytesOf(threads, plan.MicroBatch, plan.Trainee.Graph.Inputs[0].Shape.ElementCount, plan.Trainee.Classes);

    private static (long All, long Device) ValidationBytes(TrainingPlan plan) => InferenceBytes(plan, batch: 1);

    private static (long All, long Device) InferenceBytes(TrainingPlan plan, int batch)
    {
        CompiledGraph compiled = CompiledGraph.Create(Rebatch.Run(plan.Trainee.Graph, batch), plan.Options.Compile);
        return (compiled.SizeBytes + compiled.StageBytes, compiled.DeviceBytes + compiled.DeviceStageBytes);
    }

    private static bool HasBatchNorm(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is BatchNorm) return true;
        }

        return false;
    }
}
