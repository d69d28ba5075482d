using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

using Thomas.Data;
using Thomas.Imaging;

using Xunit;

namespace Thomas.Tests.Data;

public sealed class PreparedSetTests : IDisposable
{
    private const int ImageCount = 9;

    private readonly TemporaryFolder _folder = new();
    private readonly CountingDecoder _decoder = new();

    public PreparedSetTests()
    {
        for (int i = 0; i < ImageCount; i++)
        {
            Images.Save(_folder["data", $"class{i % 3}", $"{i}.png"], seed: (ulong)i, width: 20 + i, height: 31 - i);
        }
    }

    private string Cache => _folder["cache"];

    private Dataset Data => ImageFolder.Load(_folder["data"]);

    private string CacheFile => Assert.Single(Directory.GetFiles(Cache));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Crops_are_those_of_the_preprocessor_in_order(bool cached)
    {
        PreparedSetOptions options = Options(cached) with { Threads = 3 };
        using PreparedSet set = Prepare(Data, options);
        Preprocessor preprocessor = new(options.Preprocessing);
        byte[] expected = new byte[preprocessor.CropBytes];
        float[] input = new float[set.InputLength];
        float[] batch = new float[set.InputLength * 2];
        Assert.Equal(ImageCount, set.Count);
        Assert.Empty(set.Broken);
        Assert.Empty(set.Notices);
        for (int i = 0; i < set.Count; i++)
        {
            RgbImage image = new SkiaImageDecoder().Decode(File.ReadAllBytes(Data.Samples[i].Image.Name));
            preprocessor.Crop(image, expected);
            Assert.True(set.Crop(i).SequenceEqual(expected));
            Assert.Equal(Data.Samples[i].ClassIndex, set.Label(i));
            preprocessor.Normalize(expected, input);
            set.Fill([0, i], 0, batch);
            Assert.Equal(input, batch[set.InputLength..]);
        }
    }

    [Fact]
    public void Second_run_decodes_nothing_and_gives_the_same_bytes()
    {
        PreparedSetOptions options = Options(cached: true) with { Views = 3, Augmentation = Everything, Seed = 5 };
        byte[][] first = CropsOf(options, out bool firstFromCache);
        Assert.Equal(ImageCount, _decoder.Calls);
        byte[][] second = CropsOf(options, out bool secondFromCache);
        Assert.Equal((false, true), (firstFromCache, secondFromCache));
        Assert.Equal(ImageCount, _decoder.Calls);
        Assert.Equal(first, second);
        Assert.Equal(first, CropsOf(options with { CacheDirectory = null, Threads = 1 }, out _));
    }

    [Fact]
    public void View_zero_is_plain_and_the_others_are_seeded()
    {
        PreparedSetOptions options = Options(cached: false) with { Views = 2, Augmentation = Everything };
        using PreparedSet plain = Prepare(Data, Options(cached: false));
        using PreparedSet seed0 = Prepare(Data, options);
        using PreparedSet seed1 = Prepare(Data, options with { Seed = 1 });
        for (int i = 0; i < plain.Count; i++)
        {
            Assert.True(plain.Crop(i).SequenceEqual(seed0.Crop(i, 0)));
            Assert.True(plain.Crop(i).SequenceEqual(seed1.Crop(i, 0)));
            Assert.False(seed0.Crop(i, 0).SequenceEqual(seed0.Crop(i, 1)));
            Assert.False(seed0.Crop(i, 1).SequenceEqual(seed1.Crop(i, 1)));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => seed0.Crop(0, 2));
        Assert.Throws<ArgumentException>(() => Prepare(Data, Options(cached: false) with { Views = 2 }));
    }

