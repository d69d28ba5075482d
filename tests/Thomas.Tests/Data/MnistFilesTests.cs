using System;
using System.IO;
using System.Linq;
using Thomas.Data;
using Xunit;

namespace Thomas.Tests.Data;

public sealed class MnistFilesTests : IDisposable
{
    private const string Images = "train-images-idx3-ubyte", Labels = "train-labels-idx1-ubyte";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")]
    [InlineData("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte")]
    [InlineData("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz")]
    [InlineData("emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz", "emnist-letters-test-images-idx3-ubyte.gz",
        "emnist-letters-test-labels-idx1-ubyte.gz")]
    public void A_folder_of_two_pairs_is_split(string images, string labels, string testImages, string testLabels)
    {
        RawFiles.Pair(_folder[images], _folder[labels], [3, 0, 3]);
        RawFiles.Pair(_folder[testImages], _folder[testLabels], [9, 0], first: 100);
        Assert.True(MnistFiles.Recognizes(_folder.Path));
        Dataset dataset = DatasetLoader.Load(_folder.Path);
        Assert.Equal(["0", "3", "9"], dataset.ClassNames);
        Assert.Equal([1, 2, 0], dataset.CountByClass(Subset.Train));
        Assert.Equal([1, 0, 1], dataset.CountByClass(Subset.Test));
        Assert.Equal(5, dataset.Samples.Count);
        Sample second = dataset.Only(Subset.Train).Samples[1];
        Assert.Equal($"{images}, image 2", second.Image.Name);
        Assert.Equal(0, second.ClassIndex);
        AssertGray(second.Image, 3, 2, [10, 11, 12, 13, 14, 15]);
        AssertGray(dataset.Only(Subset.Test).Samples[0].Image, 3, 2, [100, 101, 102, 103, 104, 105]);
    }

    [Theory]
    [InlineData("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")]
    [InlineData("letters-images.idx", "letters-labels.idx")]
    public void A_single_pair_is_not_split(string images, string labels)
    {
        RawFiles.Pair(_folder[images], _folder[labels], [1, 2, 1]);
        File.WriteAllText(_folder["labels.txt"], "zero\none\r\ntwo \nthree\n\n");
        foreach (string path in (string[])[_folder.Path, _folder[images]])
        {
            Dataset dataset = DatasetLoader.Load(path);
            Assert.Equal(["one", "two"], dataset.ClassNames);
            Assert.Equal([2, 1], dataset.CountByClass(Subset.Unassigned));
            Assert.Equal(3, dataset.Samples.Count);
        }
    }

    [Fact]
    public void A_file_that_lies_there_twice_is_read_once()
    {
        RawFiles.Pair(_folder[Images], _folder[Labels], [1, 2]);
        File.WriteAllText(_folder[Images + ".gz"], "damaged, but the plain file is read");
        File.WriteAllText(_folder[Labels + ".gz"], "so are these");
        Assert.Equal(2, MnistFiles.Load(_folder.Path).Samples.Count);
    }

