using System;
using System.IO;
using Thomas.Data;
using Xunit;

namespace Thomas.Tests.Data;

public sealed class CifarFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Batches_are_read_in_order_and_split()
    {
        Names();
        File.WriteAllBytes(_folder["data_batch_2.bin"], RawFiles.Cifar(9));
        File.WriteAllBytes(_folder["data_batch_1.bin"], RawFiles.Cifar(0, 3));
        File.WriteAllBytes(_folder["test_batch.bin"], RawFiles.Cifar(1));
        File.WriteAllText(_folder["data_batch_old.bin"], "not a batch");
        Assert.True(CifarFiles.Recognizes(_folder.Path));
        Dataset dataset = DatasetLoader.Load(_folder.Path);
        Assert.Equal(10, dataset.ClassNames.Count);
        Assert.Equal(("airplane", "truck"), (dataset.ClassNames[0], dataset.ClassNames[9]));
        Assert.Equal(
            [0, 3, 9, 1], [dataset.Samples[0].ClassIndex, dataset.Samples[1].ClassIndex, dataset.Samples[2].ClassIndex, dataset.Samples[3].ClassIndex]);
        Assert.Equal(3, dataset.Only(Subset.Train).Samples.Count);
        Assert.Equal(Subset.Test, dataset.Samples[3].Subset);
        Assert.Equal("data_batch_1.bin, image 2", dataset.Samples[1].Image.Name);
        RgbImage image = dataset.Samples[1].Image.Read().Pixels!;
        Assert.Equal((32, 32, 3072), (image.Width, image.Height, image.Pixels.Length));
        Assert.Equal([255, 101, 201, 1, 101, 201], image.Pixels[..6]);
        Assert.Equal([1, 101, 201], image.Pixels[^3..]);
    }

    [Theory]
    [InlineData("data_batch_1.bin")]
    [InlineData("test_batch.bin")]
    public void One_part_alone_is_not_split(string file)
    {
        Names();
        File.WriteAllBytes(_folder[file], RawFiles.Cifar(0, 3));
        Assert.All(DatasetLoader.Load(_folder.Path).Samples, sample => Assert.Equal(Subset.Unassigned, sample.Subset));
    }

    [Fact]
    public void Other_folders_are_not_recognized()
    {
        Assert.False(CifarFiles.Recognizes(_folder.Path));
        Assert.False(CifarFiles.Recognizes(_folder["absent"]));
        AssertFails("no data_batch_1.bin");
    }

    [Fact]
    public void Damaged_and_missing_files_are_refused_with_the_reason()
    {
        byte[] good = RawFiles.Cifar(0, 3);
        File.WriteAllBytes(_folder["data_batch_1.bin"], good);
        AssertFails("batches.meta.txt");
        Names();
        Assert.Equal(2, CifarFiles.Load(_folder.Path).Samples.Count);
        foreach (byte[] damaged in (byte[][])[good[..^1], [.. good, 0], []])
        {
            File.WriteAllBytes(_folder["data_batch_1.bin"], damaged);
            AssertFails("data_batch_1.bin", $"has {damaged.Length} bytes", "3073");
        }

        File.WriteAllBytes(_folder["data_batch_1.bin"], RawFiles.Cifar(0, 10));
        AssertFails("image 2 has label 10", "names 10 classes");
        File.WriteAllBytes(_folder["data_batch_1.bin"], good);
        File.WriteAllBytes(_folder["data_batch_3.bin"], good);
        AssertFails("data_batch_3.bin", "not data_batch_2.bin");
    }

    private void Names() => File.WriteAllText(_folder["batches.meta.txt"], RawFiles.CifarNames);

    private void AssertFails(params string[] expected)
    {
        string message = Assert.Throws<DataException>(() => CifarFiles.Load(_folder.Path)).Message;
        foreach (string part in expected) Assert.Contains(part, message, StringComparison.Ordinal);
    }
}
