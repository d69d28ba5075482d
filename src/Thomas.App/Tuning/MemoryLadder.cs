using System;
using System.Collections.Generic;
using Thomas.App.Reports;
using Thomas.Autodiff;
using Thomas.Planning;
using Thomas.Quantizing;
using Thomas.Training;

namespace Thomas.App.Tuning;

/// <summary>The same training in less and less memory, from the way in which most engines do it to the last layer alone.</summary>
/// <param name="model">The network, with the classes that it is to learn.</param>
/// <param name="options">Batch, optimizer, device; policy and compression are those of the rows.</param>
/// <param name="rates">Rates of this machine.</param>
internal sealed class MemoryLadder(Model model, TrainingPlanOptions options, CostModel rates)
{
    private static readonly UpdatePolicy Bias = new(UpdateKind.Bias), LastThree = new(UpdateKind.LastLayers, 3);

    private Model? _eightBits;

    /// <summary>All rows; what this network does not allow is told.</summary>
    /// <param name="notes">Gets the reasons for missing rows.</param>
    public List<LadderReport> Rows(List<string> notes)
    {
        TrainingPlanOptions all = options with { Policy = UpdatePolicy.All, MemoryBytes = null }, half = all with { Compression = Compression.Half };
        TrainingPlanOptions int8 = all with { Compression = Compression.Int8 };
        (string Name, Func<TrainingPlan> Plan)[] rows =
        [
            ("all, updates at the end", () => TrainingPlanner.Plan(model, all with { UpdatesAtEnd = true })),
            ("all", () => TrainingPlanner.Plan(model, all)),
            ("all, half", () => TrainingPlanner.Plan(model, half)),
            ("all, recomputing", () => TrainingPlanner.Smallest(model, all)),
            ("all, half, recomputing", () => TrainingPlanner.Smallest(model, half)),
            ("all, int8", () => TrainingPlanner.Plan(EightBits(), int8)),
            ("all, int8, recomputing", () => TrainingPlanner.Smallest(EightBits(), int8)),
            ("bias", () => TrainingPlanner.Plan(model, all with { Policy = Bias })),
            ("bias, half", () => TrainingPlanner.Plan(model, half with { Policy = Bias })),
            ("bias, int8", () => TrainingPlanner.Plan(EightBits(), int8 with { Policy = Bias })),
            ("last:3", () => TrainingPlanner.Plan(model, all with { Policy = LastThree })),
            ("last:3, frozen", () => TrainingPlanner.Plan(Frozen(LastThree), all with { Policy = LastThree })),
            ("last:3, int8", () => TrainingPlanner.Plan(EightBits(), int8 with { Policy = LastThree })),
            ("last, frozen", () => TrainingPlanner.Plan(Frozen(UpdatePolicy.Last), all with { Policy = UpdatePolicy.Last })),
        ];
        List<LadderReport> reports = [];
        foreach ((string name, Func<TrainingPlan> plan) in rows)
        {
            try
            {
                reports.Add(Row(name, plan()));
            }
            catch (ThomasException e)
            {
                notes.Add($"{name}: {e.Message}");
            }
        }

        return reports;
    }

    private Model EightBits() => Quantizer.IsQuantized(model) ? model : _eightBits ??= Quantizer.Outline(model);

    private Model Frozen(UpdatePolicy policy) => Quantizer.IsQuantized(model) ? model : Quantizer.OutlineFrozen(model, policy);

    private LadderReport Row(string name, TrainingPlan plan)
    {
        TrainingMemory m = plan.Memory;
        long optimizer = m.OptimizerState + m.GradientSums + m.Statistics;
        return new LadderReport(
            name,
            plan.TrainedParameters,
            m.Weights,
            optimizer,
            m.Activations,
            m.Gradients,
            m.Total - m.Weights - optimizer - m.Activations - m.Gradients,
            m.Total - m.Weights,
            m.Total,
            plan.Runs,
            plan.MicroBatch,
            plan.Seconds(rates));
    }
}
