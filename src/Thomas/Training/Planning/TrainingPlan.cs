using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>A training step, decided before anything runs: what is trained, in which pieces, what is recomputed, and every byte that it will take.</summary>
public sealed class TrainingPlan
{
    internal TrainingPlan(
        Trainee trainee, TrainingPlanOptions options, TrainingGraphOptions graphOptions, TrainingGraph graph, CompileOptions compile, CompiledGraph step,
        CompiledGraph? apply)
    {
        Trainee = trainee;
        Options = options;
        GraphOptions = graphOptions;
        Graph = graph;
        Compile = compile;
        CompiledStep = step;
        CompiledApply = apply;
        Memory = TrainingMemory.Of(graph.Variables, step, apply);
        List<RecomputedValue> recomputed = [];
        foreach (Node node in step.Graph.Nodes)
        {
            OpCost cost = node.Cost;
            int runs = options.Batch / graphOptions.Batch;
            if (node.Stage == Stage.Forward) ForwardMultiplyAdds += cost.MultiplyAdds * runs;
            else if (node.Stage != Stage.Recompute) BackwardMultiplyAdds += cost.MultiplyAdds * runs;
            if (node is { Op: Cast, Stage: Stage.Forward }) KeptInHalves++;

            // What is kept in another type is brought back, not computed again.
            if (node.Stage != Stage.Recompute || !node.Name.EndsWith(Recompute.Suffix, StringComparison.Ordinal)) continue;
            RecomputedMultiplyAdds += cost.MultiplyAdds * runs;
            recomputed.Add(
                new RecomputedValue(
                    node.Name[..node.Name.LastIndexOf(Recompute.Suffix, StringComparison.Ordinal)], node.Output.StoredBytes, cost.MultiplyAdds,
                    cost.Elementwise));
        }

        Recomputed = recomputed;
    }

    /// <summary>What was asked for.</summary>
    public TrainingPlanOptions Options { get; }

    /// <summary>Names of the trained tensors, in the order of the graph.</summary>
    public IReadOnlyList<string> TrainedTensors
    {
        get
        {
            string[] names = new string[Trainee.Parameters.Count];
            for (int i = 0; i < names.Length; i++) names[i] = Trainee.Parameters[i].Variable.Name;
            return names;
        }
    }

    /// <summary>Elements of all trained tensors.</summary>
    public long TrainedParameters => Trainee.TrainedElements;

    /// <summary>Images of one run.</summary>
    public int MicroBatch => GraphOptions.Batch;

    /// <summary>Runs of a step.</summary>
    public int Runs => Options.Batch / MicroBatch;

    /// <summary>What is dropped and computed again, in the order of the backward pass.</summary>
    public IReadOnlyList<RecomputedValue> Recomputed { get; }

    /// <summary>In which form activations are kept for the backward pass: never <see cref="Compression.Auto"/>.</summary>
    public Compression Compression => Options.Compression;

    /// <summary>How many results of the forward pass are kept as 16-bit floats.</summary>
    public int KeptInHalves { get; }

    /// <summary>
    /// The most bytes of results of the forward pass that are kept for the backward pass at any time, a part of <see cref="TrainingMemory.Activations"/>.
    /// </summary>
    public long KeptBytes => Step.MostBytes(MemoryKind.SavedActivation);

    /// <summary>Bytes by what they hold.</summary>
    public TrainingMemory Memory { get; }

    /// <summary>Where the values of one run lie, and what is live when.</summary>
    public MemoryPlan Step => CompiledStep.Plan;

    /// <summary>Multiply-adds of the forward passes of a step.</summary>
    public long ForwardMultiplyAdds { get; }

    /// <summary>Multiply-adds of the backward passes of a step, without what is computed again.</summary>
    public long BackwardMultiplyAdds { get; }

    /// <summary>Multiply-adds of what is computed again in a step.</summary>
    public long RecomputedMultiplyAdds { get; }

    /// <summary>What counts towards the bound: the step, and what is beside it where the bound is that of a whole run.</summary>
    internal long BoundedBytes => Memory.Total + (Options.Beside?.Invoke(this) ?? 0);

    internal Trainee Trainee { get; }

    internal TrainingGraphOptions GraphOptions { get; }

    internal TrainingGraph Graph { get; }

    /// <summary>With these options the same graph compiles to the same step again.</summary>
    internal CompileOptions Compile { get; }

    internal CompiledGraph CompiledStep { get; }

