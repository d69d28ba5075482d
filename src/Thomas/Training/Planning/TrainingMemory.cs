using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Planning;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Bytes of a training step by what they hold. Variables, packed constants and arenas are allocated exactly so; frozen constants lie where the model has them.
/// The kinds of the step's arena are those at its peak. Not counted are the runtime itself and <see cref="ModelCopy"/>. Where a device computes that is not the
/// CPU, both its memory and the host's are counted: <see cref="DeviceBytes"/> and <see cref="HostBytes"/>.
/// </summary>
public sealed record TrainingMemory
{
    /// <summary>Parameters that are trained.</summary>
    public long TrainedWeights { get; init; }

    /// <summary>Parameters that are not, as the model holds them.</summary>
    public long FrozenConstants { get; init; }

    /// <summary>What of <see cref="FrozenConstants"/> the model does not hold: real numbers of weights that it keeps as 8-bit steps.</summary>
    internal long ExpandedConstants { get; init; }

    /// <summary>Copies of frozen parameters in the layouts of kernels, and tables of kernels that update several parameters.</summary>
    public long PackedConstants { get; init; }

    /// <summary>Running statistics of batch normalization.</summary>
    public long Statistics { get; init; }

    /// <summary>Moments of the optimizer, averages of weights.</summary>
    public long OptimizerState { get; init; }

    /// <summary>Sums of gradients over micro-batches.</summary>
    public long GradientSums { get; init; }

    /// <summary>Images, targets and other inputs.</summary>
    public long Inputs { get; init; }

    /// <summary>Forward results: those that are kept for the backward pass, those that are not, and those computed again.</summary>
    public long Activations { get; init; }

    /// <summary>Results of the backward pass.</summary>
    public long Gradients { get; init; }

    /// <summary>Scratch memory of kernels.</summary>
    public long Workspace { get; init; }

    /// <summary>What the arena has beyond all that, because ranges do not fit without gaps.</summary>
    public long Gaps { get; init; }

    /// <summary>The arena of the update by summed gradients, where it is apart.</summary>
    public long UpdateArena { get; init; }

    /// <summary>
    /// What brings batches to a device: memory of the host in which they are made, and, where they go there while the device computes, a buffer on the device.
    /// </summary>
    public long Transfers { get; init; }

    /// <summary>What of <see cref="Total"/> is in the memory of a device that is not the CPU; 0 on the CPU.</summary>
    public long DeviceBytes { get; init; }

    /// <summary>What of <see cref="Total"/> is in the memory of the host alone: all of it on the CPU.</summary>
    public long HostBytes => Total - DeviceBytes;

    /// <summary>The trained parameters as the model was read, which it keeps beside those that change: not part of <see cref="Total"/>.</summary>
    public long ModelCopy { get; init; }

    /// <summary>All weights: trained, frozen and packed.</summary>
    public long Weights => TrainedWeights + FrozenConstants + PackedConstants;

    /// <summary>The arena of the step.</summary>
    public long StepArena => Inputs + Activations + Gradients + Workspace + Gaps;

    /// <summary>Bytes of the variables.</summary>
    public long Variables => TrainedWeights + Statistics + OptimizerState + GradientSums;

    /// <summary>What training allocates beyond the model.</summary>
    public long Allocated => Variables + PackedConstants + StepArena + UpdateArena;

    /// <summary>Everything.</summary>
    public long Total => Allocated + Transfers + FrozenConstants;

    internal static TrainingMemory Of(IReadOnlyList<Variable> variables, CompiledGraph step, CompiledGraph? apply)
    {
        MemoryPlan plan = step.Plan;
        long alignment = step.Places.AlignmentOf(0);
        TrainingMemory memory = new()
        {
            TrainedWeights = BytesOf(variables, VariableKind.Weight, alignment),
            Statistics = BytesOf(variables, VariableKind.Statistic, alignment),
            OptimizerState = BytesOf(variables, VariableKind.OptimizerState, alignment),
            GradientSums = BytesOf(variables, VariableKind.Gradient, alignment),
            ModelCopy = InitialBytes(variables),
            FrozenConstants = step.FrozenBytes,
            ExpandedConstants = step.ExpandedBytes,
            PackedConstants = step.ConstantBytes + step.TableBytes + (apply is null ? 0 : apply.ConstantBytes + apply.TableBytes),
            Transfers = step.StageBytes,
            Inputs = plan.PeakBytes(MemoryKind.Input),
            Activations = plan.PeakBytes(MemoryKind.Activation) + plan.PeakBytes(MemoryKind.SavedActivation) + plan.PeakBytes(MemoryKind.Recomputed),
            Gradients = plan.PeakBytes(MemoryKind.Gradient),
            Workspace = plan.PeakBytes(MemoryKind.Workspace),
            Gaps = plan.ArenaBytes - plan.LowerBoundBytes,
            UpdateArena = apply?.Plan.ArenaBytes ?? 0,
        };
        return step.Places.Devices[0] is HostDevice
            ? memory
            : memory with { DeviceBytes = memory.Variables + step.DeviceBytes + step.DeviceStageBytes + (apply?.DeviceBytes ?? 0) };
    }

    private static long InitialBytes(IReadOnlyList<Variable> variables)
    {
        long bytes = 0;
        foreach (Variable variable in variables)
        {
            if (variable.Kind is VariableKind.Weight or VariableKind.Statistic && variable.Initial is TensorData initial) bytes += initial.Type.SizeBytes;
        }

        return bytes;
    }

    /// <summary>Bytes of the variables of one kind, as <see cref="VariableStore"/> lays them out.</summary>
    private static long BytesOf(IReadOnlyList<Variable> variables, VariableKind kind, long alignment)
    {
        long bytes = 0;
        foreach (Variable variable in variables)
        {
            if (variable.Kind == kind) bytes += VariableStore.SizeOf(variable, alignment);
        }

        return bytes;
    }
}
