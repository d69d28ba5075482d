using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class FeatureCacheTests : IDisposable
{
    private const string Key = "model 12ab|size 224|images 34cd|views 2";

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "thomas-features-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_was_saved_is_loaded_and_cannot_be_written()
    {
        FeatureCache cache = new(_folder);
        using FeatureMatrix saved = Sample();
        cache.Save(Key, saved);
        using FeatureMatrix? loaded = cache.TryLoad(Key, out string? problem);
        Assert.Null(problem);
        Assert.NotNull(loaded);
        Assert.Equal(saved.Labels.ToArray(), loaded.Labels.ToArray());
        Assert.Equal((saved.Samples, saved.Features, saved.Views), (loaded.Samples, loaded.Features, loaded.Views));
        for (int view = 0; view < saved.Views; view++)
            for (int sample = 0; sample < saved.Samples; sample++)
                Assert.Equal(saved.Row(sample, view).ToArray(), loaded.Row(sample, view).ToArray());
        Assert.Throws<InvalidOperationException>(() => loaded.WritableRow(0));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void An_absent_file_is_no_problem_and_another_key_is_absent()
    {
        FeatureCache cache = new(_folder);
        Assert.Null(cache.TryLoad(Key, out string? problem));
        Assert.Null(problem);
        using FeatureMatrix saved = Sample();
        cache.Save(Key, saved);
        Assert.Null(cache.TryLoad(Key + "3", out problem));
        Assert.Null(problem);
    }

    [Fact]
    public void Any_wrong_byte_and_any_truncation_is_noticed()
    {
        FeatureCache cache = new(_folder);
        using FeatureMatrix saved = Sample();
        cache.Save(Key, saved);
        string path = cache.PathOf(Key);
        byte[] good = File.ReadAllBytes(path);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x20;
            File.WriteAllBytes(path, bad);
            Assert.Null(cache.TryLoad(Key, out string? problem));
            Assert.NotNull(problem);
            File.WriteAllBytes(path, good[..at]);
            Assert.Null(cache.TryLoad(Key, out problem));
            Assert.NotNull(problem);
        }

        File.WriteAllBytes(path, [.. good, 0]);
        Assert.Null(cache.TryLoad(Key, out string? longer));
        Assert.NotNull(longer);
        File.WriteAllBytes(path, good);
        cache.TryLoad(Key, out string? none)!.Dispose();
        Assert.Null(none);
    }

    [Fact]
    public void A_good_file_of_another_key_is_not_taken()
    {
        FeatureCache cache = new(_folder);
        using FeatureMatrix saved = Sample();
        cache.Save("another", saved);
        File.Move(cache.PathOf("another"), cache.PathOf(Key));
        Assert.Null(cache.TryLoad(Key, out string? problem));
        Assert.Contains("another key", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_computed_again_once_and_said()
    {
        FeatureCache cache = new(_folder);
        List<string> warnings = [];
        int computed = 0;
        FeatureMatrix Compute()
        {
            computed++;
            return Sample();
        }

        cache.GetOrCompute(Key, Compute, warnings.Add).Dispose();
        cache.GetOrCompute(Key, Compute, warnings.Add).Dispose();
        Assert.Equal(1, computed);
        Assert.Empty(warnings);
        File.WriteAllBytes(cache.PathOf(Key), new byte[100]);
        cache.GetOrCompute(Key, Compute, warnings.Add).Dispose();
        cache.GetOrCompute(Key, Compute, warnings.Add).Dispose();
        Assert.Equal(2, computed);
        Assert.Contains("is rebuilt", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_a_warning_not_the_run()
    {
        Directory.CreateDirectory(_folder);
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        FeatureCache cache = new(Path.Combine(file, "below"));
        List<string> warnings = [];
        using FeatureMatrix matrix = cache.GetOrCompute(Key, Sample, warnings.Add);
        Assert.Equal(3, matrix.Samples);
        Assert.Contains("could not be cached", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Throws<ThomasException>(() => cache.Save(Key, matrix));
    }

    [Fact]
    public void A_loaded_matrix_survives_the_replacement_of_its_file()
    {
        FeatureCache cache = new(_folder);
        using FeatureMatrix first = Sample();
        cache.Save(Key, first);
        using FeatureMatrix loaded = cache.TryLoad(Key, out _)!;
        using FeatureMatrix second = new([0, 1, 0], 5, 2);
        cache.Save(Key, second);
        Assert.Equal(first.Row(1).ToArray(), loaded.Row(1).ToArray());
        using FeatureMatrix reloaded = cache.TryLoad(Key, out _)!;
        Assert.Equal(second.Row(1).ToArray(), reloaded.Row(1).ToArray());
    }

    private static FeatureMatrix Sample()
    {
        Rng rng = new(41);
        FeatureMatrix matrix = new([2, 0, 1], 5, views: 2);
        for (int view = 0; view < 2; view++)
            for (int sample = 0; sample < 3; sample++)
                Surrogate.Normals(rng, 5, 1).CopyTo(matrix.WritableRow(sample, view));
        return matrix;
    }
}
