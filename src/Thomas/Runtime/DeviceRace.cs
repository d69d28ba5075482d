using System;
using System.Collections.Generic;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>Work that was compiled for a device and can be timed there.</summary>
internal interface IDeviceTrial : IDisposable
{
    /// <summary>Does the work once, and waits for its end.</summary>
    void Run();
}

/// <summary>
/// Times devices one after the other at the same work. What counts is the least time of a run, since whatever else the machine does only adds to it. The first
/// run belongs to compiling: many drivers finish a program when it is first launched. A device that is clearly slower than another is not timed further.
/// </summary>
internal static class DeviceRace
{
    /// <summary>Seconds of all runs together, about: that is divided between the devices, and each does at least one run.</summary>
    private const double Seconds = 2;

    private const int MostRuns = 10;

    /// <summary>How many times slower than the best is clearly slower after one run, and after so many that it was no busy moment.</summary>
    private const double SlowerAfterOne = 3, SlowerAfterSome = 1.5;

    private const int Some = 3;

    /// <summary>A later device must save at least this share of the time: smaller differences are noise.</summary>
    private const double LeastGain = 0.03;

    /// <summary>Times all candidates. One that fails is passed over.</summary>
    /// <param name="candidates">The devices; the first is taken where others are not faster.</param>
    /// <param name="create">Compiles the work for a device.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <param name="last">Given the times of all, a further candidate or null.</param>
    /// <returns>The time of each candidate, and which is the fastest.</returns>
    /// <exception cref="ThomasException">All failed.</exception>
    public static (IReadOnlyList<DeviceTime> Times, int Fastest) Run(
        IReadOnlyList<DeviceCandidate> candidates, Func<CompileOptions, IDeviceTrial> create, TimeProvider? time, CancellationToken cancellation,
        Func<IReadOnlyList<DeviceTime>, DeviceCandidate?>? last = null)
    {
        List<DeviceTime> times = [];
        int fastest = -1;
        foreach (DeviceCandidate candidate in candidates) Add(candidate);
        if (last?.Invoke(times) is DeviceCandidate further) Add(further);
        if (fastest >= 0) return (times, fastest);
        if (times.Count == 1) throw new ThomasException(times[0].Problem!);
        List<string> problems = [];
        foreach (DeviceTime failed in times) problems.Add($"{failed.Name}: {failed.Problem}");
        throw new ThomasException($"No device can do this. {string.Join(" ", problems)}");

        void Add(DeviceCandidate candidate)
        {
            cancellation.ThrowIfCancellationRequested();
            double best = fastest < 0 ? double.PositiveInfinity : times[fastest].Milliseconds!.Value;
            DeviceTime one = Measure(candidate, create, Seconds / candidates.Count, best, time ?? TimeProvider.System, cancellation);
            times.Add(one);
            if (one.Milliseconds < (fastest < 0 ? double.PositiveInfinity : best * (1 - LeastGain))) fastest = times.Count - 1;
        }
    }

    private static DeviceTime Measure(
        DeviceCandidate candidate, Func<CompileOptions, IDeviceTrial> create, double seconds, double best, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        double compiled = 0;
        try
        {
            using IDeviceTrial trial = create(candidate.Options);
            trial.Run();
            compiled = time.GetElapsedTime(start).TotalSeconds;
            double spent = 0, least = double.PositiveInfinity;
            bool isSlow = false;
            for (int run = 1; !isSlow && run <= MostRuns && (run == 1 || spent < 1e3 * seconds); run++)
            {
                cancellation.ThrowIfCancellationRequested();
                double milliseconds = Once(trial, time);
                spent += milliseconds;
                least = Math.Min(least, milliseconds);
                isSlow = least > SlowerAfterOne * best || (run >= Some && least > SlowerAfterSome * best);
            }

            return new DeviceTime(candidate.Name, candidate.Description, least, compiled, isSlow, null);
        }
        catch (Exception e) when (e is ThomasException or OutOfMemoryException)
        {
            return new DeviceTime(candidate.Name, candidate.Description, null, compiled, false, e.Message);
        }
    }

    private static double Once(IDeviceTrial trial, TimeProvider time)
    {
        long start = time.GetTimestamp();
        trial.Run();
        return time.GetElapsedTime(start).TotalMilliseconds;
    }
}
