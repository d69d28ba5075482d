using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;

using Thomas.Data;
using Thomas.Imaging;

using Xunit;

namespace Thomas.RealModelTests;

public sealed class PreprocessingTests
{
    [Fact]
    public void Crops_match_the_recorded_ones_of_another_framework()
    {
        Npy<byte> golden = Npy<byte>.Load(Assets.PathOf("golden", "imagenet10_crops224_nhwc_rgb_u8.npy"));
        using JsonDocument list = JsonDocument.Parse(File.ReadAllText(Assets.PathOf("golden", "imagenet_top5.json")));
        Preprocessor preprocessor = new(Preprocessing.Preset("raw", 224, 224));
        byte[] crop = new byte[preprocessor.CropBytes];
        long[] histogram = new long[256];
        int image = 0;
        foreach (JsonElement entry in list.RootElement.GetProperty("images").EnumerateArray())
        {
            string file = Assets.PathOf(entry.GetProperty("file").GetString()!.Split('/'));
            preprocessor.Crop(new SkiaImageDecoder().Decode(File.ReadAllBytes(file), preprocessor.MinimumShortSide), crop);
            ReadOnlySpan<byte> expected = golden.Values.AsSpan(image * crop.Length, crop.Length);
            for (int i = 0; i < crop.Length; i++)
            {
                histogram[Math.Abs(crop[i] - expected[i])]++;
            }

            image++;
        }

        Assert.Equal([10, 224, 224, 3], golden.Shape);
        Assert.Equal(10, image);
        double total = histogram.Sum();
        string measured = string.Join(", ", Enumerable.Range(0, 256).Where(d => histogram[d] > 0).Select(d => $"{d}: {histogram[d] / total:P4}"));
        TestContext.Current.SendDiagnosticMessage($"differences in grey levels: {measured}");
        Assert.True(histogram[0] / total > 0.999, measured);
        Assert.True(histogram[2..].Sum() == 0, measured);
    }

    [Fact]
    public void A_photo_decoded_at_reduced_size_gives_nearly_the_same_crop()
    {
        string file = Assets.PathOf("datasets", "awkward_images", "Landscape_1.jpg");
        Preprocessor preprocessor = new(Preprocessing.Preset("raw", 224, 224));
        SkiaImageDecoder decoder = new();
        RgbImage full = decoder.Decode(File.ReadAllBytes(file));
        RgbImage reduced = decoder.Decode(File.ReadAllBytes(file), preprocessor.MinimumShortSide);
        Assert.Equal((full.Width / 2, full.Height / 2), (reduced.Width, reduced.Height));
        byte[] fromFull = new byte[preprocessor.CropBytes];
        byte[] fromReduced = new byte[preprocessor.CropBytes];
        preprocessor.Crop(full, fromFull);
        preprocessor.Crop(reduced, fromReduced);
        Assert.InRange(fromFull.Zip(fromReduced, (a, b) => Math.Abs(a - b)).Average(), 0, 1.5);
    }

    [Fact]
    public void Flowers_are_prepared_and_opened_again_from_the_cache()
    {
        Dataset flowers = ImageFolder.Load(Assets.PathOf("datasets", "flowers5"));
        Assert.Equal(["daisy", "dandelion", "roses", "sunflowers", "tulips"], flowers.ClassNames);
        Assert.Equal([60, 60, 60, 60, 60], flowers.CountByClass(Subset.Train));
        Assert.Equal([15, 15, 15, 15, 15], flowers.CountByClass(Subset.Validation));
        string cache = Directory.CreateTempSubdirectory("thomas-test-").FullName;
        try
        {
            PreparedSetOptions options = new() { Preprocessing = Preprocessing.Preset("imagenet", 224, 224), CacheDirectory = cache };
            double first = Prepare(flowers, options, expectCached: false);
            double second = Prepare(flowers, options, expectCached: true);
            TestContext.Current.SendDiagnosticMessage($"375 images prepared in {first:F0} ms, opened from the cache in {second:F0} ms");
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }
    }

    private static double Prepare(Dataset dataset, PreparedSetOptions options, bool expectCached)
    {
        long start = Stopwatch.GetTimestamp();
        using PreparedSet set = PreparedSet.Create(dataset, new SkiaImageDecoder(), options, null, TestContext.Current.CancellationToken);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Assert.Equal(375, set.Count);
        Assert.Equal(expectCached, set.IsFromCache);
        return milliseconds;
    }
}
