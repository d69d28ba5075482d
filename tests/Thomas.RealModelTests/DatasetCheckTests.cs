using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>What the check of a data set finds in real photos: all planted copies, and in untouched sets nothing but true copies.</summary>
public sealed class DatasetCheckTests : IDisposable
{
    // Photographs of the same scene at the same moment, uploaded twice.
    private static readonly string[][] FlowerTwins =
    [
        ["10466290366_cc72e33532.jpg", "10994032453_ac7f8d9e2e.jpg"],
        ["10993710036_2033222c91.jpg", "10993818044_4c19b86c82.jpg"],
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-check-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ten_of_ten_planted_copies_and_conflicts_are_found_among_the_flowers()
    {
        Copy(Assets.PathOf("datasets", "flowers5"), _folder);
        string[] daisies = Files("train", "daisy"), roses = Files("train", "roses"), tulips = Files("train", "tulips");
        List<(string Source, string Planted, FindingKind Kind)> planted = [];
        Plant(daisies[3], ["val", "daisy", "p0.jpg"], FindingKind.AcrossParts, File.Copy);
        Plant(roses[3], ["val", "roses", "p1.jpg"], FindingKind.AcrossParts, File.Copy);
        Plant(daisies[12], ["val", "daisy", "p2.jpg"], FindingKind.AcrossParts, Again(SKEncodedImageFormat.Jpeg, 40));
        Plant(roses[9], ["val", "roses", "p3.webp"], FindingKind.AcrossParts, Again(SKEncodedImageFormat.Webp, 60));
        Plant(tulips[9], ["val", "tulips", "p4.jpg"], FindingKind.AcrossParts, Again(SKEncodedImageFormat.Jpeg, 85, 0.5));
        Plant(tulips[12], ["val", "tulips", "p5.jpg"], FindingKind.AcrossParts, Again(SKEncodedImageFormat.Jpeg, 85, 0.4));
        Plant(daisies[25], ["train", "roses", "p6.jpg"], FindingKind.TwoLabels, File.Copy);
        Plant(roses[20], ["train", "tulips", "p7.jpg"], FindingKind.TwoLabels, Again(SKEncodedImageFormat.Jpeg, 60));
        Plant(tulips[20], ["train", "daisy", "p8.jpg"], FindingKind.TwoLabels, Again(SKEncodedImageFormat.Jpeg, 90, 0.6));
        Plant(roses[30], ["train", "roses", "p9.jpg"], FindingKind.Repeated, Again(SKEncodedImageFormat.Jpeg, 75));
        List<DatasetFinding> found = Copies(_folder);
        foreach ((string source, string copy, FindingKind kind) in planted)
        {
            DatasetFinding finding = Assert.Single(found, finding => finding.Images.Any(image => image.Image.Name == copy));
            Assert.Equal(kind, finding.Kind);
            Assert.Contains(finding.Images, image => image.Image.Name == source);
            found.Remove(finding);
        }

        Assert.Equal(10, planted.Count);
        AssertTwins(found);

        void Plant(string source, string[] parts, FindingKind kind, Action<string, string> copy)
        {
            string target = Path.Combine([_folder, .. parts]);
            copy(source, target);
            planted.Add((source, target, kind));
        }
    }

    [Fact]
    public void Untouched_flowers_have_no_copies_but_two_true_ones() => AssertTwins(Copies(Assets.PathOf("datasets", "flowers5")));

    [Fact]
    public void Untouched_cats_and_dogs_have_no_findings() =>
        Assert.Empty(DatasetCheck.Run(DatasetLoader.Load(Assets.PathOf("datasets", "cats_dogs")), new SkiaImageDecoder()).Findings);

    [Fact]
    public void Untouched_cifar_images_have_no_copies()
    {
        foreach (string zip in Directory.GetFiles(Assets.PathOf("datasets", "cifar10"), "*.zip")) ZipFile.ExtractToDirectory(zip, _folder);
        DatasetCheckResult result = DatasetCheck.Run(DatasetLoader.Load(_folder), new SkiaImageDecoder());
        Assert.Equal(4000, result.Dataset.Samples.Count);
        Assert.All(result.Findings, finding => Assert.Equal((FindingKind.GrayImage, false), (finding.Kind, finding.IsWarning)));
    }

    [Fact]
    public void A_model_finds_most_of_ten_wrong_labels()
    {
        Copy(Assets.PathOf("datasets", "flowers5"), _folder);
        string[] classes = ["daisy", "dandelion", "roses", "sunflowers", "tulips"];
        List<string> planted = [];
        for (int i = 0; i < 10; i++)
        {
            string source = Files("train", classes[i % 5])[40 + i], target = Path.Combine(_folder, "train", classes[(i + 2) % 5], $"planted{i}.jpg");
            File.Move(source, target);
            planted.Add(target);
        }

        Model model = Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v2_1.0_224.onnx"));
        DatasetCheckResult result = DatasetCheck.Run(DatasetLoader.Load(_folder), new SkiaImageDecoder(), new DatasetCheckOptions { Model = model });
        List<DatasetFinding> doubts = [.. result.Findings.Where(finding => finding.Kind == FindingKind.DoubtfulLabel)];
        int found = doubts.Count(finding => planted.Contains(finding.Images[0].Image.Name));
        Assert.True(found >= 6, $"{found} of 10 are found");
        Assert.True(doubts.Count - found <= 8, $"{doubts.Count - found} others are doubted");
    }

    private static void AssertTwins(List<DatasetFinding> found)
    {
        Assert.Equal([FindingKind.AcrossParts, FindingKind.Repeated], found.Select(finding => finding.Kind));
        Assert.Equal(FlowerTwins, found.Select(finding => finding.Images.Select(image => Path.GetFileName(image.Image.Name)).ToArray()));
    }

    private static List<DatasetFinding> Copies(string folder)
    {
        DatasetCheckResult result = DatasetCheck.Run(DatasetLoader.Load(folder), new SkiaImageDecoder());
        Assert.True(result.IsComplete);
        return [.. result.Findings.Where(finding => finding.Match is not null)];
    }

    private string[] Files(params string[] parts)
    {
        string[] files = Directory.GetFiles(Path.Combine([_folder, .. parts]));
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    private static Action<string, string> Again(SKEncodedImageFormat format, int quality, double scale = 1) => (source, target) =>
    {
        using SKBitmap image = SKBitmap.Decode(source);
        using SKBitmap sized = image.Resize(
            new SKImageInfo((int)(image.Width * scale), (int)(image.Height * scale)), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using SKData data = sized.Encode(format, quality);
        File.WriteAllBytes(target, data.ToArray());
    };

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, File.ReadAllBytes(file));
        }
    }
}
