using System;
using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>Makes units of the combinations that a plan asks for.</summary>
internal static class StudyExpansion
{
    /// <summary>The units in the order in which they are measured, and what cannot be.</summary>
    public static (IReadOnlyList<StudyUnit> Units, IReadOnlyList<AbsentCell> Absent) Run(StudyPlan plan)
    {
        List<StudyUnit> units = [];
        List<AbsentCell> absent = [];
        HashSet<string> keys = new(StringComparer.Ordinal);
        foreach (StudyExperiment one in plan.Experiments)
        {
            IReadOnlyList<StudyDevice> devices = Devices(one, absent);
            foreach (string measure in one.Measure)
            {
                foreach (StudyUnit unit in measure switch
                {
                    StudyExperiment.TimesMeasure => Times(plan, one, devices),
                    StudyExperiment.KernelsMeasure => Kernels(one, devices),
                    StudyExperiment.DataMeasure => DataOf(plan, one),
                    _ => Accuracies(plan, one, devices),
                })
                {
                    if (keys.Add(unit.Key)) units.Add(unit);
                }
            }
        }

        return (units, absent);
    }

    /// <summary>Each device with each number of threads, type and switch that it can have; the same only once.</summary>
    private static List<StudyDevice> Devices(StudyExperiment one, List<AbsentCell> absent)
    {
        List<StudyDevice> devices = [];
        foreach (string name in one.Devices)
        {
            foreach (int threads in one.Threads)
            {
                foreach (string type in one.Types)
                {
                    foreach (string switches in one.Switches)
                    {
                        try
                        {
                            StudyDevice device = StudyDevice.Of(name, threads, type, switches);

                            // The threads of the host change little where a device does the work.
                            if (!device.IsHost && threads != one.Threads[^1]) continue;
                            if (!devices.Contains(device)) devices.Add(device);
                        }
                        catch (ThomasException e)
                        {
                            string what = switches.Length > 0 ? $"{name} {type} {switches}" : $"{name} {type}";
                            AbsentCell missing = new(one.Title, what, e.Message);
                            if (!absent.Contains(missing)) absent.Add(missing);
                        }
                    }
                }
            }
        }

        return devices;
    }

    private static IEnumerable<StudyUnit> Times(StudyPlan plan, StudyExperiment one, IReadOnlyList<StudyDevice> devices)
    {
        if (devices.Count == 0) yield break;
        foreach (string model in one.Models)
        {
            foreach (string policy in one.Policies)
            {
                foreach (int batch in one.Batches) yield return new TimingUnit(plan, one.Title, model, policy, batch, devices);
            }
        }
    }

    private static IEnumerable<StudyUnit> Kernels(StudyExperiment one, IReadOnlyList<StudyDevice> devices)
    {
        foreach (string model in one.Models)
        {
            foreach (string policy in one.Policies)
            {
                foreach (int batch in one.Batches)
                {
                    foreach (StudyDevice device in devices) yield return new KernelUnit(one.Title, model, policy, batch, device);
                }
            }
        }
    }

    private static IEnumerable<StudyUnit> DataOf(StudyPlan plan, StudyExperiment one)
    {
        foreach (string data in one.Data)
        {
            foreach (string model in one.Models) yield return new DataUnit(plan, one.Title, data, model);
        }
    }

    private static IEnumerable<StudyUnit> Accuracies(StudyPlan plan, StudyExperiment one, IReadOnlyList<StudyDevice> devices)
    {
        foreach (string data in one.Data)
        {
            for (int seed = 0; seed < one.Seeds; seed++)
            {
                ulong number = unchecked(plan.Seed + (ulong)seed);
                foreach (StudyDevice device in devices)
                {
                    foreach (string model in one.Models)
                    {
                        foreach (string policy in one.Policies)
                        {
                            if (policy != StudyExperiment.Inference) yield return new AccuracyUnit(one.Title, model, data, policy, device, number, one.Epochs);
                        }
                    }

                    foreach (string model in one.Compare) yield return new AccuracyUnit(one.Title, model, data, AccuracyUnit.Compared, device, number, null);
                }
            }
        }
    }
}