    [Fact]
    public void Images_are_prepared_like_any_others()
    {
        RawFiles.Pair(_folder[Images], _folder[Labels], [1, 0], height: 4, width: 4);
        Preprocessing gray = Preprocessing.Preset("unit", 4, 4) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };
        using PreparedSet set = PreparedSet.Create(MnistFiles.Load(_folder.Path), new Harness.NoDecoder(), new PreparedSetOptions { Preprocessing = gray });
        float[] batch = new float[32];
        set.Fill([0, 1], 0, batch);
        Assert.Equal(RawFiles.Pixels(2, 4, 4).Select(pixel => pixel / 255f), batch);
    }

    [Fact]
    public void Other_folders_and_files_are_not_recognized()
    {
        Directory.CreateDirectory(_folder["images"]);
        File.WriteAllText(_folder["images.txt"], "");
        File.WriteAllText(_folder["labels.idx1-ubyte"], "");
        File.WriteAllText(_folder[".train-images-idx3-ubyte"], "");
        Assert.False(MnistFiles.Recognizes(_folder.Path));
        Assert.False(MnistFiles.Recognizes(_folder["images.txt"]));
        Assert.False(MnistFiles.Recognizes(_folder["absent.idx"]));
        Assert.Contains("no IDX file", Fails(_folder.Path), StringComparison.Ordinal);
        Assert.Throws<DataException>(() => DatasetLoader.Load(_folder["absent.idx"]));
    }

    [Fact]
    public void Missing_and_mismatched_files_are_named()
    {
        File.WriteAllBytes(_folder[Images], RawFiles.Idx(RawFiles.Pixels(3, 2, 2), 3, 2, 2));
        AssertFails("are missing", Labels);
        File.WriteAllBytes(_folder[Labels], RawFiles.Idx([1, 2], 2));
        AssertFails("has 3 images", "has 2 labels", Labels);
        File.WriteAllBytes(_folder[Labels], RawFiles.Idx([1, 2, 5], 3));
        File.WriteAllText(_folder["labels.txt"], "a\nb\nc\nd\ne");
        AssertFails("names 5 classes", "label 5");
        File.WriteAllText(_folder["labels.txt"], "a\nb\nb\nd\ne\nb");
        AssertFails("'b' is empty or occurs twice");
        File.WriteAllBytes(_folder["labels.txt"], [0x61, 0xFF, 0x62]);
        AssertFails("labels.txt", "UTF-8");
        Assert.Contains("no 'images' in its name", Fails(_folder[Labels]), StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_that_do_not_make_one_data_set_are_refused()
    {
        RawFiles.Pair(_folder[Images], _folder[Labels], [1, 2]);
        RawFiles.Pair(_folder["letters-images-idx3-ubyte"], _folder["letters-labels-idx1-ubyte"], [1, 2]);
        AssertFails("letters-images-idx3-ubyte", "none of train, val, test and t10k");
        File.Move(_folder["letters-images-idx3-ubyte"], _folder["letters-train-images-idx3-ubyte"]);
        AssertFails("letters-train-images-idx3-ubyte", "its own folder");
    }

    [Fact]
    public void Damaged_files_are_refused_with_the_reason()
    {
        byte[] good = RawFiles.Idx(RawFiles.Pixels(3, 2, 2), 3, 2, 2);
        RawFiles.Pair(_folder[Images], _folder[Labels], [1, 2, 3], 2, 2);
        AssertDamaged("not an IDX file", "89504E47", 0x89, 0x50, 0x4E, 0x47);
        AssertDamaged("type 0x0D", "3 axes", 0, 0, 0x0D, 3);
        AssertDamaged("type 0x08", "1 axes", RawFiles.Idx([1, 2, 3], 3));
        AssertDamaged("cut off", "again", good[..3]);
        AssertDamaged("cut off", "again", good[..9]);
        AssertDamaged("cut off", "again", good[..^1]);
        AssertDamaged("continues after the 12 bytes", "damaged", [.. good, 0]);
        AssertDamaged("axis 0 has size 0", "at least one", RawFiles.Idx([], 0, 2, 2));
        AssertDamaged("axis 1 has size", "at most", RawFiles.Idx([], 3, -1, 2));
        AssertDamaged("axis 2 has size 65536", "at most", RawFiles.Idx([], 1, 65536, 65536));
        AssertDamaged("20000x1", "16384", RawFiles.Idx(new byte[60_000], 3, 1, 20_000));

        byte[] gzip = RawFiles.Gzip(good);
        AssertDamaged("cut off", "again", RawFiles.Gzip(good[..^1]));
        AssertDamaged("continues after", "damaged", RawFiles.Gzip([.. good, 0]));
        AssertDamaged("", "again", gzip[..(gzip.Length / 2)]);
        AssertDamaged("damaged gzip", "again", [.. gzip[..10], 0xFF, .. gzip[11..]]);
        AssertDamaged("damaged gzip", "again", [.. gzip[..^8], 1, 2, 3, 4, .. gzip[^4..]]);

        File.WriteAllBytes(_folder[Images], good);
        Assert.Equal(3, MnistFiles.Load(_folder.Path).Samples.Count);
    }

    // A small file may not make the reader take memory for the gigabyte that its header announces.
    [Fact]
    public void A_header_that_announces_too_much_takes_no_memory()
    {
        RawFiles.Pair(_folder[Images], _folder[Labels], [1]);
        byte[] file = RawFiles.Idx(new byte[100], 1 << 20, 32, 32);
        foreach (byte[] stored in (byte[][])[file, RawFiles.Gzip(file)])
        {
            File.WriteAllBytes(_folder[Images], stored);
            long before = GC.GetAllocatedBytesForCurrentThread();
            AssertFails("cut off");
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    private static void AssertGray(ImageSource source, int width, int height, byte[] expected)
    {
        RgbImage image = source.Read().Pixels!;
        Assert.Equal((width, height), (image.Width, image.Height));
        Assert.Equal(expected.SelectMany(value => new[] { value, value, value }), image.Pixels);
    }

    private void AssertDamaged(string expected, string alsoExpected, params byte[] file)
    {
        File.WriteAllBytes(_folder[Images], file);
        AssertFails(expected, alsoExpected, Images);
    }

    private void AssertFails(params string[] expected)
    {
        string message = Fails(_folder.Path);
        foreach (string part in expected) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    private static string Fails(string path) => Assert.Throws<DataException>(() => MnistFiles.Load(path)).Message;
}
