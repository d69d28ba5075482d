using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Versioning;
using System.Text;

using Thomas.Data;

using Xunit;

namespace Thomas.Tests.Data;

public sealed class DatasetTests
{
    [Fact]
    public void Folder_gives_classes_and_images_in_ordinal_order()
    {
        using TemporaryFolder folder = new();
        Touch(folder["b", "2.jpg"], folder["b", "10.PNG"], folder["b", "deep", "er", "x.webp"], folder["a", "z.gif"], folder["B", "q.bmp"]);
        Touch(folder["b", ".hidden.jpg"], folder[".cache", "x.jpg"], folder["a", "notes.txt"], folder["a", "phone.heic"], folder["readme.md"]);
        Dataset dataset = ImageFolder.Load(folder.Path);
        Assert.Equal(["B", "a", "b"], dataset.ClassNames);
        Assert.Equal(
            ["0 B/q.bmp", "1 a/phone.heic", "1 a/z.gif", "2 b/10.PNG", "2 b/2.jpg", "2 b/deep/er/x.webp"],
            dataset.Samples.Select(sample => $"{sample.ClassIndex} {Path.GetRelativePath(folder.Path, sample.Image.Name).Replace('\\', '/')}"));
        Assert.All(dataset.Samples, sample => Assert.Equal(Subset.Unassigned, sample.Subset));
        Assert.Equal([1, 2, 3], dataset.CountByClass());
    }

