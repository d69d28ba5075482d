using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>
/// What sharing a loop costs: a loop of so much work on one thread and on a team, back to back and after pauses in which the workers fall asleep.
/// </summary>
internal sealed class TeamBenchmark : IParallelWork
{
    private const int Items = 64;
    private const int Loops = 400;

    private int _stepsEach;
    private float _sink;

    public static int Run(ReadOnlySpan<string> args)
    {
        int threads = args.Length > 1 && args[0] == "--threads" ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2;
        using ThreadTeam team = new(threads), alone = new(1);
        TeamBenchmark work = new();
        Console.WriteLine($"{threads} thread(s), loops of {Items} items, microseconds of a loop: median (least)");
        Console.WriteLine($"{"work",10} {"one thread",18} {"team, in a row",18} {"after 20 us alone",18} {"after 200 us alone",18}");
        foreach (int steps in (ReadOnlySpan<int>)[0, 20, 100, 400, 2000])
        {
            work._stepsEach = steps;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{steps * Items,10} {work.Time(alone, 0),18} {work.Time(team, 0),18} {work.Time(team, 20e-6),18} {work.Time(team, 200e-6),18}"));
        }

        return 0;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int phase, int begin, int end, int thread)
    {
        float x = _sink;
        for (int step = 0; step < _stepsEach * (end - begin); step++) x = MathF.FusedMultiplyAdd(x, 0.5f, 0.25f);
        Volatile.Write(ref _sink, x);
    }

    private string Time(ThreadTeam team, double pause)
    {
        double[] times = new double[Loops];
        for (int loop = -50; loop < Loops; loop++)
        {
            long idle = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(idle).TotalSeconds < pause)
            {
            }

            long start = Stopwatch.GetTimestamp();
            team.Run(this, 0, Items);
            if (loop >= 0) times[loop] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(times);
        return string.Create(CultureInfo.InvariantCulture, $"{times[Loops / 2]:F2} ({times[0]:F2})");
    }
}
