using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class CheckpointKillTests(ITestOutputHelper output)
{
    private const string KillsVariable = "THOMAS_KILLS";
    private const int FewKills = 3, FewKillsOfOneRun = 6, MaximumKills = 200;

    [Fact]
    public void A_run_that_is_killed_again_and_again_ends_with_the_bits_of_one_that_is_not()
    {
        byte[] expected;
        using (TrainerJob job = new()) expected = MemoryMarshal.AsBytes<int>(TrainerJob.Bits(job.Run(CheckpointChild.Options).Model)).ToArray();
        int kills = Kills(FewKillsOfOneRun);
        (int resumed, int torn) = KillAgainAndAgain(new Rng(0), kills, expected);
        TestContext.Current.SendDiagnosticMessage($"{resumed} resumed runs were killed, {torn} while a checkpoint was written");
        Expect.True(resumed > kills / 2, $"{resumed} resumed runs were killed");
        Expect.True(torn > 0, $"none of {MaximumKills} kills fell into the writing of a checkpoint");
    }

    /// <summary>
    /// Kills at moments anywhere in a run, from the start of the process over the writing of caches and checkpoints to the writing of the model.
    /// <c>THOMAS_KILLS</c> sets how many there are of each kind.
    /// </summary>
    [Theory]
    [InlineData(CheckpointChild.Train)]
    [InlineData(CheckpointChild.TrainElsewhere)]
    [InlineData(CheckpointChild.Tune)]
    [InlineData(CheckpointChild.Continue)]
    public void A_whole_run_that_is_killed_anywhere_saves_the_model_of_one_that_is_not(string kind)
    {
        int kills = Kills(FewKills);
        using TemporaryFolder whole = new();
        long began = Stopwatch.GetTimestamp();
        using (Process child = CheckpointChild.Start(whole.Path, kind)) child.WaitForExit();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        byte[] expected = File.ReadAllBytes(CheckpointChild.ModelOf(whole.Path));
        string[] files = FilesIn(whole.Path);

        Rng rng = new(7);
        int killed = 0, completed = 0, resumed = 0, torn = 0, killedInThisRun = 0;
        TemporaryFolder folder = new();
        while (killed < kills || killedInThisRun > 0)
        {
            bool hadCheckpoint = File.Exists(CheckpointChild.CheckpointOf(folder.Path));
            began = Stopwatch.GetTimestamp();
            using Process child = CheckpointChild.Start(folder.Path, kind);
            bool ended = killed >= kills ? WaitToTheEnd(child) : child.WaitForExit(TimeSpan.FromSeconds(rng.Uniform(0.2f, 1.1f) * seconds));
            if (!ended)
            {
                child.Kill();
                child.WaitForExit();
                killed++;
                killedInThisRun++;
                resumed += hadCheckpoint ? 1 : 0;
                torn += Math.Min(1, Leftovers(folder.Path));
                continue;
            }

            // Whatever was left half-written, the run is finished by the next one, which leaves what an uninterrupted one does.
            Assert.Equal(0, child.ExitCode);
            Assert.Equal(expected, File.ReadAllBytes(CheckpointChild.ModelOf(folder.Path)));
            Assert.Equal(0, Leftovers(folder.Path));
            if (killedInThisRun == 0) seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(began).TotalSeconds);
            completed++;
            killedInThisRun = 0;
            folder.Dispose();
            folder = new TemporaryFolder();
        }

        folder.Dispose();
        Assert.True(completed > 0);
        output.WriteLine(
            $"{kind}: {killed} kills, {resumed} of resumed runs, {torn} with a file half written; {completed} runs ended with the same bits and no such "
            + $"file; {files.Length} files in the folder of a whole run");

        static bool WaitToTheEnd(Process child)
        {
            child.WaitForExit();
            return true;
        }
    }

    /// <summary>How often a run is killed: <c>THOMAS_KILLS</c>, or a few times.</summary>
    private static int Kills(int few) =>
        Environment.GetEnvironmentVariable(KillsVariable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : few;

    /// <summary>
    /// Counts the files that are half written. They become old at once: the next run leaves alone what is so young that its writer may only be about to lock
    /// it.
    /// </summary>
    private static int Leftovers(string folder)
    {
        string[] files = Directory.GetFiles(folder, "*.tmp", SearchOption.AllDirectories);
        foreach (string file in files) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(-1));
        return files.Length;
    }

    private static string[] FilesIn(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories);

    /// <returns>How many of the killed runs had been resumed, and how many left a half-written file.</returns>
    private static (int Resumed, int Torn) KillAgainAndAgain(Rng rng, int kills, byte[] expected)
    {
        using TemporaryFolder folder = new(onDisk: true);
        int killed = 0, completed = 0, resumed = 0, torn = 0;
        while (killed < kills || completed == 0 || (torn == 0 && killed < MaximumKills))
        {
            bool kill = killed < kills || (torn == 0 && killed < MaximumKills), fromFile = File.Exists(CheckpointChild.CheckpointOf(folder.Path));
            using Process child = CheckpointChild.Start(folder.Path);
            bool hasEnded = !ReadSteps(child, kill ? 2 + rng.Next(7) : int.MaxValue, out long lastStep);
            if (!hasEnded)
            {
                // Every other time when a file is half written, else at any moment of the next step and its file, which take as long as the last ones did on
                // this machine.
                bool whileWriting = killed % 2 == 1;
                long until = Stopwatch.GetTimestamp() + (long)((whileWriting ? 2 : rng.Uniform(0, 1)) * lastStep);
                while (Stopwatch.GetTimestamp() < until && !(whileWriting && HasHalfWritten(folder))) Thread.SpinWait(20);
                child.Kill();
                killed++;
                resumed += fromFile ? 1 : 0;
            }

            child.WaitForExit();
            if (child.ExitCode != 0)
            {
                Assert.False(hasEnded, "the run failed");
                torn += Math.Min(1, Leftovers(folder.Path));
                continue;
            }

            Assert.Equal(expected, File.ReadAllBytes(CheckpointChild.ResultOf(folder.Path)));
            Assert.Equal(0, Leftovers(folder.Path));
            File.Delete(CheckpointChild.CheckpointOf(folder.Path));
            completed++;
        }

        return (resumed, torn);
    }

    private static bool HasHalfWritten(TemporaryFolder folder) => Directory.GetFiles(folder.Path, "*.tmp").Length > 0;

    /// <returns>Whether the program made so many steps; and the time between the last two.</returns>
    private static bool ReadSteps(Process child, int count, out long lastStep)
    {
        lastStep = 0;
        long last = 0;
        for (int i = 0; i < count; i++)
        {
            if (child.StandardOutput.ReadLine() is null) return false;
            long now = Stopwatch.GetTimestamp();
            (lastStep, last) = (now - last, now);
        }

        return true;
    }
}
