using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.App.Tuning;

/// <summary>
/// Measures what is fastest on this machine: first how many threads (on phones, whether the small cores help or hold up the large ones), then with these the
/// rows of the blocks of matrix products, then how large weights may be to be read anew for each row of tiles. The work is one image through MobileNetV2.
/// </summary>
internal static class MachineTuning
{
    private const int Passes = 3;
    private const int Runs = 8;

    /// <summary>A candidate must save at least this share of the time: threads cost energy, and smaller differences are noise.</summary>
    private const double LeastGain = 0.03;

    private static readonly int[] Rows = [28, 112];
    private static readonly int[] PanelBytes = [32 << 10, 512 << 10];

    /// <summary>Finds the choice.</summary>
    /// <param name="processors">Processors that the program may use.</param>
    /// <param name="performanceProcessors">The fast ones among them.</param>
    /// <param name="measured">Receives all that was measured, in order.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static TuningChoice Find(
        int processors, int performanceProcessors, List<(TuningChoice Choice, double Milliseconds)> measured, CancellationToken cancellation)
    {
        if (!ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture))
        {
            throw new InvalidOperationException("MobileNetV2 is missing from the catalog.");
        }

        Graph graph = architecture.Build(new ArchitectureOptions { Classes = architecture.DefaultClasses, Seed = 1 });
        TuningChoice best = Best(Array.ConvertAll(Candidates(processors, performanceProcessors), threads => new TuningChoice(threads)));
        best = Best([best, .. Array.ConvertAll(Rows, rows => best with { BlockRows = rows })]);
        return Best([best, .. Array.ConvertAll(PanelBytes, bytes => best with { BlockPanelBytes = bytes })]);

        TuningChoice Best(TuningChoice[] choices)
        {
            List<(TuningChoice, double)> times = Measure(graph, choices, cancellation);
            measured.AddRange(times);
            return Choose(times);
        }
    }

    /// <summary>The first candidate, unless a later one is clearly faster.</summary>
    public static TuningChoice Choose(IReadOnlyList<(TuningChoice Choice, double Milliseconds)> measured)
    {
        (TuningChoice Choice, double Milliseconds) best = measured[0];
        foreach ((TuningChoice Choice, double Milliseconds) candidate in measured)
        {
            if (candidate.Milliseconds < best.Milliseconds * (1 - LeastGain)) best = candidate;
        }

        return best.Choice;
    }

    /// <summary>Numbers of threads that are worth a try, fewest first: all up to 8, then powers of two, the fast processors and all of them.</summary>
    public static int[] Candidates(int processors, int performanceProcessors)
    {
        SortedSet<int> counts = [performanceProcessors, processors];
        for (int count = 1; count <= processors; count = count < 8 ? count + 1 : 2 * count) counts.Add(count);
        return [.. counts];
    }

    /// <summary>The least time of each candidate; they take turns, so that a busy moment does not decide.</summary>
    private static List<(TuningChoice Choice, double Milliseconds)> Measure(Graph graph, TuningChoice[] choices, CancellationToken cancellation)
    {
        double[] least = new double[choices.Length];
        Array.Fill(least, double.PositiveInfinity);
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int i = 0; i < choices.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                CompileOptions options = new() { Threads = choices[i].Threads, BlockRows = choices[i].BlockRows, BlockPanelBytes = choices[i].BlockPanelBytes };
                using Executable executable = Executable.Compile(graph, 1, options);
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

        List<(TuningChoice, double)> measured = [];
        for (int i = 0; i < choices.Length; i++) measured.Add((choices[i], least[i]));
        return measured;
    }
}
