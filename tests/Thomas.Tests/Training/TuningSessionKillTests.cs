using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TuningSessionKillTests(ITestOutputHelper output)
{
    private const int Kills = 10;

    [Fact]
    public async Task A_process_that_is_killed_again_and_again_loses_at_most_the_image_in_flight()
    {
        using TemporaryFolder folder = new(onDisk: true);
        string path = folder["session"];
        Dictionary<long, string> told = [];
        Rng rng = new(5);
        int unheard = 0, torn = 0, halfWritten = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using (Process child = TuningSessionChild.Start(path))
            {
                Task<string?>? first = null;
                if (kill % 2 == 0) AfterSomeImages(child, rng, told);
                else first = UntilItWritesOrAdds(child, path);
                if (kill == 0) Assert.Contains("already open", Assert.Throws<DataException>(() => SessionJob.Open(folder)).Message, StringComparison.Ordinal);
                Thread.SpinWait(rng.Next(200_000));
                child.Kill();
                child.WaitForExit();
                foreach (string file in Directory.GetFiles(path, "*.tmp"))
                {
                    halfWritten++;
                    File.Delete(file);
                }

                string? line = first is null ? child.StandardOutput.ReadLine() : await first;
                for (; line is not null; line = child.StandardOutput.ReadLine())
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
        }

        output.WriteLine($"{Kills} kills, {told.Count} images; {unheard} written but not told, {torn} cut off, {halfWritten} files half written");
    }

    /// <summary>Lets it come to any moment of adding an image or of training.</summary>
    private static void AfterSomeImages(Process child, Rng rng, Dictionary<long, string> told)
    {
        int images = 1 + rng.Next(25);
        for (int i = 0; i < images; i++) Hear(child.StandardOutput.ReadLine() ?? throw new InvalidOperationException(child.StandardError.ReadToEnd()), told);
    }

    /// <summary>Lets it come to where it writes the log anew, or to the first image if that went too fast to be seen.</summary>
    private static Task<string?> UntilItWritesOrAdds(Process child, string folder)
    {
        Task<string?> first = child.StandardOutput.ReadLineAsync();
        while (!first.IsCompleted && Directory.GetFiles(folder, "*.tmp").Length == 0) Thread.SpinWait(20);
        return first;
    }

    private static void Hear(string line, Dictionary<long, string> told)
    {
        string[] words = line.Split(' ');
        told.Add(long.Parse(words[0], CultureInfo.InvariantCulture), words[1]);
    }
}