    /// <summary>The device that the step is for.</summary>
    internal Device Device => CompiledStep.Places.Devices[0];

    /// <summary>How many copies of it the state to go back to and the best weights take: a device may fail while one is being made.</summary>
    internal int KeptCopies => Device is HostDevice ? 1 : 2;

    internal CompiledGraph? CompiledApply { get; }

    /// <summary>The plan for a model that differs in its weights alone: what was decided stays, so that nothing is searched for again.</summary>
    /// <returns>The plan; null if the model has other tensors, or other things are asked for.</returns>
    internal TrainingPlan? For(Model model, TrainingPlanOptions options)
    {
        if (options.Compression == Compression.Auto) options = options with { Compression = Compression };
        if (options.Compression != Compression || options.Policy != Options.Policy) return null;
        if (options.Batch != Options.Batch || options.BatchNorm != Options.BatchNorm) return null;
        Graph source = Trainee.SourceOf(model, options.Policy, options.BatchNorm);
        HashSet<string> names = [.. TrainedTensors];
        List<Parameter> selected = [];
        foreach (Parameter parameter in Parameter.Find(source))
        {
            if (names.Contains(parameter.Constant.Name)) selected.Add(parameter);
        }

        if (selected.Count != Trainee.Parameters.Count || names.Count != selected.Count) return null;
        Trainee trainee = Trainee.Create(model, source, selected, options.BatchNorm, options.Compression);
        TrainingPlan plan = TrainingPlanner.PlanOne(trainee, options, MicroBatch, Compile.ArenaBytes);
        return plan.BoundedBytes <= (options.MemoryBytes ?? long.MaxValue) ? plan : null;
    }

    /// <summary>Predicted time of a step.</summary>
    /// <param name="model">Rates of the machine, for example from <see cref="MachineRates.Measure"/>.</param>
    public double Seconds(CostModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return (Runs * model.Seconds(CompiledStep.Graph)) + (CompiledApply is null ? 0 : model.Seconds(CompiledApply.Graph));
    }

    /// <summary>Predicted time of a step by the rates that decisions are made by.</summary>
    internal double Seconds() => (Runs * CompiledStep.Seconds) + (CompiledApply?.Seconds ?? 0);

    /// <summary>The plan on some lines: pieces, memory by kind, what is recomputed, the chart of the step.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        text.Append(
            CultureInfo.InvariantCulture,
            $"policy {Options.Policy}, {TrainedParameters} parameters in {Trainee.Parameters.Count} tensors, batch {Options.Batch} = {Runs} x {MicroBatch}\n");
        foreach ((string name, long bytes) in Parts())
        {
            if (bytes > 0) text.Append(CultureInfo.InvariantCulture, $"{name,-18} {ByteSize.Format(bytes),10}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{"total",-18} {ByteSize.Format(Memory.Total),10}\n");
        if (Memory.DeviceBytes > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"on the device {ByteSize.Format(Memory.DeviceBytes)}, on the host {ByteSize.Format(Memory.HostBytes)}\n");
        }

        if (KeptInHalves > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"compressed {KeptInHalves} results to 16 bits ({Compression.ToWord()}), at most {ByteSize.Format(KeptBytes)} kept at once\n");
        }

        if (Compression == Compression.Int8)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"results of layers between grids kept in 8 bits ({Compression.ToWord()}), at most {ByteSize.Format(KeptBytes)} of results kept at once\n");
        }

        foreach (RecomputedValue value in Recomputed)
            text.Append(CultureInfo.InvariantCulture, $"recomputed {VisibleText.Of(value.Name)} {ByteSize.Format(value.Bytes)}\n");
        return text.Append(Step.ToText()).ToString();
    }

    /// <summary>The parts of <see cref="Memory"/> with their names; they sum to its total.</summary>
    public IReadOnlyList<(string Name, long Bytes)> Parts() =>
    [
        ("trained weights", Memory.TrainedWeights),
        ("frozen weights", Memory.FrozenConstants),
        ("packed weights", Memory.PackedConstants),
        ("statistics", Memory.Statistics),
        ("optimizer state", Memory.OptimizerState),
        ("gradient sums", Memory.GradientSums),
        ("inputs", Memory.Inputs),
        ("activations", Memory.Activations),
        ("gradients", Memory.Gradients),
        ("workspace", Memory.Workspace),
        ("gaps", Memory.Gaps),
        ("update", Memory.UpdateArena),
        ("transfers", Memory.Transfers),
    ];
}
