using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How the rows of a run are divided between an OpenCL device and the CPU.</summary>
internal static class HybridSplit
{
    /// <summary>Whether options ask for it.</summary>
    public static bool IsAsked(CompileOptions compile) => compile.Device == DeviceKind.Hybrid;

    /// <summary>The refusal of a memory bound.</summary>
    public static ThomasException NoBound() => new("The device 'hybrid' keeps to no memory bound; use the CPU or the OpenCL device alone.");

    /// <summary>Refuses what cannot be split.</summary>
    /// <param name="trainee">The network.</param>
    /// <param name="rows">Rows of a run.</param>
    /// <param name="compile">The devices.</param>
    /// <exception cref="ThomasException">It cannot be split; the message says why.</exception>
    public static void Check(Trainee trainee, int rows, CompileOptions compile)
    {
        if (trainee.Statistics.Count > 0)
        {
            throw new ThomasException(
                "The device 'hybrid' cannot train with live batch normalization: each device would normalize its images by statistics of their own, and the "
                + "results would not be those of one device. Freeze batch normalization, or use one device.");
        }

        if (rows < 2) throw new ThomasException("The device 'hybrid' needs at least two images in a step or micro-batch, one for each device.");
        if (compile.DeviceShare is double share && !(share is > 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(compile), share, FormattableString.Invariant($"{nameof(CompileOptions.DeviceShare)} is {share}; it must be above 0 and below 1."));
        }
    }

    /// <summary>The rows that the device takes: its share of them, but at least one, and the CPU at least one.</summary>
    public static int DeviceRows(int rows, double share) => Math.Clamp((int)Math.Round(share * rows, MidpointRounding.AwayFromZero), 1, rows - 1);

    /// <summary>The share by which both take the same time, if time is in proportion to rows.</summary>
    /// <param name="host">Time of all rows on the CPU.</param>
    /// <param name="device">Time of all rows on the device.</param>
    public static double ShareOf(double host, double device) => host / (host + device);

    /// <summary>Times a step on either device alone, and divides by the speed.</summary>
    /// <param name="model">The model as it is trained.</param>
    /// <param name="options">The training; one run of it is timed.</param>
    /// <param name="rows">Rows of a run.</param>
    /// <param name="notes">Receives what was found.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <exception cref="ThomasException">One of them fails.</exception>
    public static double Measure(Model model, TrainingPlanOptions options, int rows, List<string> notes, CancellationToken cancellation)
    {
        options = options with { Batch = rows, MicroBatch = null, MemoryBytes = null };
        CompileOptions compile = options.Compile;
        DeviceCandidate[] devices =
        [
            new("cpu", "", "", compile with { Device = DeviceKind.Cpu, DeviceNumber = null, OtherDevice = null }),
            new(Device.Of(compile).Name, "", "", compile.Unsplit),
        ];
        (IReadOnlyList<DeviceTime> times, _) = DeviceRace.Run(
            devices, alone => new TrainingTrial(model, options with { Compile = alone }), null, cancellation);
        foreach (DeviceTime time in times)
        {
            if (time.Problem is not null) throw new ThomasException($"The device '{time.Name}' cannot take part in 'hybrid': {time.Problem}");
        }

        double share = ShareOf(times[0].Milliseconds!.Value, times[1].Milliseconds!.Value);
        notes.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{rows} images of a step take {times[0].Milliseconds:F2} ms on the CPU and {times[1].Milliseconds:F2} ms on {times[1].Name}, which gets "
                + $"{DeviceRows(rows, share)} of them"));
        return share;
    }
}
