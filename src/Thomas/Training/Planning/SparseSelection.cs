using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Training;

/// <summary>
/// The policy <c>sparse:MEMORY</c>: trains what brings most for its bytes, by what is known of transfer learning (TinyTL, Cai et al. 2020; Lin et al. 2022).
/// Tensors are taken in this order, each group from the last layer to the first:
/// <list type="number">
/// <item>the last layer with weights, which is always trained;</item>
/// <item>biases, and scales and shifts of batch normalization, as deep as the bound allows: they need no saved operand of a convolution, but gradients that
/// reach them;</item>
/// <item>weights of 1x1 convolutions that widen (the expansions of inverted residuals), of layers whose bias is trained;</item>
/// <item>weights of the other layers whose bias is trained.</item>
/// </list>
/// A weight that does not fit is passed over, the next may fit. Nothing is recomputed. Runs have at most <see cref="LargestMicroBatch"/> images.
/// </summary>
internal static class SparseSelection
{
    /// <summary>Small runs leave the memory to tensors.</summary>
    public const int LargestMicroBatch = 8;

    /// <summary>Nodes that may be planned in all attempts to add weights: in a very large graph several weights are tried at once.</summary>
    private const long Work = 1_000_000;

    /// <summary>Attempts to add weights that a graph of any size gets.</summary>
    private const int LeastAttempts = 8;

    /// <summary>Plans the training of as much as fits.</summary>
    /// <exception cref="ThomasException">Not even the last layer fits; the message names the smallest bound that does.</exception>
    public static TrainingPlan Plan(Model model, TrainingPlanOptions options)
    {
        // The policy's bound is that of the step, the other one may be that of a whole run.
        long bound = options.MemoryBytes ?? long.MaxValue;
        Graph source = Trainee.SourceOf(model, options.Policy, options.BatchNorm);
        IReadOnlyList<Parameter> all = Parameter.Find(source);
        int last = 0;
        foreach (Parameter parameter in all) last = Math.Max(last, parameter.Layer);
        HashSet<Parameter> chosen = [];
        foreach (Parameter parameter in TrainableSet.Select(source, UpdatePolicy.Last)) chosen.Add(parameter);

        TrainingPlan best = PlanHead();
        int depth = DeepestBiases();
        if (depth < last) best = Try(BiasesFrom(depth))!;
        List<Parameter> weights = Weights(all, depth);
        int together = 1 + (weights.Count / (int)Math.Max(LeastAttempts, Work / best.CompiledStep.Graph.Nodes.Count));
        for (int i = 0; i < weights.Count; i += together)
        {
            if (Try(weights[i..Math.Min(i + together, weights.Count)]) is TrainingPlan larger) best = larger;
        }

        return best;

        TrainingPlan PlanHead()
        {
            TrainingPlan? least = null;
            int given = options.MicroBatch ?? 0;
            for (int micro = given > 0 ? given : LargestMicroBatch; micro > 0 && (given == 0 || micro == given); micro--)
            {
                if (options.Batch % micro != 0) continue;
                options = options with { MicroBatch = micro };
                TrainingPlan plan = PlanOf(chosen);
                if (IsWithin(plan)) return plan;
                if (least is null || plan.Memory.Total < least.Memory.Total) least = plan;
            }

            throw least!.Memory.Total > options.Policy.MemoryBytes || options.Beside is null
                ? new ThomasException(
                    $"Not even the last layer can be trained in {ByteSize.Format(Math.Min(bound, options.Policy.MemoryBytes))}: the smallest bound that "
                    + $"works is {ByteSize.FormatAtLeast(least.Memory.Total)}.")
                : new DoesNotFitException(
                    $"Not even the last layer can be trained in {ByteSize.Format(bound)}: the smallest bound that works is "
                    + $"{ByteSize.FormatAtLeast(least.BoundedBytes)}.", least.BoundedBytes);
        }

        // More biases never need less, so the depth is found by halving.
        int DeepestBiases()
        {
            int works = last, fails = -1;
            while (works - fails > 1)
            {
                int middle = (works + fails) / 2;
                if (Fits([.. chosen, .. BiasesFrom(middle)]) is not null) works = middle;
                else fails = middle;
            }

            return works;
        }

        List<Parameter> BiasesFrom(int layer)
        {
            List<Parameter> biases = [];
            foreach (Parameter parameter in all)
            {
                if (parameter.Layer >= layer && parameter.Role != ParameterRole.Weight && !chosen.Contains(parameter)) biases.Add(parameter);
            }

            return biases;
        }

        // Adds the parameters if they fit.
        TrainingPlan? Try(List<Parameter> added)
        {
            TrainingPlan? plan = Fits([.. chosen, .. added]);
            if (plan is not null) chosen.UnionWith(added);
            return plan;
        }

        TrainingPlan? Fits(HashSet<Parameter> set) => PlanOf(set) is TrainingPlan plan && IsWithin(plan) ? plan : null;

        bool IsWithin(TrainingPlan plan) => plan.Memory.Total <= options.Policy.MemoryBytes && plan.BoundedBytes <= bound;

        TrainingPlan PlanOf(HashSet<Parameter> set)
        {
            List<Parameter> ordered = [];
            foreach (Parameter parameter in all)
            {
                if (set.Contains(parameter)) ordered.Add(parameter);
            }

            Trainee trainee = Trainee.Create(model, source, ordered, options.BatchNorm, options.Compression);
            return TrainingPlanner.PlanOne(trainee, options, options.MicroBatch ?? options.Batch, null);
        }
    }

    /// <summary>The weights of the layers from this depth on in the order in which they are tried.</summary>
    private static List<Parameter> Weights(IReadOnlyList<Parameter> all, int depth)
    {
        List<Parameter> expansions = [], others = [];
        for (int i = all.Count - 1; i >= 0; i--)
        {
            if (all[i].Role != ParameterRole.Weight || all[i].Layer < depth) continue;
            (IsExpansion(all[i]) ? expansions : others).Add(all[i]);
        }

        return [.. expansions, .. others];
    }

    private static bool IsExpansion(Parameter parameter)
    {
        Shape filter = parameter.Constant.Shape;
        return parameter.Node.Op is Conv2d && filter[1] == 1 && filter[2] == 1 && filter[0] > filter[3];
    }
}
