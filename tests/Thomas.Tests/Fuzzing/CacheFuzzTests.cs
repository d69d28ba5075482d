using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Hashing;
using System.Text;
using Thomas.Data;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>
/// Caches and checkpoints whose checksums are right and whose contents are not: a cache is made anew, whatever is in it, a checkpoint refused.
/// </summary>
public sealed class CacheFuzzTests : IDisposable
{
    private const string Key = "the key";

    private readonly TemporaryFolder _folder = new();
    private readonly ITestOutputHelper _output;

    public CacheFuzzTests(ITestOutputHelper output) => _output = output;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Changed_caches_of_prepared_images_are_made_anew()
    {
        Dataset images = TinyModels.Images(2, 1, TrainerJob.Classes).ToDataset();
        PreparedSetOptions options = new()
        {
            Preprocessing = Preprocessing.Preset("tf", 4, 3) with { CropMargin = 1 },
            CacheDirectory = _folder.Path,
            Threads = 1,
        };
        PreparedSet.Create(images, new NoDecoder(), options).Dispose();
        string path = Assert.Single(Directory.GetFiles(_folder.Path));
        byte[] good = File.ReadAllBytes(path);
        int crops = images.Samples.Count * 4 * 3 * 3, trailer = good.Length - 64 - crops;
        new Fuzzer("prepared images", _output).Run(
            random =>
            {
                byte[] header = good[..64], body = good[64..(64 + crops)], end = good[(64 + crops)..];
                if (random.Next(4) == 0) body = Mutation.Bytes(random, body);
                end = random.Next(2) == 0 ? Mutation.Bytes(random, end) : [.. end, .. BitConverter.GetBytes(random.Next(-1, 8)), .. Reason(random)];
                BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(40), random.Next(6) == 0 ? Mutation.Number(random, trailer) : end.Length);
                BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(48), XxHash3.HashToUInt64(end));
                if (random.Next(6) == 0) BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(32), Mutation.Number(random, images.Samples.Count));
                BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(56), XxHash3.HashToUInt64(header.AsSpan(0, 56)));
                return [.. header, .. body, .. end];
            },
            file =>
            {
                File.WriteAllBytes(path, file);
                bool fromCache = NeverFails(() =>
                {
                    using PreparedSet set = PreparedSet.Create(images, new NoDecoder(), options);
                    Assert.Equal(images.Samples.Count, set.Count);
                    for (int i = 0; i < set.Count; i++) _ = set.Crop(i);
                    return set.IsFromCache;
                });
                if (!fromCache) throw new ThomasException("made anew");
            });
    }

    [Fact]
    public void Changed_caches_of_features_are_made_anew()
    {
        FeatureCache cache = new(_folder.Path);
        using (FeatureMatrix matrix = new([0, 1, 2], 5, 2)) cache.Save(Key, matrix);
        string path = cache.PathOf(Key);
        byte[] good = File.ReadAllBytes(path);
        new Fuzzer("features", _output).Run(
            random =>
            {
                byte[] file = [.. good];
                for (int i = random.Next(1, 3); i > 0; i--)
                {
                    int field = 8 + (4 * random.Next(4)), label = 64 + Key.Length + (4 * random.Next(3)), at = random.Next(3) == 0 ? field : label;
                    BinaryPrimitives.WriteInt32LittleEndian(
                        file.AsSpan(at), (int)Mutation.Number(random, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at))));
                }

                if (random.Next(4) == 0) file = Mutation.Bytes(random, file);
                if (file.Length < 64) return file;
                file.AsSpan(24, 16).Clear();
                UInt128 hash = XxHash128.HashToUInt128(file);
                BinaryPrimitives.WriteUInt128LittleEndian(file.AsSpan(24), hash);
                return file;
            },
            file =>
            {
                File.WriteAllBytes(path, file);
                NeverFails(() => cache.TryLoad(Key, out _))?.Dispose();
                NeverFails(
                    () => cache.GetOrCompute(
                        Key, () => new FeatureMatrix([0, 1, 2], 5, 2), matrix => matrix.Labels.SequenceEqual([0, 1, 2]) ? null : "other labels", _ => { }))
                            .Dispose();
                if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(file)) throw new ThomasException("made anew");
            });
    }

    [Fact]
    public void Changed_checkpoints_are_refused_or_resumed()
    {
        string path = _folder["run.checkpoint"];
        using TrainerJob job = new(perClass: 2, validationPerClass: 1);
        TrainerOptions options = TrainerJob.Options with { Epochs = 1, BatchSize = 4, CheckpointPath = path, CheckpointSteps = 1, Resume = true };
        job.Run(options);
        byte[] good = File.ReadAllBytes(path);
        int length = BinaryPrimitives.ReadInt32LittleEndian(good.AsSpan(12)), tensors = (16 + length + 63) / 64 * 64;
        string header = Encoding.UTF8.GetString(good, 16, length);
        byte[] body = good[tensors..^16];
        new Fuzzer("checkpoint", _output).Run(
            random =>
            {
                byte[] json = Encoding.UTF8.GetBytes(Mutation.Json(random, header));
                byte[] head = new byte[(16 + json.Length + 63) / 64 * 64];
                good.AsSpan(0, 16).CopyTo(head);
                BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), random.Next(12) == 0 ? (int)Mutation.Number(random, json.Length) : json.Length);
                json.CopyTo(head.AsSpan(16));
                byte[] file = [.. head, .. random.Next(5) == 0 ? Mutation.Bytes(random, body) : body, .. new byte[16]];
                BinaryPrimitives.WriteUInt128LittleEndian(file.AsSpan(file.Length - 16), XxHash128.HashToUInt128(file.AsSpan(0, file.Length - 16)));
                return file;
            },
            file =>
            {
                File.WriteAllBytes(path, file);
                _ = Checkpoint.IsCheckpoint(path);
                Checkpoint.Open(path).File.Dispose();
                job.Run(options);
            });
    }

    private static byte[] Reason(Random random)
    {
        byte[] text = Encoding.UTF8.GetBytes("broken");
        return random.Next(4) switch
        {
            0 =>
            [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            1 =>
            [(byte)random.Next(256), .. text],
            2 =>
            [0x80, 0x80, 0x80, 0x80, 0x08],
            _ =>
            [(byte)text.Length, .. text]
        };
    }

    /// <summary>A bad cache is no reason to end the run.</summary>
    private static T NeverFails<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (ThomasException e)
        {
            throw new InvalidOperationException("a cache file ended the run", e);
        }
    }
}
