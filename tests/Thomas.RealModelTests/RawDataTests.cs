using System;
using System.Security.Cryptography;
using Thomas.Data;
using Thomas.Imaging;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The digits of MNIST and the letters of notMNIST from their original files.</summary>
public sealed class RawDataTests
{
    // Digits of each class and the SHA-256 of all pixels, both computed from the files by another program.
    [Theory]
    [InlineData("mnist", Subset.Train, "741c988805d008ac", 5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)]
    [InlineData("mnist", Subset.Test, "6d87418db22cc802", 980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)]
    [InlineData("notmnist", Subset.Unassigned, "6bda48464effe416", 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000)]
    public void Counts_and_pixels_are_those_of_the_files(string folder, Subset subset, string sha256, params int[] counts)
    {
        Dataset all = DatasetLoader.Load(Assets.PathOf("datasets", folder)), part = all.Only(subset);
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], all.ClassNames);
        Assert.Equal(counts, part.CountByClass());
        Assert.Equal(folder == "mnist" ? 70_000 : 10_000, all.Samples.Count);

        Preprocessing asItIs = Preprocessing.Preset("raw", 28, 28) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };
        using PreparedSet set = PreparedSet.Create(part, new SkiaImageDecoder(), new PreparedSetOptions { Preprocessing = asItIs });
        Assert.Empty(set.Broken);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        float[] input = new float[784];
        for (int i = 0; i < set.Count; i++)
        {
            set.Fill([i], 0, input);
            hash.AppendData(Array.ConvertAll(input, static value => (byte)value));
        }

        Assert.Equal(sha256, Convert.ToHexStringLower(hash.GetHashAndReset())[..16]);
    }

    [Fact]
    public void The_first_test_digits_are_7_2_1_0_4()
    {
        Dataset test = DatasetLoader.Load(Assets.PathOf("datasets", "mnist")).Only(Subset.Test);
        Assert.Equal(
            [7, 2, 1, 0, 4],
            [test.Samples[0].ClassIndex, test.Samples[1].ClassIndex, test.Samples[2].ClassIndex, test.Samples[3].ClassIndex, test.Samples[4].ClassIndex]);
    }
}
