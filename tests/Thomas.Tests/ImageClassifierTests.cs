using System;
using System.IO;
using Thomas.Cli;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

public sealed class ImageClassifierTests
{
    private static readonly string[] AllLabels = ["a", "b", "c", "d", "e"];

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void Labels_that_do_not_fit_the_outputs_are_refused_where_they_are_used(int count)
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense, classes: 4, labels: AllLabels[..count]);
        ThomasException e = Assert.Throws<ThomasException>(() => new ImageClassifier(model));
        Assert.Contains($"there are {count} labels for 4 outputs", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wrong.onnx")]
    [InlineData("wrong.tflite")]
    public void They_survive_in_a_file_and_inspect_warns(string name)
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, name);
        TinyModels.Create(TinyModels.HeadStyle.Dense, classes: 4, labels: ["a", "b", "c"]).Save(path);
        Assert.Equal(["a", "b", "c"], Model.Load(path).Info.Labels);
        using StringWriter stdout = new(), stderr = new();
        Assert.Equal(0, ThomasCommand.Invoke(["inspect", path], stdout, stderr));
        Assert.Contains("3 labels for 4 outputs", stderr.ToString(), StringComparison.Ordinal);
    }
}
