using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TuningSessionKillTests(ITestOutputHelper output)
{
    private const int Kills = 8;

    [Fact]
    public void A_process_that_is_killed_again_and_again_loses_at_most_the_image_in_flight()
    {
        using TemporaryFolder folder = new(onDisk: true);
        string path = folder["session"];
        Dictionary<long, string> told = [];
        Rng rng = new(5);
        int unheard = 0, torn = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using (Process child = TuningSessionChild.Start(path))
            {
                // At any moment of an image, a training or, in the next process, of opening.
                int images = 1 + rng.Next(25);
                for (int i = 0; i < images; i++) Hear(child.StandardOutput.ReadLine() ?? throw new InvalidOperationException(child.StandardError.ReadToEnd()), told);
                if (kill == 0) Assert.Contains("open already", Assert.Throws<DataException>(() => SessionJob.Open(folder)).Message, StringComparison.Ordinal);
                Thread.SpinWait(rng.Next(200_000));
                child.Kill();
                child.WaitForExit();
                while (child.StandardOutput.ReadLine() is string line)
                {
                    // The last line may be cut off.
                    if (Array.Exists(SessionJob.Colors, color => line.EndsWith(' ' + color, StringComparison.Ordinal))) Hear(line, told);
                }
            }

            using TuningSession session = SessionJob.Open(folder);
            torn += session.Notices.Count;
            Dictionary<long, string> there = [];
            foreach (TuningSessionItem item in session.Items) there.Add(item.Id, item.Label);
            foreach ((long id, string label) in told) Assert.Equal(label, there.GetValueOrDefault(id));
            Assert.InRange(there.Count - told.Count, 0, 1);
            foreach ((long id, string label) in there)
            {
                if (told.TryAdd(id, label)) unheard++;
            }

            Assert.All(session.Notices, notice => Assert.Contains("cut off", notice, StringComparison.Ordinal));
            Assert.True(session.Items.Count < 12 || session.IsTrained);
            Assert.Null(session.Items.Count < 12 ? null : session.TrainingProblem);
        }

        output.WriteLine($"{Kills} kills, {told.Count} images; {unheard} written but not told, {torn} cut off");
    }

    private static void Hear(string line, Dictionary<long, string> told)
    {
        string[] words = line.Split(' ');
        told.Add(long.Parse(words[0], CultureInfo.InvariantCulture), words[1]);
    }
}