    [Fact]
    public void Key_follows_what_decides_the_crops_and_nothing_else()
    {
        UInt128 original = KeyOf(Options(cached: false));
        HashSet<UInt128> others =
        [
            original,
            KeyOf(Options(false) with { Preprocessing = Preprocessing.Preset("tf", 17, 16) }),
            KeyOf(Options(false) with { Preprocessing = Preprocessing.Preset("tf", 16, 16) with { Resize = ResizeMode.Stretch } }),
            KeyOf(Options(false) with { Preprocessing = Preprocessing.Preset("tf", 16, 16) with { CropMargin = 1 } }),
            KeyOf(Options(false) with { Views = 2, Augmentation = Everything }),
            KeyOf(Options(false) with { Views = 2, Augmentation = Everything with { Color = 0.1f } }),
            KeyOf(Options(false) with { Views = 2, Augmentation = Everything, Seed = 1 }),
        ];
        Assert.Equal(7, others.Count);
        Assert.Equal(original, KeyOf(Options(false) with { Preprocessing = Preprocessing.Preset("caffe-bgr", 16, 16), Seed = 9, Threads = 1 }));

        string moved = Data.Samples[4].Image.Name;
        File.SetLastWriteTimeUtc(moved, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal(original, KeyOf(Options(false)));
        Images.Save(moved, seed: 99);
        Assert.DoesNotContain(KeyOf(Options(false)), others);
    }

    [Fact]
    public void Every_damaged_byte_of_the_cache_is_found_and_the_cache_made_anew()
    {
        PreparedSetOptions options = Options(cached: true) with { Preprocessing = Preprocessing.Preset("raw", 3, 2) };
        byte[][] expected = CropsOf(options, out _);
        byte[] good = File.ReadAllBytes(CacheFile);
        Rng rng = new(1);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= (byte)(1 << rng.Next(8));
            File.WriteAllBytes(CacheFile, bad);
            Assert.Equal(expected, CropsOf(options, out bool fromCache));
            Assert.False(fromCache);
            Assert.Equal(good, File.ReadAllBytes(CacheFile));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(200)]
    [InlineData(-1)]
    public void A_cut_off_cache_is_made_anew(int length)
    {
        CropsOf(Options(cached: true), out _);
        using (FileStream file = new(CacheFile, FileMode.Open))
        {
            file.SetLength(length < 0 ? file.Length + length : length);
        }

        using PreparedSet set = Prepare(Data, Options(cached: true));
        Assert.False(set.IsFromCache);
        Assert.Contains("have been rebuilt", Assert.Single(set.Notices), StringComparison.Ordinal);
        Assert.Equal(ImageCount * 2, _decoder.Calls);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("overwritten")]
    [InlineData("deleted")]
    [InlineData("replaced")]
    public void A_cache_that_another_program_changes_while_it_is_in_use_changes_nothing(string how)
    {
        PreparedSetOptions options = Options(cached: true) with { Views = 2, Augmentation = Everything };
        byte[][] expected = CropsOf(options, out _);
        using PreparedSet set = Prepare(Data, options);
        Assert.True(set.IsFromCache);
        using (FileStream file = new(CacheFile, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            if (how == "cut") file.SetLength(200);
            else if (how == "overwritten") file.Write(new byte[5000]);
            else if (how == "deleted") File.Delete(CacheFile);
            else File.Move(Copy(Data.Samples[0].Image.Name), CacheFile, overwrite: true);
        }

        List<byte[]> crops = [];
        for (int i = 0; i < set.Count; i++)
        {
            for (int view = 0; view < set.Views; view++) crops.Add(set.Crop(i, view).ToArray());
        }

        Assert.Equal(expected, crops);
        if (how is "cut" or "overwritten") Assert.Contains("while in use", Assert.Single(set.Notices), StringComparison.Ordinal);
        else Assert.Empty(set.Notices);
        Assert.Equal(expected, CropsOf(options, out _));

        string Copy(string path)
        {
            File.Copy(path, _folder["copy"]);
            return _folder["copy"];
        }
    }

    [Fact]
    public void A_cut_cache_whose_image_is_gone_gives_an_error_with_both_names()
    {
        PreparedSetOptions options = Options(cached: true);
        CropsOf(options, out _);
        using PreparedSet set = Prepare(Data, options);
        using (FileStream file = new(CacheFile, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete)) file.SetLength(0);
        string image = set.Dataset.Samples[1].Image.Name;
        File.Delete(image);
        DataException error = Assert.Throws<DataException>(() => set.Crop(1));
        Assert.Contains(image, error.Message, StringComparison.Ordinal);
        Assert.Contains(Cache, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cache_that_calls_good_images_broken_is_made_anew()
    {
        PreparedSetOptions options = Options(cached: true);
        byte[][] expected = CropsOf(options, out _);
        string[] names = [.. Directory.GetFiles(Cache)];
        UInt128 key = KeyOf(options);
        string?[] failures = new string?[ImageCount];
        failures[2] = "said to be broken";
        using (CropFile.Writer writer = new(Assert.Single(names), key, ImageCount, expected[0].Length))
        {
            for (int i = 0; i < ImageCount; i++) writer.Write(i, expected[i]);
            writer.Complete(failures).Dispose();
        }

        Assert.Equal(expected, CropsOf(options, out bool fromCache));
        Assert.False(fromCache);
        Assert.Equal(expected, CropsOf(options, out fromCache));
        Assert.True(fromCache);
    }

    [Fact]
    public void A_foreign_file_under_the_name_is_replaced()
    {
        CropsOf(Options(cached: true), out _);
        File.WriteAllText(CacheFile, "something else altogether, which is longer than the header of a cache file should it be read as one");
        CropsOf(Options(cached: true), out bool fromCache);
        Assert.False(fromCache);
        CropsOf(Options(cached: true), out fromCache);
        Assert.True(fromCache);
    }

    [Fact]
    public void Without_a_place_for_the_cache_the_set_is_kept_in_memory()
    {
        File.WriteAllText(Cache, "a file where the folder should be");
        using PreparedSet set = Prepare(Data, Options(cached: true));
        Assert.Equal(ImageCount, set.Count);
        string notice = Assert.Single(set.Notices);
        Assert.Contains("could not be cached", notice, StringComparison.Ordinal);
        Assert.Contains("kept in memory", notice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_shows_before_the_work_and_leaves_nothing()
    {
        // 2^57 bytes: more than any disk has.
        Assert.ThrowsAny<IOException>(() => new CropFile.Writer(_folder["big.prepared"], 1, 1 << 27, 1 << 30));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Broken_images_are_named_and_left_out_also_by_the_cache()
    {
        string broken = Data.Samples[4].Image.Name;
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..60]);
        for (int run = 0; run < 2; run++)
        {
            using PreparedSet set = Prepare(Data, Options(cached: true));
            Assert.Equal(run == 1, set.IsFromCache);
            Assert.Equal(ImageCount - 1, set.Count);
            BrokenImage one = Assert.Single(set.Broken);
            Assert.Equal(broken, one.Sample.Image.Name);
            Assert.Contains("cut off", one.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain(set.Dataset.Samples, sample => sample.Image.Name == broken);
            Assert.Equal(Data.Samples[8].ClassIndex, set.Label(7));
        }
    }

    [Fact]
    public void A_class_without_a_usable_image_fails_the_run()
    {
        foreach (string file in Directory.GetFiles(_folder["data", "class1"]))
        {
            File.WriteAllText(file, "no image");
        }

        DataException error = Assert.Throws<DataException>(() => Prepare(Data, Options(cached: true)));
        Assert.Contains("'class1'", error.Message, StringComparison.Ordinal);
        Assert.Contains(Data.Samples[3].Image.Name, error.Message, StringComparison.Ordinal);

        Sample[] split = [
            .. Data.Samples.Select(
                sample => sample with { Subset = sample.Image.Name.EndsWith("1.png", StringComparison.Ordinal) ? Subset.Train : Subset.Validation })];
        Images.Save(_folder["data", "class1", "4.png"], seed: 4);
        Dataset noTraining = new("split", Data.ClassNames, split);
        Assert.Contains("'class1'", Assert.Throws<DataException>(() => Prepare(noTraining, Options(cached: false))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vanished_file_counts_as_broken()
    {
        Dataset dataset = Data;
        File.Delete(dataset.Samples[0].Image.Name);
        using PreparedSet set = Prepare(dataset, Options(cached: false));
        Assert.Contains("cannot be read", Assert.Single(set.Broken).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_stops_soon_and_leaves_no_file()
    {
        using CancellationTokenSource source = new();
        _decoder.OnCall = calls =>
        {
            if (calls == 3)
            {
                source.Cancel();
            }
        };
        Assert.Throws<OperationCanceledException>(() => PreparedSet.Create(Data, _decoder, Options(cached: true) with { Threads = 1 }, null, source.Token));
        Assert.Equal(3, _decoder.Calls);
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Fact]
    public void Errors_of_the_decoder_itself_reach_the_caller_with_the_image_and_leave_no_file()
    {
        _decoder.OnCall = calls => throw new InvalidOperationException("a bug");
        DataException e = Assert.Throws<DataException>(() => Prepare(Data, Options(cached: true) with { Threads = 2 }));
        Assert.Contains(".png' could not be decoded: the decoder 'counting' failed with InvalidOperationException: a bug", e.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(e.InnerException);
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Fact]
    public void A_decoder_that_returns_nothing_is_said_to_for_the_image()
    {
        _decoder.ReturnsNull = true;
        DataException e = Assert.Throws<DataException>(() => Prepare(Data, Options(cached: false)));
        Assert.Contains("The decoder 'counting' returned nothing for '", e.Message, StringComparison.Ordinal);
        Assert.Contains(".png'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_changes_during_the_run_is_refused()
    {
        Dataset dataset = Data;
        _decoder.OnCall = calls => Images.Save(dataset.Samples[8].Image.Name, seed: 77);
        DataException error = Assert.Throws<DataException>(() => Prepare(dataset, Options(cached: true) with { Threads = 1 }));
        Assert.Contains("changed", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Fact]
    public void Progress_counts_every_image()
    {
        List<PrepareProgress> reports = [];
        File.WriteAllText(Data.Samples[4].Image.Name, "no image");
        using PreparedSet set = Prepare(Data, Options(cached: false) with { Threads = 2 }, new Recorder(reports));
        Assert.Equal(Enumerable.Range(1, ImageCount), reports.Select(report => report.Done));
        Assert.All(reports, report => Assert.Equal(ImageCount, report.Total));
        Assert.Equal(1, reports[^1].Broken);
    }

    [Fact]
    public async Task Several_preparing_at_once_do_not_harm_each_other()
    {
        byte[][] expected = CropsOf(Options(cached: false), out _);
        byte[][][] all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => CropsOf(Options(cached: true), out bool _))));
        Assert.All(all, crops => Assert.Equal(expected, crops));
        Assert.EndsWith(".prepared", CacheFile, StringComparison.Ordinal);
    }

    [Fact]
    public void Abandoned_temporary_files_are_removed_and_fresh_ones_kept()
    {
        Directory.CreateDirectory(Cache);
        string left = Path.Combine(Cache, $"x.prepared.{Guid.NewGuid():N}.tmp"), earlier = Path.Combine(Cache, $"x.prepared.1-{Guid.NewGuid():N}.tmp");
        string fresh = Path.Combine(Cache, $"x.prepared.{Guid.NewGuid():N}.tmp"), locked = Path.Combine(Cache, $"x.prepared.{Guid.NewGuid():N}.tmp");
        string other = Path.Combine(Cache, $"x.{Guid.NewGuid():N}.tmp"), own = Path.Combine(Cache, "x.prepared.of.mine.tmp");
        foreach (string path in new[] { left, earlier, locked, other, own })
        {
            File.WriteAllText(path, "");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(-10));
        }

        File.WriteAllText(fresh, "");
        using FileStream writer = new(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        CropsOf(Options(cached: true), out _);
        Assert.Equal([false, false, true, true, true, true], new[] { left, earlier, fresh, locked, other, own }.Select(File.Exists));
    }

    [Fact]
    public void ImageCountin_memory_and_empty_sets_are_prepared_too()
    {
        ImageSet memory = new();
        RgbImage noise = Images.Noise(16, 16, seed: 1);
        memory.Add("raw", noise.Pixels, 16, 16);
        memory.Add("encoded", Images.Encode(noise));
        PreparedSetOptions options = Options(cached: true) with { Preprocessing = Preprocessing.Preset("tf", 16, 16) with { CropMargin = 1 } };
        using PreparedSet set = Prepare(memory.ToDataset(), options);
        Assert.True(set.Crop(0).SequenceEqual(noise.Pixels));
        Assert.True(set.Crop(1).SequenceEqual(noise.Pixels));
        using PreparedSet empty = Prepare(Data.Only(Subset.Test), options);
        Assert.Equal(0, empty.Count);
    }

    [Fact]
    public void Reading_after_dispose_is_refused()
    {
        PreparedSet set = Prepare(Data, Options(cached: true));
        set.Dispose();
        set.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Crop(0));
    }

    private static Augmentation Everything => new() { Flip = true, MinimumCropScale = 0.4f, Color = 0.3f };

    private PreparedSetOptions Options(bool cached) => new() { Preprocessing = Preprocessing.Preset("tf", 16, 16), CacheDirectory = cached ? Cache : null };

    private PreparedSet Prepare(Dataset dataset, PreparedSetOptions options, IProgress<PrepareProgress>? progress = null) =>
        PreparedSet.Create(dataset, _decoder, options, progress, TestContext.Current.CancellationToken);

    private UInt128 KeyOf(PreparedSetOptions options)
    {
        using PreparedSet set = Prepare(Data, options);
        return set.Key;
    }

    private byte[][] CropsOf(PreparedSetOptions options, out bool fromCache)
    {
        using PreparedSet set = Prepare(Data, options);
        fromCache = set.IsFromCache;
        List<byte[]> crops = [];
        for (int i = 0; i < set.Count; i++)
        {
            for (int view = 0; view < set.Views; view++)
            {
                crops.Add(set.Crop(i, view).ToArray());
            }
        }

        return [.. crops];
    }

    private sealed class CountingDecoder : IImageDecoder
    {
        private readonly SkiaImageDecoder _inner = new();
        private int _calls;

        public int Calls => _calls;

        public Action<int>? OnCall { get; set; }

        public bool ReturnsNull { get; set; }

        public string Identity => "counting";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
        {
            int calls = Interlocked.Increment(ref _calls);
            OnCall?.Invoke(calls);
            return ReturnsNull ? null! : _inner.Decode(encoded, minimumShortSide);
        }
    }

    private sealed class Recorder(List<PrepareProgress> reports) : IProgress<PrepareProgress>
    {
        public void Report(PrepareProgress value) => reports.Add(value);
    }
}
