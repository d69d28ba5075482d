using System;
using System.IO;
using System.Linq;
using Thomas.Data;
using Xunit;

namespace Thomas.Tests.Data;

/// <summary>How folders come: which are classes, which are parts, and what is passed over.</summary>
public sealed class FolderLayoutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Files, the classes, images of each that are unassigned, for training, validation and test, and what the notes say.</summary>
    [Theory]
    [InlineData("a/1 a/2 b/3", "a b", "2+1 0+0 0+0 0+0", "")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 valid/a/3 valid/b/4 test/a/5 test/b/6", "a b", "0+0 1+1 1+1 1+1", "")]
    [InlineData("Training/a/1 Training/b/2 eval/a/3 eval/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 evaluation/a/3 evaluation/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 dev/a/3 dev/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 holdout/a/3 holdout/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 hold-out/a/3 hold-out/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("training_set/a/1 training_set/b/2 test_set/a/3 test_set/b/4", "a b", "0+0 1+1 0+0 1+1", "")]
    [InlineData("TrainSet/a/1 TrainSet/b/2 TestSet/a/3 TestSet/b/4", "a b", "0+0 1+1 0+0 1+1", "")]
    [InlineData("train-data/a/1 train-data/b/2 val-data/a/3 val-data/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train_images/a/1 train_images/b/2 validation_images/a/3 validation_images/b/4", "a b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 testing/a/3 testing/b/4", "a b", "0+0 1+1 0+0 1+1", "")]
    [InlineData("train/a/1 train/b/2", "a b", "0+0 1+1 0+0 0+0", "")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/4 annotations/notes.txt", "a b", "0+0 1+1 1+1 0+0", "without images: 'annotations'")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/4 labels/", "a b", "0+0 1+1 1+1 0+0", "without images: 'labels'")]
    [InlineData("a/1 b/2 empty/", "a b", "1+1 0+0 0+0 0+0", "without images: 'empty'")]
    [InlineData("a/1 b/2 docs/read.me models/net.onnx", "a b", "1+1 0+0 0+0 0+0", "without images: 'docs', 'models'")]
    [InlineData("flowers/a/1 flowers/b/2", "a b", "1+1 0+0 0+0 0+0", "taken from 'flowers'")]
    [InlineData("archive/flowers/a/1 archive/flowers/b/2 archive/license.txt", "a b", "1+1 0+0 0+0 0+0", "taken from 'archive/flowers'")]
    [InlineData("data/train/a/1 data/train/b/2 data/val/a/3 data/val/b/4", "a b", "0+0 1+1 1+1 0+0", "taken from 'data'")]
    [InlineData("data/a/1 data/b/2 __MACOSX/data/a/1", "a b", "1+1 0+0 0+0 0+0", "taken from 'data'")]
    [InlineData("a/1 b/2 __MACOSX/a/1 @eaDir/a/1 .ipynb_checkpoints/1 System%Volume%Information/1", "a b", "1+1 0+0 0+0 0+0", "")]
    [InlineData("a/1 a/@eaDir/1 a/._1 b/2 b/.thumbs/2", "a b", "1+1 0+0 0+0 0+0", "")]
    [InlineData("car/1 train/2 train/more/3", "car train", "1+2 0+0 0+0 0+0", "")]
    [InlineData("dev/old/1 dev/new/2 prod/3", "dev prod", "2+1 0+0 0+0 0+0", "")]
    [InlineData("a/x/1 a/y/2 b/3", "a b", "2+1 0+0 0+0 0+0", "")]
    [InlineData("a/1 b/2 0 9", "a b", "1+1 0+0 0+0 0+0", "2 image(s) beside")]
    [InlineData("train/a/1 train/b/2 val/a/3", "a b", "0+0 1+1 1+0 0+0", "'val' has no images of 'b'")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/4 val/c/5", "a b", "0+0 1+1 1+1 0+0", "'val' has images of 'c'")]
    [InlineData("train/Rose/1 train/b/2 val/rose/3 val/b/4", "Rose b", "0+0 1+1 1+1 0+0", "")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/", "a b", "0+0 1+1 1+0 0+0", "'val' has no images of 'b'")]
    [InlineData("only/1", "only", "1 0 0 0", "")]
    [InlineData("only/deep/1 only/deep/er/2", "only", "2 0 0 0", "")]
    [InlineData("data/train/a/1", "a", "0 1 0 0", "taken from 'data'")]
    [InlineData("train/a/1 train/b/2 train/3 val/a/4 val/b/5", "train val", "3+2 0+0 0+0 0+0", "")]
    public void Layouts_are_read(string files, string classes, string counts, string note)
    {
        Create(files);
        Dataset data = ImageFolder.Load(_folder.Path);
        Assert.Equal(classes, string.Join(' ', data.ClassNames));
        Subset[] subsets = [Subset.Unassigned, Subset.Train, Subset.Validation, Subset.Test];
        Assert.Equal(counts, string.Join(' ', subsets.Select(subset => string.Join('+', data.CountByClass(subset)))));
        string notes = string.Join('\n', data.Notes.Where(text => !text.Contains("skipped by extension", StringComparison.Ordinal)));
        if (note.Length == 0) Assert.Empty(notes);
        else Assert.Contains(note, notes, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test/a/1 test/b/2", "has 'test' but no 'train'")]
    [InlineData("train/a/1 val/a/2 dev/a/3", "'dev' and 'val', which mean the same split")]
    [InlineData("train/a/1 train/b/2 val/a/3 val/b/4 extra/a/5", "'extra' is next to them")]
    [InlineData("train/a/1 train/b/2 val/c/3 val/d/4", "no class that is in both 'train' ('a', 'b') and 'val' ('c', 'd')")]
    [InlineData("a/x.txt b/", "has no images in 'a', 'b'")]
    [InlineData("1 2", "images but no folders")]
    [InlineData("x.txt", "contains no folders")]
    public void Others_are_refused_with_the_reason(string files, string reason)
    {
        Create(files);
        Assert.Contains(reason, Assert.Throws<DataException>(() => ImageFolder.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    /// <summary>Names without an ending are JPEGs; % stands for a blank, and what ends with / is a folder.</summary>
    private void Create(string files)
    {
        foreach (string file in files.Split(' '))
        {
            string path = Path.Combine(_folder.Path, file.Replace('%', ' '));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (!file.EndsWith('/')) File.WriteAllBytes(Path.HasExtension(path) && !file.Contains("._", StringComparison.Ordinal) ? path : path + ".jpg", [0]);
        }
    }
}