    [Theory]
    [InlineData("val")]
    [InlineData("validation")]
    [InlineData("Val")]
    public void Folder_with_train_and_val_is_split(string validation)
    {
        using TemporaryFolder folder = new();
        Touch(folder["train", "x", "1.jpg"], folder["train", "y", "2.jpg"], folder[validation, "x", "3.jpg"], folder[validation, "y", "4.jpg"]);
        Touch(folder["test", "x", "5.jpg"], folder["test", "y", "6.jpg"]);
        Dataset dataset = ImageFolder.Load(folder.Path);
        Assert.Equal(["x", "y"], dataset.ClassNames);
        Assert.Equal([1, 1], dataset.CountByClass(Subset.Train));
        Assert.Equal([1, 1], dataset.CountByClass(Subset.Validation));
        Assert.Equal([1, 1], dataset.CountByClass(Subset.Test));
        Assert.EndsWith("3.jpg", Assert.Single(dataset.Only(Subset.Validation).Samples, sample => sample.ClassIndex == 0).Image.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_may_be_called_train()
    {
        using TemporaryFolder folder = new();
        Touch(folder["car", "1.jpg"], folder["train", "2.jpg"], folder["train", "more", "3.jpg"]);
        Assert.Equal(["car", "train"], ImageFolder.Load(folder.Path).ClassNames);
    }

    [Fact]
    public void Links_in_a_circle_do_no_harm()
    {
        using TemporaryFolder folder = new();
        Touch(folder["a", "1.jpg"]);
        Directory.CreateSymbolicLink(folder["a", "again"], folder["a"]);
        Directory.CreateSymbolicLink(folder["b"], folder["a"]);
        Dataset dataset = ImageFolder.Load(folder.Path);
        Assert.Equal([1, 1], dataset.CountByClass());
    }

    [Fact]
    public void Folder_errors_say_what_to_do()
    {
        using TemporaryFolder folder = new();
        AssertLoadFails(folder["absent"], "does not exist");
        AssertLoadFails(folder.Path, "contains no folders", "folder named after the class");
        Touch(folder["1.jpg"]);
        AssertLoadFails(folder.Path, "images but no folders");
        AssertLoadFails(folder["1.jpg"], "is a file");
        Touch(folder["a", "text.txt"]);
        AssertLoadFails(folder.Path, "no images in 'a'", ".jpg");
    }

    [Fact]
    public void Split_folder_errors_name_the_classes()
    {
        using TemporaryFolder folder = new();
        Touch(folder["val", "z", "1.jpg"]);
        AssertLoadFails(folder.Path, "'val' but no 'train'");
        Touch(folder["train", "x", "1.jpg"], folder["train", "y", "1.jpg"], folder["val", "z", "1.jpg"]);
        AssertLoadFails(folder.Path, "both 'train' ('x', 'y') and 'val' ('z')");
        Touch(folder["cats", "1.jpg"]);
        AssertLoadFails(folder.Path, "'cats' is next to them");
        Directory.Delete(folder["cats"], true);
        Touch(folder["validation", "x", "1.jpg"]);
        AssertLoadFails(folder.Path, "'val' and 'validation'");
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Unreadable_folder_is_a_data_error()
    {
        using TemporaryFolder folder = new();
        Touch(folder["a", "1.jpg"], folder["b", "1.jpg"]);
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.UserName == "root", "Needs Unix file permissions and a user whom they hold back.");
        File.SetUnixFileMode(folder["b"], UnixFileMode.None);
        try
        {
            AssertLoadFails(folder.Path, "cannot be read");
        }
        finally
        {
            File.SetUnixFileMode(folder["b"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void Training_needs_two_classes_with_images()
    {
        ImageSet set = new();
        Assert.Contains("has no classes", Assert.Throws<DataException>(set.ToDataset().CheckTrainable).Message, StringComparison.Ordinal);
        set.Add("only", new byte[] { 1 });
        Assert.Contains("only the class 'only'", Assert.Throws<DataException>(set.ToDataset().CheckTrainable).Message, StringComparison.Ordinal);
        Dataset empty = new(
            "here", ["a", "b", "c"], [new Sample(ImageSource.FromFile("x"), 1, Subset.Train), new Sample(ImageSource.FromFile("y"), 0, Subset.Validation)]);
        Assert.Contains("for 'a', 'c'", Assert.Throws<DataException>(empty.CheckTrainable).Message, StringComparison.Ordinal);
        set.Add("other", new byte[] { 1 });
        set.ToDataset().CheckTrainable();
    }

    [Fact]
    public void Data_sets_refuse_bad_classes()
    {
        Assert.Throws<DataException>(() => new Dataset("d", ["a", "a"], []));
        Assert.Throws<DataException>(() => new Dataset("d", ["a", " "], []));
        Assert.Throws<ArgumentException>(() => new Dataset("d", ["a"], [new Sample(ImageSource.FromFile("x"), 1, Subset.Train)]));
    }

    [Fact]
    public void Images_in_memory_keep_their_order_and_their_bytes()
    {
        ImageSet set = new();
        set.Add("zebra", new MemoryStream([1, 2, 3]));
        set.Add("ant", new byte[] { 4 });
        set.Add("zebra", [10, 20, 30, 40, 50, 60], 2, 1);
        Dataset dataset = set.ToDataset();
        Assert.Equal(3, set.Count);
        Assert.Equal(["ant", "zebra"], dataset.ClassNames);
        Assert.Equal([1, 0, 1], dataset.Samples.Select(sample => sample.ClassIndex));
        Assert.Equal([1, 2, 3], dataset.Samples[0].Image.Read().Bytes.ToArray());
        RgbImage? pixels = dataset.Samples[2].Image.Read().Pixels;
        Assert.NotNull(pixels);
        Assert.Equal((2, 1), (pixels.Width, pixels.Height));
        Assert.Equal("image 3 (zebra)", dataset.Samples[2].Image.Name);
        Assert.Throws<ArgumentException>(() => set.Add("short", [1, 2], 1, 1));
        Assert.Throws<ArgumentException>(() => set.Add(" ", new byte[] { 1 }));
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.01)]
    [InlineData(0.99)]
    [InlineData(0.5)]
    public void Split_is_stratified_and_leaves_something_on_each_side(double share)
    {
        int[] sizes = [2, 3, 10, 57, 100];
        Dataset dataset = Numbered(sizes);
        for (ulong seed = 0; seed < 20; seed++)
        {
            Dataset split = Split.Stratified(dataset, share, seed);
            int[] validation = split.CountByClass(Subset.Validation);
            int[] train = split.CountByClass(Subset.Train);
            Assert.Equal(dataset.Samples.Select(sample => sample.Image), split.Samples.Select(sample => sample.Image));
            for (int c = 0; c < sizes.Length; c++)
            {
                Assert.Equal(sizes[c], validation[c] + train[c]);
                Assert.Equal(Math.Clamp((int)Math.Round(sizes[c] * share), 1, sizes[c] - 1), validation[c]);
            }
        }
    }

    [Fact]
    public void Split_depends_on_the_seed_and_not_on_other_classes()
    {
        Dataset two = Numbered([40, 40]);
        Dataset three = Numbered([40, 40, 7]);
        string[] first = ValidationNames(Split.Stratified(two, 0.25, 1));
        Assert.Equal(first, ValidationNames(Split.Stratified(two, 0.25, 1)));
        Assert.NotEqual(first, ValidationNames(Split.Stratified(two, 0.25, 2)));
        Assert.Equal(first, ValidationNames(Split.Stratified(three, 0.25, 1)).Where(name => !name.StartsWith('2')));
    }

    [Fact]
    public void Split_takes_every_image_about_equally_often()
    {
        Dataset dataset = Numbered([10, 10]);
        Dictionary<string, int> counts = [];
        for (ulong seed = 0; seed < 2000; seed++)
        {
            foreach (string name in ValidationNames(Split.Stratified(dataset, 0.2, seed)))
            {
                counts[name] = counts.GetValueOrDefault(name) + 1;
            }
        }

        Assert.Equal(20, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 400 - 90, 400 + 90));
    }

    [Fact]
    public void Split_refuses_single_images_and_what_is_split_already()
    {
        DataException single = Assert.Throws<DataException>(() => Split.Stratified(Numbered([5, 1, 4, 1]), 0.2, 0));
        Assert.Contains("'1', '3'", single.Message, StringComparison.Ordinal);
        Assert.Contains("Add images", single.Message, StringComparison.Ordinal);
        Dataset split = Split.Stratified(Numbered([5, 5]), 0.2, 0);
        Assert.Throws<DataException>(() => Split.Stratified(split, 0.2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Stratified(Numbered([5, 5]), 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.Stratified(Numbered([5, 5]), double.NaN, 0));
    }

    [Fact]
    public void Split_keeps_test_images()
    {
        Sample[] samples = [.. Numbered([6, 6]).Samples.Select((sample, i) => sample with { Subset = i % 3 == 0 ? Subset.Test : Subset.Train })];
        Dataset split = Split.Stratified(new Dataset("d", ["0", "1"], samples), 0.25, 3);
        Assert.Equal([2, 2], split.CountByClass(Subset.Test));
        Assert.Equal([1, 1], split.CountByClass(Subset.Validation));
        Assert.Equal([3, 3], split.CountByClass(Subset.Train));
    }

    [Fact]
    public void Long_lists_of_names_are_cut() =>
        Assert.EndsWith("'9' and 5 more", Dataset.Quote([.. Enumerable.Range(0, 15).Select(i => $"{i}")]), StringComparison.Ordinal);

    private static void AssertLoadFails(string path, params string[] parts)
    {
        DataException error = Assert.Throws<DataException>(() => ImageFolder.Load(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private static void Touch(params string[] files)
    {
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "x", Encoding.ASCII);
        }
    }

    private static Dataset Numbered(int[] sizes)
    {
        List<Sample> samples = [];
        for (int c = 0; c < sizes.Length; c++)
        {
            for (int i = 0; i < sizes[c]; i++)
            {
                samples.Add(new Sample(ImageSource.FromFile($"{c}/{i}"), c, Subset.Unassigned));
            }
        }

        return new Dataset("numbers", [.. sizes.Select((_, c) => $"{c}")], samples);
    }

    private static string[] ValidationNames(Dataset split) => [.. split.Only(Subset.Validation).Samples.Select(sample => sample.Image.Name)];
}
