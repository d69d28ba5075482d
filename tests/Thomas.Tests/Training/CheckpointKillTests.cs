using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class CheckpointKillTests
{
    private const int Kills = 25, Chains = 2;

    [Fact]
    public async Task A_run_that_is_killed_again_and_again_ends_with_the_bits_of_one_that_is_not()
    {
        byte[] expected;
        using (TrainerJob job = new()) expected = MemoryMarshal.AsBytes<int>(TrainerJob.Bits(job.Run(CheckpointChild.Options).Model)).ToArray();
        Task<(int Resumed, int Torn)>[] chains = new Task<(int, int)>[Chains];
        for (int i = 0; i < Chains; i++)
        {
            ulong seed = (ulong)i;
            chains[i] = Task.Run(() => KillAgainAndAgain(new Rng(seed), expected));
        }

        int resumed = 0, torn = 0;
        foreach ((int chainResumed, int chainTorn) in await Task.WhenAll(chains)) (resumed, torn) = (resumed + chainResumed, torn + chainTorn);
        TestContext.Current.SendDiagnosticMessage($"{Kills * Chains} kills, {resumed} of resumed runs, {torn} while a checkpoint was written");
        Assert.True(resumed > Kills * Chains / 2, $"{resumed} resumed runs were killed");
        Assert.True(torn > 0, "no kill fell into the writing of a checkpoint");
    }

    /// <returns>How many of the killed runs had been resumed, and how many left a half-written file.</returns>
    private static (int Resumed, int Torn) KillAgainAndAgain(Rng rng, byte[] expected)
    {
        using TemporaryFolder folder = new();
        int killed = 0, completed = 0, resumed = 0, torn = 0;
        while (killed < Kills || completed == 0)
        {
            bool fromFile = File.Exists(CheckpointChild.CheckpointOf(folder.Path));
            using Process child = CheckpointChild.Start(folder.Path);
            bool hasEnded = !ReadSteps(child, killed < Kills ? 1 + rng.Next(8) : int.MaxValue);
            if (!hasEnded)
            {
                // About as long as a step and its file take.
                long until = Stopwatch.GetTimestamp() + (long)(rng.Uniform(0, 0.004f) * Stopwatch.Frequency);
                while (Stopwatch.GetTimestamp() < until) Thread.SpinWait(20);
                child.Kill();
                killed++;
                resumed += fromFile ? 1 : 0;
            }

            child.WaitForExit();
            torn += Directory.GetFiles(folder.Path, "*.tmp").Length > 0 ? 1 : 0;
            if (child.ExitCode != 0)
            {
                Assert.False(hasEnded, "the run failed");
                continue;
            }

            Assert.Equal(expected, File.ReadAllBytes(CheckpointChild.ResultOf(folder.Path)));
            File.Delete(CheckpointChild.CheckpointOf(folder.Path));
            completed++;
        }

        return (resumed, torn);
    }

    /// <returns>Whether the program made so many steps.</returns>
    private static bool ReadSteps(Process child, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (child.StandardOutput.ReadLine() is null) return false;
        }

        return true;
    }
}
