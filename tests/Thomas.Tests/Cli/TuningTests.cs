using System;
using System.IO;
using Thomas.Cli.Tuning;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class TuningTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-tuning").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Devices_measures_threads_and_keeps_the_choice()
    {
        CliRun run = CliRun.Of("devices", "--tune", "--cache-dir", Path.Combine(_folder, "new"), "--json");
        Assert.Equal(0, run.Code);
        System.Text.Json.JsonElement tuning = run.Json().GetProperty("tuning");
        int threads = tuning.GetProperty("threads").GetInt32();
        Assert.InRange(threads, 1, Environment.ProcessorCount);
        Assert.Equal(ThreadTuning.Candidates(Machine.Processors, Machine.PerformanceProcessors).Length, tuning.GetProperty("measured").GetArrayLength());
        Assert.All(tuning.GetProperty("measured").EnumerateArray(), m => Assert.True(m.GetProperty("milliseconds").GetDouble() > 0));
        Assert.True(File.Exists(tuning.GetProperty("file").GetString()));
        Assert.Equal(threads, TuningRecord.ReadThreads(Path.Combine(_folder, "new"), () => run.Json().GetProperty("processor").GetString()!));
    }

    [Fact]
    public void A_record_counts_for_its_own_machine_only()
    {
        new TuningRecord("this one", Machine.Tier, Machine.Processors, 1).Save(_folder);
        Assert.Equal(1, TuningRecord.ReadThreads(_folder, () => "this one"));
        Assert.Equal(0, TuningRecord.ReadThreads(_folder, () => "another"));
        new TuningRecord("this one", "another tier", Machine.Processors, 1).Save(_folder);
        Assert.Equal(0, TuningRecord.ReadThreads(_folder, () => "this one"));
        new TuningRecord("this one", Machine.Tier, Machine.Processors + 1, 1).Save(_folder);
        Assert.Equal(0, TuningRecord.ReadThreads(_folder, () => "this one"));
        new TuningRecord("this one", Machine.Tier, Machine.Processors, Machine.Processors + 1).Save(_folder);
        Assert.Equal(0, TuningRecord.ReadThreads(_folder, () => "this one"));
    }

    [Fact]
    public void No_record_and_a_broken_one_mean_the_default()
    {
        Assert.Equal(0, TuningRecord.ReadThreads(Path.Combine(_folder, "missing"), () => "this one"));
        foreach (string text in (string[])["", "{", "null", "[]", "{\"threads\":\"two\"}", "{}"])
        {
            File.WriteAllText(Path.Combine(_folder, "tuning.json"), text);
            Assert.Equal(0, TuningRecord.ReadThreads(_folder, () => "this one"));
        }
    }

    [Fact]
    public void The_fewest_threads_that_are_nearly_as_fast_are_taken()
    {
        Assert.Equal(2, ThreadTuning.Choose([(1, 10), (2, 6), (4, 5.9)]));
        Assert.Equal(4, ThreadTuning.Choose([(1, 10), (2, 6), (4, 5), (8, 7)]));
        Assert.Equal(1, ThreadTuning.Choose([(1, 10), (2, 12)]));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], ThreadTuning.Candidates(8, 4));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20], ThreadTuning.Candidates(20, 12));
    }
}
