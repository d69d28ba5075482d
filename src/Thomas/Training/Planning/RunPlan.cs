using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Thomas.Training;

/// <summary>A stage of a run and what it holds.</summary>
/// <param name="Name">The stage.</param>
/// <param name="Parts">What it holds, in bytes.</param>
public sealed record RunStage(string Name, IReadOnlyList<(string Name, long Bytes)> Parts)
{
    /// <summary>What of it is in the memory of a device that is not the CPU.</summary>
    public long DeviceBytes { get; init; }

    /// <summary>What of it is in the memory of the host alone.</summary>
    public long HostBytes => Bytes - DeviceBytes;

    /// <summary>Sum of the parts.</summary>
    public long Bytes
    {
        get
        {
            long sum = 0;
            foreach ((_, long bytes) in Parts) sum += bytes;
            return sum;
        }
    }
}

/// <summary>
/// What a whole run of <c>tune</c> or <c>train</c> adds to the memory of a process in which the model is loaded, stage by stage; made by
/// <see cref="RunPlanner"/>.
/// </summary>
public sealed class RunPlan
{
    internal RunPlan(IReadOnlyList<RunStage> stages, TrainingPlan? step, int featureBatch, long decodeBytes, Func<TrainingPlan, long>? beside)
    {
        Stages = stages;
        Step = step;
        FeatureBatch = featureBatch;
        DecodeBytes = decodeBytes;
        Beside = beside;
    }

    /// <summary>The stages in the order in which they run; what one holds is free again in the next.</summary>
    public IReadOnlyList<RunStage> Stages { get; }

    /// <summary>The step of the network's training; null where the last layer alone is trained.</summary>
    public TrainingPlan? Step { get; }

    /// <summary>Images of one run of inference while features are computed.</summary>
    public int FeatureBatch { get; }

    /// <summary>What decoding may hold: the memory for an image decoder that works for this run.</summary>
    public long DecodeBytes { get; }

    /// <summary>The most that the run adds at any time.</summary>
    public long Total
    {
        get
        {
            long most = 0;
            foreach (RunStage stage in Stages) most = Math.Max(most, stage.Bytes);
            return most;
        }
    }

    /// <summary>The most that the run takes at any time of the memory of a device that is not the CPU; 0 on the CPU.</summary>
    public long DeviceBytes
    {
        get
        {
            long most = 0;
            foreach (RunStage stage in Stages) most = Math.Max(most, stage.DeviceBytes);
            return most;
        }
    }

    /// <summary>The most that the run adds at any time to the memory of the host alone.</summary>
    public long HostBytes
    {
        get
        {
            long most = 0;
            foreach (RunStage stage in Stages) most = Math.Max(most, stage.HostBytes);
            return most;
        }
    }

    internal Func<TrainingPlan, long>? Beside { get; }

    /// <summary>What there is beside a step of the last layer's training.</summary>
    internal long BesideLastLayer { get; init; }

    /// <summary>Images of one run of inference while the result is tested.</summary>
    internal int TestBatch { get; init; }

    /// <summary>The options of a network's training with the bound of this plan.</summary>
    /// <param name="options">The options that were planned for.</param>
    /// <param name="bound">The bound of the whole run.</param>
    public TrainerOptions Apply(TrainerOptions options, long bound)
    {
        System.ArgumentNullException.ThrowIfNull(options);
        return options with { MemoryBytes = bound, Beside = Beside, Planned = Step };
    }

    /// <summary>The stages as a table.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        foreach (RunStage stage in Stages)
        {
            text.Append(CultureInfo.InvariantCulture, $"{stage.Name,-18} {ByteSize.Format(stage.Bytes),10}  ");
            string parting = "";
            foreach ((string name, long bytes) in stage.Parts)
            {
                if (bytes == 0) continue;
                text.Append(CultureInfo.InvariantCulture, $"{parting}{name} {ByteSize.Format(bytes)}");
                parting = ", ";
            }

            text.Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"{"most at once",-18} {ByteSize.Format(Total),10}");
        if (DeviceBytes > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"  at most {ByteSize.Format(DeviceBytes)} on the device, at most {ByteSize.Format(HostBytes)} on the host");
        }

        return text.ToString();
    }
}
