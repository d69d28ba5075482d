using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Chooses how a step runs: in how many micro-batches, and what is recomputed. Without a memory bound that is the whole batch and nothing. Under one, every
/// divisor of the batch is planned as it is and, where that does not fit, with recomputation down to the bound; of those that fit, the one of least predicted
/// time is taken (with live batch normalization the largest, since each micro-batch is normalized by itself). Predictions use the device's fixed rates, so that
/// the same question has the same answer every time.
/// </summary>
public static class TrainingPlanner
{
    /// <summary>Plans the training of a model.</summary>
    /// <exception cref="ThomasException">No plan fits the bound; the message names the smallest that does. Or the policy has nothing to train in this
    /// model.</exception>
    public static TrainingPlan Plan(Model model, TrainingPlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return options.Policy.Kind == UpdateKind.Sparse
            ? SparseSelection.Plan(model, Densest(options))
            : Plan(Trainee.Create(model, options.Policy, options.BatchNorm, options.Compression), options);
    }

    /// <summary>The plan of the least memory for the given batch or micro-batch: everything is recomputed that lowers the peak.</summary>
    /// <exception cref="ThomasException">The policy has nothing to train in this model.</exception>
    public static TrainingPlan Smallest(Model model, TrainingPlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return PlanOne(Trainee.Create(model, options.Policy, options.BatchNorm, options.Compression), Densest(options), options.MicroBatch ?? options.Batch, 1);
    }

    /// <summary>The options with the compression of least memory that they allow.</summary>
    private static TrainingPlanOptions Densest(TrainingPlanOptions options) =>
        options.Compression == Compression.Auto ? options with { Compression = Compression.Half } : options;

