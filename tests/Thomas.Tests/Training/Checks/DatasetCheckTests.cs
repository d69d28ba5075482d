using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training.Checks;

/// <summary>Problems planted in data sets are found, each by its kind, and nothing is found where there is nothing.</summary>
public sealed class DatasetCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Images without compression are all as long as each other: one group, of which each is read.
    [Fact]
    public void Reading_images_of_one_length_ends_when_it_is_cancelled()
    {
        const int Images = 50, Read = 5;
        using CancellationTokenSource cancellation = new();
        List<Sample> samples = [];
        for (int i = 0; i < Images; i++) samples.Add(new Sample(ImageSource.FromEncoded($"{i}", new byte[] { 1, 2, (byte)i }), 0, Subset.Train));

        // One look at the first, one at the length of each, one before each is read.
        Watched watched = new(samples, onAccess: 1 + Images + Read, cancellation.Cancel);
        Assert.Throws<OperationCanceledException>(() => SameImages.ByBytes(watched, cancellation.Token));
        Assert.Equal(Read - 1, samples.Count(static sample => sample.Image.LastHash is not null));
        Watched early = new(samples, onAccess: Images / 2, cancellation.Cancel);
        Assert.Throws<OperationCanceledException>(() => SameImages.ByBytes(early, cancellation.Token));
    }

    private sealed class Watched(List<Sample> samples, int onAccess, Action act) : IReadOnlyList<Sample>
    {
        private int _accesses;

        public int Count => samples.Count;

        public Sample this[int index]
        {
            get
            {
                if (++_accesses == onAccess) act();
                return samples[index];
            }
        }

        public IEnumerator<Sample> GetEnumerator() => samples.GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    [Fact]
    public void A_sound_set_has_no_findings()
    {
        Assert.Empty(Check(Sound()).Findings);
    }

    [Theory]
    [InlineData("copy", ImageMatch.Bytes)]
    [InlineData("png", ImageMatch.Pixels)]
    [InlineData("quality", ImageMatch.Similar)]
    [InlineData("webp", ImageMatch.Similar)]
    [InlineData("half", ImageMatch.Similar)]
    public void A_copy_in_validation_is_found(string how, ImageMatch match)
    {
        Sound();
        Plant(how, "val", "a");
        DatasetFinding finding = Assert.Single(Check().Findings);
        Assert.Equal((FindingKind.AcrossParts, match, true), (finding.Kind, finding.Match!.Value, finding.IsWarning));
        Assert.Equal([_folder["train", "a", "source.png"], _folder["val", "a", "planted"]], finding.Images.Select(WithoutEnding));
        Assert.Contains("training and validation", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("copy", ImageMatch.Bytes)]
    [InlineData("quality", ImageMatch.Similar)]
    public void An_image_with_two_labels_is_found(string how, ImageMatch match)
    {
        Sound();
        Plant(how, "train", "b");
        DatasetFinding finding = Assert.Single(Check().Findings);
        Assert.Equal((FindingKind.TwoLabels, match, true), (finding.Kind, finding.Match!.Value, finding.IsWarning));
        Assert.Contains("'a' and 'b'", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_in_another_part_under_another_label_is_both()
    {
        Sound();
        Plant("copy", "val", "b");
        Assert.Equal([FindingKind.TwoLabels, FindingKind.AcrossParts], Check().Findings.Select(finding => finding.Kind));
    }

    [Fact]
    public void A_repeated_image_is_a_note_in_training_and_a_warning_where_it_may_be_divided()
    {
        Sound();
        Plant("half", "train", "a");
        DatasetFinding split = Assert.Single(Check().Findings);
        Assert.Equal((FindingKind.Repeated, false), (split.Kind, split.IsWarning));
        IReadOnlyList<DatasetFinding> whole = Check(_folder["train"]).Findings;
        Assert.Equal([FindingKind.FewValidationImages, FindingKind.Repeated], whole.Select(finding => finding.Kind));
        Assert.True(whole[1].IsWarning);
    }

    [Fact]
    public void Mirrored_images_are_different_ones()
    {
        Sound();
        RgbImage image = Scenes.Draw(0);
        for (int y = 0; y < image.Height; y++)
        {
            Span<byte> row = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
            row.Reverse();
            for (int x = 0; x < row.Length; x += 3) row.Slice(x, 3).Reverse();
        }

        Scenes.Save(_folder["val", "b", "mirrored.jpg"], image);
        Assert.Empty(Check().Findings);
    }

    [Fact]
    public void Files_that_are_not_what_their_name_says_are_named()
    {
        Sound();
        File.WriteAllText(_folder["train", "a", "page.jpg"], "<html>404</html>");
        File.WriteAllText(_folder["train", "a", "answer.png"], "{\"error\": \"not found\"}");
        File.WriteAllText(_folder["train", "b", "lfs.jpg"], "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n");
        File.WriteAllText(_folder["train", "b", "paper.jpg"], "%PDF-1.4\n");
        File.WriteAllBytes(_folder["train", "b", "photo.jpg"], [0, 0, 0, 24, .. Encoding.ASCII.GetBytes("ftypheic"), .. new byte[12]]);
        File.WriteAllBytes(_folder["val", "b", "empty.jpg"], []);
        File.WriteAllBytes(_folder["val", "b", "cut.jpg"], Images.Encode(Scenes.Draw(5), SKEncodedImageFormat.Jpeg)[..900]);
        IReadOnlyList<DatasetFinding> findings = Check().Findings;
        Assert.All(findings, finding => Assert.Equal((FindingKind.Unreadable, true), (finding.Kind, finding.IsWarning)));
        Assert.Collection(
            findings.Select(finding => $"{Path.GetFileName(finding.Images[0].Image.Name)}: {finding.Message}"),
            text => Assert.Contains("answer.png: This is a JSON file", text, StringComparison.Ordinal),
            text => Assert.Contains("page.jpg: This is an HTML page, not an image", text, StringComparison.Ordinal),
            text => Assert.Contains("lfs.jpg: This is a git-lfs pointer", text, StringComparison.Ordinal),
            text => Assert.Contains("paper.jpg: This is a PDF document", text, StringComparison.Ordinal),
            text => Assert.Contains("photo.jpg: This is a HEIC image; convert it to JPEG; on an iPhone", text, StringComparison.Ordinal),
            text => Assert.Contains("cut.jpg: The image is cut off", text, StringComparison.Ordinal),
            text => Assert.Contains("empty.jpg: The image is empty", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Names_alike_and_small_classes_are_found()
    {
        for (ulong i = 0; i < 12; i++) Scenes.Save(_folder["Cat", $"{i}.jpg"], Scenes.Draw(i));
        for (ulong i = 0; i < 3; i++) Scenes.Save(_folder["cat", $"{i}.jpg"], Scenes.Draw(50 + i));
        IReadOnlyList<DatasetFinding> findings = Check().Findings;
        Assert.Equal([FindingKind.AlikeNames, FindingKind.FewValidationImages, FindingKind.FewImages], findings.Select(finding => finding.Kind));
        Assert.Equal("3 validation images will be set aside: 3 of 3 correct would mean an accuracy of 44 to 100 % (95 % interval)", findings[1].Message);
        Assert.Equal("'cat' has 3 training images", findings[2].Message);
    }

    [Fact]
    public void Few_validation_images_are_told_with_the_interval_of_a_perfect_result()
    {
        Sound();
        foreach (string file in Directory.GetFiles(_folder["val", "a"])[2..]) File.Delete(file);
        foreach (string file in Directory.GetFiles(_folder["val", "b"])[2..]) File.Delete(file);
        DatasetFinding finding = Assert.Single(Check().Findings);
        Assert.Equal("4 validation images: 4 of 4 correct would mean an accuracy of 51 to 100 % (95 % interval)", finding.Message);
    }

    [Fact]
    public void Imbalance_and_single_classes_with_few_validation_images_are_notes()
    {
        Sound();
        for (ulong i = 0; i < 110; i++) Scenes.Save(_folder["train", "a", $"more{i}.jpg"], Scenes.Draw(1000 + i, 60, 45));
        foreach (string file in Directory.GetFiles(_folder["val", "b"])[5..]) File.Delete(file);
        for (ulong i = 0; i < 20; i++) Scenes.Save(_folder["val", "a", $"more{i}.jpg"], Scenes.Draw(2000 + i, 60, 45));
        IReadOnlyList<DatasetFinding> findings = Check().Findings;
        Assert.Equal([FindingKind.FewValidationImages, FindingKind.Imbalance], findings.Select(finding => finding.Kind));
        Assert.All(findings, finding => Assert.False(finding.IsWarning));
        Assert.Contains("'b' has 5: 5 of 5 correct would mean a recall of 57 to 100 %", findings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_color_gray_and_tiny_images_are_found()
    {
        Sound();
        RgbImage plain = new(80, 60, [.. Enumerable.Repeat((byte)90, 80 * 60 * 3)]);
        Scenes.Save(_folder["train", "a", "plain.jpg"], plain);
        Scenes.Save(_folder["train", "a", "gray.jpg"], Scenes.Draw(77, gray: true));
        Scenes.Save(_folder["train", "b", "tiny.jpg"], Scenes.Draw(78, 24, 16));
        IReadOnlyList<DatasetFinding> findings = Check().Findings;
        Assert.Equal([FindingKind.OneColor, FindingKind.SmallImage, FindingKind.GrayImage], findings.Select(finding => finding.Kind));
        Assert.Equal(["plain.jpg", "tiny.jpg", "gray.jpg"], findings.Select(finding => Path.GetFileName(finding.Images[0].Image.Name)));
        Assert.Contains("16 pixels", findings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_passed_over_are_one_note_with_their_endings()
    {
        Sound();
        foreach (string name in (string[])["a.ppm", "b.ico", "c.CR2", "d.svg", "noending"]) File.WriteAllText(_folder["train", "a", name], "x");
        DatasetFinding finding = Assert.Single(Check().Findings);
        Assert.Equal((FindingKind.Reading, false), (finding.Kind, finding.IsWarning));
        foreach (string ending in (string[])["5 files", ".ppm", ".ico", ".CR2", ".svg", "without an extension"])
        {
            Assert.Contains(ending, finding.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_single_class_is_untrainable_and_still_checked()
    {
        for (ulong i = 0; i < 40; i++) Scenes.Save(_folder["only", $"{i}.jpg"], Scenes.Draw(i, 60, 45));
        File.Copy(_folder["only", "3.jpg"], _folder["only", "copy.jpg"]);
        Assert.Equal([FindingKind.Untrainable, FindingKind.Repeated], Check().Findings.Select(finding => finding.Kind));
    }

    [Fact]
    public void A_set_without_a_readable_image_is_untrainable()
    {
        Directory.CreateDirectory(_folder["a"]);
        File.WriteAllText(_folder["a", "x.jpg"], "<html>");
        Assert.Equal([FindingKind.Untrainable, FindingKind.Unreadable], Check().Findings.Select(finding => finding.Kind));
    }

    [Fact]
    public void Cancelling_ends_the_check_and_progress_counts_every_image()
    {
        Sound();
        Dataset data = DatasetLoader.Load(_folder.Path);
        List<StageProgress> reports = [];
        DatasetCheck.Run(data, new SkiaImageDecoder(), progress: new Listener(reports.Add));
        Assert.Equal(Enumerable.Range(1, data.Samples.Count), reports.Select(report => report.Done));
        using CancellationTokenSource cancel = new();
        int seen = 0;
        Listener listener = new(_ =>
        {
            if (++seen == 3) cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => DatasetCheck.Run(data, new SkiaImageDecoder(), null, listener, cancel.Token));
        Assert.True(seen < data.Samples.Count);
    }

    [Fact]
    public void Images_in_memory_are_compared_too()
    {
        List<Sample> samples = [];
        for (int i = 0; i < 80; i++)
        {
            RgbImage image = Scenes.Draw((ulong)(i == 79 ? 0 : i), 60, 45);
            samples.Add(new Sample(ImageSource.FromPixels($"{i}", image), i % 2, i < 40 ? Subset.Train : Subset.Validation));
        }

        IReadOnlyList<DatasetFinding> findings = DatasetCheck.Run(new Dataset("memory", ["a", "b"], samples), new SkiaImageDecoder()).Findings;
        Assert.Equal([FindingKind.TwoLabels, FindingKind.AcrossParts], findings.Select(finding => finding.Kind));
        Assert.Equal(["0", "79"], findings[0].Images.Select(image => image.Image.Name));
    }

    /// <summary>Two classes in two parts, with enough images of each.</summary>
    private string Sound()
    {
        foreach (string part in (string[])["train", "val"])
        {
            foreach (string name in (string[])["a", "b"])
            {
                int offset = (part == "val" ? 200 : 100) + (name == "b" ? 50 : 0);
                for (int i = 0; i < (part == "val" ? 18 : 12); i++)
                {
                    Scenes.Save(_folder[part, name, $"{i}.jpg"], Scenes.Draw((ulong)(offset + i)));
                }
            }
        }

        Scenes.Save(_folder["train", "a", "source.png"], Scenes.Draw(0), SKEncodedImageFormat.Png);
        return _folder.Path;
    }

    private void Plant(string how, string part, string name)
    {
        string stem = _folder[part, name, "planted"];
        if (how == "copy") File.Copy(_folder["train", "a", "source.png"], stem + ".png");
        else if (how == "png") File.WriteAllBytes(stem + ".bmp", Bitmap(Scenes.Draw(0)));
        else if (how == "webp") Scenes.Save(stem + ".webp", Scenes.Draw(0), SKEncodedImageFormat.Webp, 60);
        else Scenes.Save(stem + ".jpg", how == "half" ? Scenes.Draw(0, 100, 75) : Scenes.Draw(0), quality: 50);
    }

    /// <summary>A Windows bitmap of 24 bits, rows from the bottom.</summary>
    private static byte[] Bitmap(RgbImage image)
    {
        int stride = ((image.Width * 3) + 3) & ~3;
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write("BM"u8);
        int[] header = [54 + (stride * image.Height), 0, 54, 40, image.Width, image.Height, 1 | (24 << 16), 0, 0, 0, 0, 0, 0];
        foreach (int value in header) writer.Write(value);
        for (int y = image.Height - 1; y >= 0; y--)
        {
            for (int x = 0; x < image.Width; x++)
            {
                for (int c = 2; c >= 0; c--) writer.Write(image.Pixels[(((y * image.Width) + x) * 3) + c]);
            }

            for (int x = image.Width * 3; x < stride; x++) writer.Write((byte)0);
        }

        return stream.ToArray();
    }

    private DatasetCheckResult Check(string? path = null) => DatasetCheck.Run(DatasetLoader.Load(path ?? _folder.Path), new SkiaImageDecoder());

    private static string WithoutEnding(Sample sample) =>
        sample.Image.Name.Contains("planted", StringComparison.Ordinal) ? Path.ChangeExtension(sample.Image.Name, null) : sample.Image.Name;

    private sealed class Listener(Action<StageProgress> report) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => report(value);
    }
}
