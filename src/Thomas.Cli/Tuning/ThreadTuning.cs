using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Architectures;
using Thomas.Runtime;

namespace Thomas.Cli.Tuning;

/// <summary>
/// Measures how many threads pay on this machine: on phones, whether the small cores help or hold up the large ones. The sizes of blocks in matrix products are not tuned: from
/// half to three times the size they change MobileNetV2 by two percent.
/// </summary>
internal static class ThreadTuning
{
    private const int Passes = 3;
    private const int Runs = 8;

    /// <summary>More threads must save at least this share of the time: they cost energy.</summary>
    private const double LeastGain = 0.03;

    /// <summary>The least time of one inference of MobileNetV2 with each number of threads that is worth a try, fewest first.</summary>
    public static IReadOnlyList<(int Threads, double Milliseconds)> Measure(int processors, int performanceProcessors, CancellationToken cancellation)
    {
        if (!ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture)) throw new InvalidOperationException("MobileNetV2 is missing from the catalog.");
        Graphs.Graph graph = architecture.Build(new ArchitectureOptions { Classes = architecture.DefaultClasses, Seed = 1 });
        int[] candidates = Candidates(processors, performanceProcessors);
        double[] least = new double[candidates.Length];
        Array.Fill(least, double.PositiveInfinity);
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int i = 0; i < candidates.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                using Executable executable = Executable.Compile(graph, 1, new CompileOptions { Threads = candidates[i] });
                executable.Input().Fill(0.5f);
                executable.Run();
                for (int run = 0; run < Runs; run++)
                {
                    long start = Stopwatch.GetTimestamp();
                    executable.Run();
                    least[i] = Math.Min(least[i], Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }

        return Array.ConvertAll(candidates, c => (c, least[Array.IndexOf(candidates, c)]));
    }

    /// <summary>The fewest threads that are nearly as fast as the fastest.</summary>
    public static int Choose(IReadOnlyList<(int Threads, double Milliseconds)> measured)
    {
        (int Threads, double Milliseconds) best = measured[0];
        foreach ((int Threads, double Milliseconds) candidate in measured)
        {
            if (candidate.Milliseconds < best.Milliseconds * (1 - LeastGain)) best = candidate;
        }

        return best.Threads;
    }

    /// <summary>All counts up to 8, then powers of two, the fast processors and all of them.</summary>
    public static int[] Candidates(int processors, int performanceProcessors)
    {
        SortedSet<int> counts = [performanceProcessors, processors];
        for (int count = 1; count <= processors; count = count < 8 ? count + 1 : 2 * count) counts.Add(count);
        return [.. counts];
    }
}
