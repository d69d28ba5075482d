using System;
using System.IO;
using Thomas.App.Tuning;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class TuningTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-tuning").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Devices_measures_and_keeps_the_choice()
    {
        CliRun run = CliRun.Of("devices", "--tune", "--cache-dir", Path.Combine(_folder, "new"), "--json");
        Assert.Equal(0, run.Code);
        System.Text.Json.JsonElement tuning = run.Json().GetProperty("tuning");
        int threads = tuning.GetProperty("threads").GetInt32();
        Assert.InRange(threads, 1, Environment.ProcessorCount);
        Assert.Equal(MachineTuning.Candidates(Machine.Processors, Machine.PerformanceProcessors).Length + 6, tuning.GetProperty("measured").GetArrayLength());
        Assert.All(tuning.GetProperty("measured").EnumerateArray(), m => Assert.True(m.GetProperty("milliseconds").GetDouble() > 0));
        Assert.True(File.Exists(tuning.GetProperty("file").GetString()));
        TuningChoice kept = TuningRecord.Read(Path.Combine(_folder, "new"), () => run.Json().GetProperty("processor").GetString()!);
        Assert.Equal(new TuningChoice(threads, tuning.GetProperty("blockRows").GetInt32(), tuning.GetProperty("blockPanelBytes").GetInt32()), kept);
    }

    [Fact]
    public void A_record_counts_for_its_own_machine_only()
    {
        Assert.Equal(new TuningChoice(1, 28, 256), Kept(Machine.Tier, Machine.Processors, new TuningChoice(1, 28, 256), "this one"));
        Assert.Equal(default, Kept(Machine.Tier, Machine.Processors, new TuningChoice(1), "another"));
        Assert.Equal(default, Kept("another tier", Machine.Processors, new TuningChoice(1), "this one"));
        Assert.Equal(default, Kept(Machine.Tier, Machine.Processors + 1, new TuningChoice(1), "this one"));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(100_000, 0, 0)]
    [InlineData(1, -1, 0)]
    [InlineData(1, 0, 100_000_000)]
    public void A_record_of_nonsense_means_the_default(int threads, int rows, int depth)
        => Assert.Equal(default, Kept(Machine.Tier, Machine.Processors, new TuningChoice(threads, rows, depth), "this one"));

    [Fact]
    public void No_record_and_a_broken_one_mean_the_default()
    {
        Assert.Equal(default, TuningRecord.Read(Path.Combine(_folder, "missing"), () => "this one"));
        foreach (string text in (string[])["", "{", "null", "[]", "{\"choice\":{\"threads\":\"two\"}}", "{\"choice\":null}", "{}"])
        {
            File.WriteAllText(Path.Combine(_folder, "tuning.json"), text);
            Assert.Equal(default, TuningRecord.Read(_folder, () => "this one"));
        }
    }

    [Fact]
    public void The_fewest_threads_that_are_nearly_as_fast_are_taken()
    {
        Assert.Equal(2, Best((1, 10), (2, 6), (4, 5.9)));
        Assert.Equal(4, Best((1, 10), (2, 6), (4, 5), (8, 7)));
        Assert.Equal(1, Best((1, 10), (2, 12)));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], MachineTuning.Candidates(8, 4));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20], MachineTuning.Candidates(20, 12));

        static int Best(params (int Threads, double Milliseconds)[] measured) =>
            MachineTuning.Choose(Array.ConvertAll(measured, m => (new TuningChoice(m.Threads), m.Milliseconds))).Threads;
    }

    private TuningChoice Kept(string tier, int processors, TuningChoice choice, string processor)
    {
        new TuningRecord("this one", tier, processors, choice).Save(_folder);
        return TuningRecord.Read(_folder, () => processor);
    }
}
