using System;
using System.Diagnostics;
using System.Globalization;

namespace Thomas.Benchmarks;

/// <summary>
/// A published <c>thomas classify</c> of one image as a process: from its start to its end, and what it says it took to read and compile the model.
/// </summary>
internal static class StartupBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        string program = args[0];
        string[] arguments = ["classify", args[1], args[2], "--verbose"];
        int rounds = args.Length > 4 && args[3] == "--rounds" ? int.Parse(args[4], CultureInfo.InvariantCulture) : 10;
        double[] wall = new double[rounds], read = new double[rounds], compile = new double[rounds];
        for (int round = -1; round < rounds; round++)
        {
            ProcessStartInfo info = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            long start = Stopwatch.GetTimestamp();
            using Process process = Process.Start(info)!;
            string notes = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidOperationException(notes);
            if (round < 0) continue;
            wall[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            read[round] = After(notes, "read in ");
            compile[round] = After(notes, "compiled in ");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{program}: {Median(wall):F0} ms from start to end (least {wall[0]:F0}); model read in {Median(read):F0} ms, compiled in {Median(compile):F0} "
            + $"ms; medians of {rounds}"));
        return 0;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    private static double After(string text, string words)
    {
        string number = text[(text.IndexOf(words, StringComparison.Ordinal) + words.Length)..];
        return double.Parse(number.AsSpan(0, number.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
    }
}
