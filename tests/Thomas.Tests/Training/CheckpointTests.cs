using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class CheckpointTests
{
    private static readonly TrainerOptions Options = TrainerJob.Options with
    {
        Epochs = 4,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f },
        BatchNorm = BatchNormMode.Live,
        LearningRate = 0.01f,
        Dropout = 0.2f,
        Mixup = 0.2f,
        Augmentation = new Augmentation { Flip = true },
    };

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(15)]
    public void Stopped_anywhere_and_resumed_it_ends_with_the_same_bits(int stopAfter)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerResult expected = job.Run(Options);
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        TrainerResult stopped = StopAfter(job, options, stopAfter);
        Assert.True(stopped.Cancelled);
        TrainerResult resumed = job.Run(options);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
        Assert.Equal(expected.BestEpoch, resumed.BestEpoch);
        Assert.Equal(expected.After!.ToRows(), resumed.After!.ToRows());
        Assert.Equal(expected.Before!.ToRows(), resumed.Before!.ToRows());
        Assert.Equal(expected.Epochs.Count, resumed.Epochs.Count);
        for (int i = 0; i < expected.Epochs.Count; i++)
            Assert.Equal(expected.Epochs[i] with { Duration = default }, resumed.Epochs[i] with { Duration = default });
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));
    }

    [Fact]
    public void Stopped_after_every_step_it_ends_with_the_same_bits()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = Options with
        {
            MicroBatch = 4,
            Optimizer = new OptimizerOptions { ClipNorm = 1 },
            CheckpointPath = folder["run"],
            Resume = true,
        };
        TrainerResult expected = job.Run(options with { CheckpointPath = null });
        TrainerResult result = StopAfter(job, options, 1);
        int stops = 0;
        for (; result.Cancelled; stops++) result = StopAfter(job, options, 1);
        Assert.Equal(16, stops);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
    }

    [Fact]
    public void Stopped_before_and_after_an_overflow_it_ends_with_the_same_bits()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = TrainerJob.Options with
        {
            Epochs = 40,
            LearningRate = 6,
            WarmupShare = 0,
            FinalLearningRateShare = 1,
            Optimizer = new OptimizerOptions { Momentum = 0, WeightDecay = 1 },
        };
        TrainerResult expected = job.Run(options);
        options = options with { CheckpointPath = folder["run"], Resume = true };
        TrainerResult result = StopAfter(job, options, 8);
        while (result.Cancelled) result = StopAfter(job, options, 40);
        Assert.Equal(1, result.Restarts);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(result.Model));
    }

    [Fact]
    public void A_finished_run_has_nothing_left_to_do()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        TrainerResult first = job.Run(options), again = job.Run(options);
        Assert.Equal(0, again.SecondsPerStep);
        Assert.Equal(TrainerJob.Bits(first.Model), TrainerJob.Bits(again.Model));
        Assert.Contains(first.Notes, note => note.Contains("no checkpoint", StringComparison.Ordinal));
        Assert.NotEqual(0, job.Run(options with { Resume = false }).SecondsPerStep);
    }

    [Fact]
    public void Another_run_is_refused_with_what_differs()
    {
        using TrainerJob job = new();
        using TrainerJob others = new(perClass: 11);
        using TemporaryFolder folder = new();
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        StopAfter(job, options, 5);
        string Refusal(Action run) => Assert.Throws<ThomasException>(run).Message;
        Assert.Contains("learning rate (there 0.01, here 0.02)", Refusal(() => job.Run(options with { LearningRate = 0.02f })), StringComparison.Ordinal);
        Assert.Contains(
            "batch (there 8, here 4), micro-batch (there 8, here 4), seed (there 1, here 2)",
            Refusal(() => job.Run(options with { BatchSize = 4, Seed = 2 })), StringComparison.Ordinal);
        Assert.Contains("the images", Refusal(() => others.Run(options)), StringComparison.Ordinal);
        Assert.Contains("the model", Refusal(() => job.Run(options, TrainerJob.Model(TinyModels.HeadStyle.Flatten))), StringComparison.Ordinal);
        job.Run(options with { Compile = new CompileOptions { Threads = 2 }, LoaderThreads = 0, CheckpointSteps = 7 });
    }

    [Fact]
    public void Damage_is_found_wherever_it_is()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        StopAfter(job, options, 5);
        byte[] file = File.ReadAllBytes(folder["run"]);
        Rng rng = new(3);
        for (int i = 0; i < 30; i++)
        {
            byte[] broken = [.. file];
            broken[i < 16 ? i : rng.Next(file.Length)] ^= (byte)(1 << rng.Next(8));
            File.WriteAllBytes(folder["run"], broken);
            Assert.Contains(folder["run"], Assert.Throws<ThomasException>(() => job.Run(options)).Message, StringComparison.Ordinal);
        }

        foreach (int length in new[] { 0, 7, 16, 200, file.Length - 1 })
        {
            File.WriteAllBytes(folder["run"], file[..length]);
            Assert.Contains(folder["run"], Assert.Throws<ThomasException>(() => job.Run(options)).Message, StringComparison.Ordinal);
        }

        File.WriteAllBytes(folder["run"], file);
        Assert.False(job.Run(options).Cancelled);
    }

    [Fact]
    public void A_newer_minor_version_with_unknown_parts_is_read_and_a_newer_major_one_refused()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerResult expected = job.Run(Options);
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        StopAfter(job, options, 6);
        Rewrite(folder["run"], Checkpoint.Major, minor: 7);
        TrainerResult resumed = job.Run(options);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));

        Rewrite(folder["run"], Checkpoint.Major + 1, 0);
        Assert.Contains("version 2.0", Assert.Throws<ThomasException>(() => job.Run(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_keeps_the_former_checkpoint_and_training_goes_on()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        int writes = 0;
        TrainerOptions options = Options with
        {
            CheckpointPath = folder["run"],
            CheckpointStream = file => ++writes > 2 ? new FullDisk(file) : file,
        };
        TrainerResult result = job.Run(options);
        Assert.Equal(TrainerJob.Bits(job.Run(Options).Model), TrainerJob.Bits(result.Model));
        Assert.Single(result.Notes, note => note.Contains("No space left", StringComparison.Ordinal));
        Assert.Equal(4, writes);
        Assert.Equal([folder["run"]], Directory.GetFiles(folder.Path));
        (CheckpointHeader header, FileStream file) = Checkpoint.Open(folder["run"]);
        file.Dispose();
        Assert.Equal((3, 0), (header.Epoch, header.Step));

        TrainerResult nowhere = job.Run(Options with { CheckpointPath = folder["missing", "run"] });
        Assert.Single(nowhere.Notes, note => note.Contains("could not be written", StringComparison.Ordinal));
    }

    [Fact]
    public void Checkpoints_come_by_steps_and_by_time()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        int writes = 0;
        TrainerOptions options = Options with
        {
            CheckpointPath = folder["run"],
            CheckpointStream = file =>
            {
                writes++;
                return file;
            },
        };
        job.Run(options);
        Assert.Equal(4, writes);
        writes = 0;
        job.Run(options with { CheckpointSteps = 2 });
        Assert.Equal(8, writes);
        writes = 0;
        job.Run(options with { CheckpointInterval = TimeSpan.FromTicks(1) });
        Assert.Equal(16, writes);
    }

    [Fact]
    public void What_killed_programs_left_is_removed()
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        string left = folder[$"run.{Guid.NewGuid():N}.tmp"], written = folder[$"run.{Guid.NewGuid():N}.tmp"], other = folder[$"ruin.{Guid.NewGuid():N}.tmp"],
            copy = folder["run.copy.tmp"];
        foreach (string path in new[] { left, written, other, copy })
        {
            File.WriteAllText(path, "half");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(-10));
        }

        using FileStream writer = new(written, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        job.Run(Options with { Epochs = 1, CheckpointPath = folder["run"] });
        Assert.Equal((false, true, true, true), (File.Exists(left), File.Exists(written), File.Exists(other), File.Exists(copy)));
    }

    private static TrainerResult StopAfter(TrainerJob job, TrainerOptions options, int steps)
    {
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && p.Message.Length == 0 && ++done == steps) source.Cancel();
        });
        return job.Run(options, progress: progress, cancellation: source.Token);
    }

    /// <summary>Gives a checkpoint another version, and members and a section that nobody knows.</summary>
    private static void Rewrite(string path, short major, short minor)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = BitConverter.ToInt32(bytes, 12), start = (16 + length + 63) / 64 * 64;
        JsonObject json = JsonNode.Parse(Encoding.UTF8.GetString(bytes, 16, length))!.AsObject();
        JsonArray tensors = json["tensors"]!.AsArray();
        ReadOnlySpan<byte> data = bytes.AsSpan(start..^16);
        JsonObject tensor = tensors[0]!.DeepClone().AsObject();
        tensor["section"] = "novelty";
        tensor["offset"] = data.Length;
        tensors.Add(tensor);
        tensors[0]!["compressed"] = false;
        json["somethingNew"] = new JsonObject { ["a"] = 1 };

        using MemoryStream file = new();
        byte[] text = Encoding.UTF8.GetBytes(json.ToJsonString());
        file.Write(bytes.AsSpan(0, 8));
        file.Write(BitConverter.GetBytes(major));
        file.Write(BitConverter.GetBytes(minor));
        file.Write(BitConverter.GetBytes(text.Length));
        file.Write(text);
        file.Write(new byte[((file.Length + 63) / 64 * 64) - file.Length]);
        file.Write(data);
        file.Write(new byte[1000]);
        byte[] hash = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(hash, XxHash128.HashToUInt128(file.ToArray()));
        file.Write(hash);
        File.WriteAllBytes(path, file.ToArray());
    }

    private sealed class FullDisk(Stream file) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            file.Write(buffer[..Math.Min(10, buffer.Length)]);
            throw new IOException("No space left on device");
        }
    }
}
