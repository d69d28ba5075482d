using System;
using System.Collections.Generic;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What computes the steps of a run on one device: the memory of the variables, the compiled step, the compiled validation.</summary>
internal sealed class TrainingEngine : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <param name="inputs">The samples.</param>
    /// <param name="trainee">The network.</param>
    /// <param name="graph">Its step.</param>
    /// <param name="graphOptions">What the step was built for.</param>
    /// <param name="planned">The step as it was planned for this device; null where there is no plan.</param>
    /// <param name="compile">The device.</param>
    /// <param name="rows">Rows of a run: more than the step was built for where the CPU does the rest.</param>
    /// <param name="team">The host's threads.</param>
    /// <param name="oneByOne">Whether memory matters more than the speed of the validation.</param>
    /// <exception cref="ThomasException">The device has no memory or no kernels for it.</exception>
    public TrainingEngine(
        TrainingInputs inputs, Trainee trainee, TrainingGraph graph, TrainingGraphOptions graphOptions, TrainingPlan? planned, CompileOptions compile,
        int rows, ThreadTeam team, bool oneByOne)
    {
        try
        {
            Device device = Places.Of(compile).Devices[0];
            Store = Own(new VariableStore(graph.Variables, device));
            Program = Own<ITrainingStep>(
                planned is not null ? new StepProgram(planned, Store, team)
                : graphOptions.Meets ? new HybridStep(trainee, graph, graphOptions, Store, compile, rows, team)
                : new StepProgram(graph, graphOptions, Store, compile, team));
            if (inputs.Validation is not null) Evaluator = Own(new ScoreEvaluator(trainee, inputs.Validation, Store, compile, team, oneByOne));
            Device = device;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What computes.</summary>
    public Device Device { get; }

    /// <summary>Memory of the variables.</summary>
    public VariableStore Store { get; }

    /// <summary>The compiled step.</summary>
    public ITrainingStep Program { get; }

    /// <summary>The compiled validation; null without validation samples.</summary>
    public ScoreEvaluator? Evaluator { get; }

    /// <summary>Bytes of it all in the memory of a device that is not the host.</summary>
    public long DeviceBytes => Device is HostDevice ? 0 : Store.UsedBytes + Program.DeviceBytes + (Evaluator?.DeviceBytes ?? 0);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }
}
