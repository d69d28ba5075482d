using System;
using System.Collections.Generic;
using Thomas.App.Reports;
using Thomas.Autodiff;
using Thomas.Planning;
using Thomas.Training;

namespace Thomas.App.Tuning;

/// <summary>What a run would take, asked for one update policy after the other.</summary>
/// <param name="Model">The model as it is.</param>
/// <param name="Images">How many images there are; 0 if that is not known.</param>
/// <param name="DatasetBytes">What they hold in memory.</param>
/// <param name="DataClasses">Classes of the data; null for as many as the model has.</param>
/// <param name="Rates">Rates of this machine.</param>
/// <param name="Tuning">What <see cref="Tuner"/> would be told, for a policy.</param>
internal sealed record PlanQuestion(Model Model, int Images, long DatasetBytes, int? DataClasses, CostModel Rates, Func<UpdatePolicy, TuningOptions> Tuning)
{
    private readonly Dictionary<(Model Model, int Classes), Func<int, HeadPlan>> _lastLayers = [];
    private readonly Dictionary<UpdatePolicy, (Model Model, long Bytes)> _prepared = [];

    /// <summary>What is made of the model before it is tuned by a policy, and the bytes that it takes to make it; null for nothing.</summary>
    public Func<UpdatePolicy, (Model Model, long Bytes)>? Prepare { get; init; }

    private int NewClasses => DataClasses ?? ClassOutput.Find(Model).Classes;

    /// <summary>What is planned for a policy. The frozen part of the last layer is compiled once for all of them.</summary>
    public RunPlanOptions Options(UpdatePolicy policy)
    {
        TuningOptions tuning = Tuning(policy);
        (Model model, long preparation) = Prepared(policy);
        tuning = tuning with { PreparationBytes = preparation };
        int classes = NewClasses;
        if (tuning.KeepClasses) classes = (DataClasses ?? 0) + ClassOutput.Of(Model).Classes;
        if (!_lastLayers.TryGetValue((model, classes), out Func<int, HeadPlan>? lastLayer))
        {
            _lastLayers.Add((model, classes), lastLayer = HeadPlan.ByRun(model, classes, tuning.Compile));
        }

        return Tuner.PlanOptions(tuning, classes, Images, DatasetBytes, model) with { LastLayer = lastLayer };
    }

    /// <summary>One policy with all that the plan says.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="details">The plan as text.</param>
    /// <exception cref="ThomasException">The model cannot be trained so, or not within the bound.</exception>
    public PolicyReport Examine(UpdatePolicy policy, out string? details)
    {
        RunPlan run = Run(policy);
        if (policy.Kind == UpdateKind.Last)
        {
            details = run.ToText();
            return WithRun(LastLayer(run.FeatureBatch), run);
        }

        TrainingPlan plan = run.Step!;
        details = $"{run.ToText()}\n\n{plan.Step.ToText()}";
        return WithRun(Report(plan), run) with
        {
            TrainedTensors = plan.TrainedTensors,
            Recomputed = Recomputed(plan),
            Timeline = plan.Step.Timeline,
        };
    }

    /// <summary>One policy among others.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="findsSmallest">Whether to find out, where there is no bound, in how little memory the step can run.</param>
    /// <exception cref="ThomasException">The model cannot be trained so, or not within the bound.</exception>
    public PolicyReport Compare(UpdatePolicy policy, bool findsSmallest)
    {
        RunPlanOptions options = Options(policy);
        RunPlan run = Run(policy);
        PolicyReport report = WithRun(policy.Kind == UpdateKind.Last ? LastLayer(run.FeatureBatch) : Report(run.Step!), run);
        return findsSmallest && options.MemoryBytes is null && run.Step is not null
            ? report with { SmallestBytes = TrainingPlanner.Smallest(WithHead(policy), options.Network!).Memory.Total }
            : report;
    }

    /// <summary>The whole run, which keeps to the bound.</summary>
    private RunPlan Run(UpdatePolicy policy) => RunPlanner.Plan(policy.Kind == UpdateKind.Scratch ? WithHead(policy) : Prepared(policy).Model, Options(policy));

    private Model WithHead(UpdatePolicy policy) => TrainingPlanner.WithClasses(Prepared(policy).Model, NewClasses);

    private (Model Model, long Bytes) Prepared(UpdatePolicy policy)
    {
        if (Prepare is null) return (Model, 0);
        if (!_prepared.TryGetValue(policy, out (Model Model, long Bytes) made)) _prepared.Add(policy, made = Prepare(policy));
        return made;
    }


    private static PolicyReport WithRun(PolicyReport report, RunPlan run) => report with
    {
        RunBytes = run.Total,
        RunStages = RunMemory.Stages(run),
        RunDeviceBytes = run.DeviceBytes > 0 ? run.DeviceBytes : null,
        RunHostBytes = run.DeviceBytes > 0 ? run.HostBytes : null,
    };

    private PolicyReport LastLayer(int inferenceBatch)
    {
        RunPlanOptions options = Options(UpdatePolicy.Last);
        HeadPlan plan = options.LastLayerAt(inferenceBatch);
        List<MemoryPartReport> parts = [new("frozen weights", plan.FrozenConstants), new("inference, then free", plan.Inference), new("the layer", plan.Head)];
        if (plan.Features > 0) parts.Add(new MemoryPartReport("features", plan.Features));
        return new PolicyReport(
            UpdatePolicy.Last.ToString(),
            plan.TrainedParameters,
            options.Head.BatchSize,
            1,
            plan.Total,
            null,
            parts,
            null,
            plan.StepMultiplyAdds,
            null,
            null,
            null,
            plan.StepSeconds(Rates),
            plan.ImageSeconds(Rates),
            null,
            null,
            null);
    }

    private PolicyReport Report(TrainingPlan plan)
    {
        List<MemoryPartReport> parts = [];
        foreach ((string name, long bytes) in plan.Parts())
        {
            if (bytes > 0) parts.Add(new MemoryPartReport(name, bytes));
        }

        return new PolicyReport(
            plan.Options.Policy.ToString(),
            plan.TrainedParameters,
            plan.MicroBatch,
            plan.Runs,
            plan.Memory.Total,
            null,
            parts,
            plan.Memory.ModelCopy,
            plan.ForwardMultiplyAdds + plan.BackwardMultiplyAdds + plan.RecomputedMultiplyAdds,
            plan.ForwardMultiplyAdds,
            plan.BackwardMultiplyAdds,
            plan.RecomputedMultiplyAdds,
            plan.Seconds(Rates),
            null,
            null,
            null,
            null)
        {
            DeviceBytes = plan.Memory.DeviceBytes > 0 ? plan.Memory.DeviceBytes : null,
            HostBytes = plan.Memory.DeviceBytes > 0 ? plan.Memory.HostBytes : null,
            Compression = plan.Compression.ToWord(),
            KeptInHalves = plan.KeptInHalves > 0 ? plan.KeptInHalves : null,
            KeptBytes = plan.KeptInHalves > 0 || plan.Compression == Compression.Int8 ? plan.KeptBytes : null,
        };
    }

    private static List<RecomputedReport> Recomputed(TrainingPlan plan)
    {
        List<RecomputedReport> values = [];
        foreach (RecomputedValue value in plan.Recomputed) values.Add(new RecomputedReport(value.Name, value.Bytes, value.MultiplyAdds));
        return values;
    }
}
