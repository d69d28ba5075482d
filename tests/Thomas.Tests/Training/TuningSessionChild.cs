using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>A program that adds images to a session until it is killed, and says after each that it is added.</summary>
internal static class TuningSessionChild
{
    public const string Command = "session-child";

    private const int Most = 20_000;

    // Its log is written anew at each start.
    private const long Always = 1L << 40;

    public static int Run(string folder)
    {
        using TuningSession session = TuningSession.Open(folder, SessionJob.Model(), options: SessionJob.Options with { CompactAbove = -Always });
        Rng rng = new((ulong)session.Items.Count);
        for (int i = 0; i < Most; i++)
        {
            int color = rng.Next(3);
            TuningSessionItem item = session.Add(SessionJob.Colors[color], SessionJob.Image(color, rng));
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{item.Id} {item.Label}"));
            if (i % 10 == 9) session.Train();
        }

        return 0;
    }

    /// <summary>Starts the program.</summary>
    public static Process Start(string folder)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(TuningSessionChild).Assembly.Location);
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(folder);
        return Process.Start(start)!;
    }
}