    /// <summary>The model with an untrained last layer for so many classes; itself where it has as many.</summary>
    /// <exception cref="ThomasException">The model has no last layer that could be replaced.</exception>
    public static Model WithClasses(Model model, int classes)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (ClassOutput.Find(model) is { IsBinary: false, IsIndependent: false } output && output.Classes == classes) return model;
        return HeadSplit.Find(model).WithNewHead(classes, []);
    }

    /// <summary>Plans the training of chosen tensors.</summary>
    internal static TrainingPlan Plan(Trainee trainee, TrainingPlanOptions options)
    {
        if (options.Compression == Compression.Auto) return PlanFastest(trainee, options);
        if (options.MemoryBytes is not long bound) return PlanOne(trainee, options, options.MicroBatch ?? options.Batch, null);
        return FindPlan(trainee, options, bound) ?? throw Refusal(trainee, options, bound);
    }

    /// <summary>Keeps activations as they are if the whole batch fits the bound so; else in the form in which the step is predicted to be faster.</summary>
    private static TrainingPlan PlanFastest(Trainee trainee, TrainingPlanOptions options)
    {
        TrainingPlanOptions plain = options with { Compression = Compression.None }, half = options with { Compression = Compression.Half };
        if (options.MemoryBytes is not long bound) return Plan(trainee, plain);
        TrainingPlan? first = FindPlan(trainee, plain, bound);
        if (first is { Recomputed.Count: 0 } && first.MicroBatch == MicroBatches(plain)[0]) return first;
        TrainingPlan? second = FindPlan(trainee, half, bound);
        if (first is null || second is null) return first ?? second ?? throw Refusal(trainee, half, bound);
        return second.Seconds() < first.Seconds() ? second : first;
    }

    /// <summary>The fastest plan that fits a bound; null if there is none.</summary>
    private static TrainingPlan? FindPlan(Trainee trainee, TrainingPlanOptions options, long bound)
    {
        TrainingPlan? best = null;
        double bestSeconds = double.PositiveInfinity;
        foreach (int micro in MicroBatches(options))
        {
            TrainingPlan plan = PlanOne(trainee, options, micro, null);
            bool asItIs = plan.BoundedBytes <= bound;
            if (!asItIs && CouldFit(plan, bound)) plan = Recomputed(plan, bound);
            if (plan.BoundedBytes > bound) continue;
            double seconds = plan.Seconds();
            if (seconds < bestSeconds) (best, bestSeconds) = (plan, seconds);

            // Smaller pieces only add work, unless they save recomputation.
            if (asItIs || trainee.Statistics.Count > 0) break;
        }

        return best;
    }

    /// <summary>The step in micro-batches of one size.</summary>
    /// <param name="trainee">What is trained.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="micro">Images of a run.</param>
    /// <param name="arenaBytes">Bound of the step's arena; null to recompute nothing.</param>
    internal static TrainingPlan PlanOne(Trainee trainee, TrainingPlanOptions options, int micro, long? arenaBytes)
    {
        RequireElements(trainee.Graph, micro);
        RequireDevice(options.Compression, options.Compile);
        int runs = options.Batch / micro;
        TrainingGraphOptions graphOptions = new(
            micro, options.Optimizer, Accumulate: runs > 1, Immediate: !options.UpdatesAtEnd, MicroBatches: runs, Dropout: options.Dropout,
            DropoutSeed: options.DropoutSeed, Rounding: options.Compile.QuantizedRounding);
        TrainingGraph graph = TrainingGraph.Build(trainee, graphOptions);
        CompileOptions compile = options.Compile with { ArenaBytes = arenaBytes, KeptAs = options.Compression.KeptType() };
        CompiledGraph step = CompiledGraph.Create(graph.Step, compile);
        CompiledGraph? apply = graph.Apply is Graph update ? CompiledGraph.Create(update, options.Compile) : null;
        return new TrainingPlan(trainee, options, graphOptions, graph, compile, step, apply);
    }

    /// <summary>Refuses a device that has no kernels for a form of training.</summary>
    internal static void RequireDevice(Compression compression, CompileOptions compile)
    {
        if (compression == Compression.Int8 && Places.Of(compile).Devices[0] is { } device and not HostDevice)
        {
            throw new ThomasException(
                $"The compression 'int8' computes on the CPU: {device.Name} has no kernels for 8-bit integers. Train with the device 'cpu', or without it.");
        }
    }

    /// <summary>Refuses a run whose tensors would have more elements than a tensor can have.</summary>
    private static void RequireElements(Graph graph, int micro)
    {
        long one = 1;
        foreach (Value value in graph.Values)
        {
            if (!value.IsConstant && value.Variable is null) one = Math.Max(one, value.Shape.ElementCount);
        }

        long most = int.MaxValue / one;
        if (micro > most)
        {
            throw new ThomasException(
                $"A run of {micro} images is too large for this model: its largest tensor is limited to 2^31 elements, which is {most} images. Use a smaller "
                + $"batch or micro-batches.");
        }
    }

    /// <summary>The same plan with recomputation until all of it fits the bound, or nothing helps any more.</summary>
    private static TrainingPlan Recomputed(TrainingPlan plan, long bound) =>
        PlanOne(plan.Trainee, plan.Options, plan.MicroBatch, Math.Max(0, bound - (plan.BoundedBytes - plan.Memory.StepArena)));

    /// <summary>Whether the arena could shrink enough: while a node runs, its operands and results must be there.</summary>
    private static bool CouldFit(TrainingPlan plan, long bound)
    {
        long largest = 0;
        foreach (Node node in plan.CompiledStep.Graph.Nodes)
        {
            long bytes = 0;
            HashSet<long> offsets = [];
            foreach (Value value in (IEnumerable<Value>)[.. node.Inputs, .. node.Outputs])
            {
                if (plan.Step.Offsets.TryGetValue(value, out long offset) && offsets.Add(offset)) bytes += value.StoredBytes;
            }

            largest = Math.Max(largest, bytes);
        }

        return plan.BoundedBytes - plan.Memory.StepArena + largest <= bound;
    }

    private static DoesNotFitException Refusal(Trainee trainee, TrainingPlanOptions options, long bound)
    {
        long least = LeastBytes(trainee, options);
        return new DoesNotFitException(
            $"Training '{options.Policy}' at batch {options.Batch} does not fit in {ByteSize.Format(bound)}: the smallest bound that works is "
            + $"{ByteSize.FormatAtLeast(least)}. "
            + "A policy that trains less needs less, for example 'bias' or 'last'.",
            least);
    }

    /// <summary>The smallest bound that works.</summary>
    internal static long LeastBytes(Trainee trainee, TrainingPlanOptions options)
    {
        options = Densest(options);
        List<int> sizes = MicroBatches(options);
        long least = long.MaxValue;

        // Memory grows with the micro-batch, but for the sums of gradients, which a whole batch does not need.
        foreach (int micro in (ReadOnlySpan<int>)[sizes[0], sizes[^1]])
            least = Math.Min(least, Recomputed(PlanOne(trainee, options, micro, null), 1).BoundedBytes);
        return least;
    }

    /// <summary>The sizes to try, largest first.</summary>
    private static List<int> MicroBatches(TrainingPlanOptions options)
    {
        if (options.MicroBatch is int given) return [given];
        List<int> sizes = [];
        for (int size = options.Batch; size > 0; size--)
        {
            if (options.Batch % size == 0) sizes.Add(size);
        }

        return sizes;
    }
}
