using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class CheckpointKillTests
{
    private const int Kills = 50;

    [Fact]
    public void A_run_that_is_killed_fifty_times_ends_with_the_bits_of_one_that_is_not()
    {
        byte[] expected;
        using (TrainerJob job = new()) expected = MemoryMarshal.AsBytes<int>(TrainerJob.Bits(job.Run(CheckpointChild.Options).Model)).ToArray();
        using TemporaryFolder folder = new();
        Rng rng = new(11);
        int killed = 0, completed = 0, resumed = 0;
        while (killed < Kills || completed == 0)
        {
            bool fromFile = File.Exists(CheckpointChild.CheckpointOf(folder.Path));
            using Process child = CheckpointChild.Start(folder.Path);
            if (killed < Kills && child.StandardOutput.ReadLine() == CheckpointChild.Ready)
            {
                // About a step and its file.
                Thread.Sleep(TimeSpan.FromMilliseconds(rng.Uniform(0, 4)));
                child.Kill();
                killed++;
                resumed += fromFile ? 1 : 0;
            }

            child.WaitForExit();
            if (child.ExitCode != 0) continue;
            Assert.Equal(expected, File.ReadAllBytes(CheckpointChild.ResultOf(folder.Path)));
            File.Delete(CheckpointChild.CheckpointOf(folder.Path));
            completed++;
        }

        Assert.True(resumed > Kills / 2, $"{resumed} of {killed} were resumed");
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp"));
    }
}
