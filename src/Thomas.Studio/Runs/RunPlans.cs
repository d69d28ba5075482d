using System;
using System.Collections.Generic;
using Thomas.App.Reports;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Studio.Runs;

/// <summary>What a run would take, before it begins: memory, time and, where it is known, energy.</summary>
internal static class RunPlans
{
    private const double CheckShare = 0.2;

    private static readonly UpdatePolicy[] Compared = [UpdatePolicy.Last, new(UpdateKind.Bias), new(UpdateKind.LastLayers, 2), UpdatePolicy.All];

    /// <summary>Plans all policies.</summary>
    /// <param name="place">What the run would work with.</param>
    /// <param name="asked">What was asked.</param>
    /// <param name="device">The device.</param>
    /// <param name="classes">Classes of the project.</param>
    /// <param name="images">Images of the project.</param>
    /// <param name="watts">Power of the device in an earlier run; null where that is not known.</param>
    public static PlanReply Of(RunPlace place, PlanRequest asked, string device, int classes, int images, double? watts)
    {
        int epochs = RunOptions.Epochs(asked.Epochs), batch = RunOptions.Batch(asked.Batch);
        long? bound = RunOptions.Memory(asked.MemoryBytes);
        CompileOptions compile = DeviceName.Apply(device, place.Settings.Compile);
        List<string> notes = [];
        bool knowsTime = compile.Device == DeviceKind.Cpu;
        CostModel rates = knowsTime ? MachineRates.Measure(compile.Threads) : CostModel.Nominal;
        if (!knowsTime) notes.Add($"The time is not predicted for {device}, only for the CPU.");
        notes.Add(watts is double power
            ? FormattableString.Invariant($"The energy is that of an earlier run of this project: {power:0.#} W on average.")
            : "The energy is not known before a run was measured, which needs a sensor.");
        RunFile run = new()
        {
            Version = RunFile.CurrentVersion,
            Policy = "",
            Epochs = epochs,
            Batch = batch,
            Device = device,
            MemoryBytes = bound,
            Compress = RunOptions.Compress(asked.Compress, place.Model, device),
            Labels = [],
            Images = [],
            Status = RunStatus.Training,
        };
        PlanQuestion question = new(place.Model, images, 0, int.Max(classes, 2), rates, policy => RunOptions.Of(run, policy, compile, place.Stored));
        long free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
        List<PlanRowReply> rows = [];
        double featureSeconds = 0;
        foreach (UpdatePolicy policy in Compared)
        {
            try
            {
                PolicyReport report = question.Compare(policy, findsSmallest: false);
                featureSeconds = (report.SecondsPerImageOnce ?? 0) * images is > 0 and double once ? once : featureSeconds;
                double epoch = EpochSeconds(report, images, int.Min(batch, int.Max(images, 1)));
                double total = featureSeconds + (epochs * epoch);
                rows.Add(new PlanRowReply(
                    policy.ToString(),
                    report.RunBytes ?? report.TotalBytes,
                    knowsTime ? epoch : null,
                    knowsTime ? total : null,
                    knowsTime ? watts * total : null,
                    report.TrainedParameters,
                    (report.RunBytes ?? 0) <= (bound ?? free)));
            }
            catch (DoesNotFitException e)
            {
                rows.Add(new PlanRowReply(policy.ToString(), e.LeastBytes, null, null, null, 0, Fits: false));
            }
            catch (ThomasException e)
            {
                notes.Add($"{policy}: {e.Message}");
            }
        }

        return new PlanReply(rows, images, RunOptions.Compressions(place.Model, device), Sentence.All(notes));
    }

    /// <summary>Steps on the images that are not set aside, and a forward pass of those that are.</summary>
    private static double EpochSeconds(PolicyReport report, int images, int batch)
    {
        double aside = images * CheckShare, learned = images - aside;
        double checks = report is { ForwardMultiplyAdds: long forward, MultiplyAdds: > 0 }
            ? aside / batch * report.SecondsPerStep * forward / report.MultiplyAdds
            : 0;
        return (Math.Ceiling(learned / batch) * report.SecondsPerStep) + checks;
    }
}
