using System;
using System.IO;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>The library examples of README.md, compiled as the web sample is; a test holds them together.</summary>
internal static class ReadmeExample
{
    public static async Task TeachAsync(RgbImage frame)
    {
        // Teaching begins
        using TuningSession session = TuningSession.Open("my-session", Model.Load("mobilenet_v2.onnx"), ImageDecoders.Best());
        session.Add("cat", "cat1.jpg");
        session.Add("dog", "dog1.jpg");
        await session.TrainAsync();
        Console.WriteLine(session.Classify(frame)[0]);
        session.ToModel().Save("cats-and-dogs.tflite");
        // Teaching ends
    }

    public static void Run()
    {
        // README begins
        IImageDecoder decoder = ImageDecoders.Best();
        ImageSet images = new();
        foreach (string file in Directory.EnumerateFiles("photos/cat")) images.Add("cat", File.ReadAllBytes(file));
        foreach (string file in Directory.EnumerateFiles("photos/dog")) images.Add("dog", File.ReadAllBytes(file));

        Model model = Model.Load("mobilenet_v2.onnx");
        ImmediateProgress<EpochReport> epochs = new(epoch => Console.WriteLine($"epoch {epoch.Epoch}: {epoch.ValidationAccuracy:P0}"));
        TuningResult tuned = Tuner.Tune(model, images.ToDataset(), decoder, epochs: epochs);
        Console.WriteLine($"{tuned.Checked}: {tuned.Before.Accuracy:P0} before, {tuned.After.Accuracy:P0} after ({tuned.After.AccuracyInterval})");
        foreach (string warning in tuned.Warnings) Console.WriteLine(warning);

        using ImageClassifier classifier = new(tuned.Model);
        ClassScore best = classifier.Classify(decoder, File.ReadAllBytes("new.jpg"))[0];
        Console.WriteLine($"{best.Label} {best.Probability:P0}");
        using FileStream output = File.Create("cats-and-dogs.tflite");
        tuned.Model.Save(output, ModelFormat.TfLite);
        // README ends
    }
}

public sealed class ReadmeTests
{
    [Theory]
    [InlineData("README", "tests", "Thomas.Tests", "Docs", "ReadmeExample.cs")]
    [InlineData("Teaching", "tests", "Thomas.Tests", "Docs", "ReadmeExample.cs")]
    [InlineData("README", "samples", "Thomas.WebSample", "Program.cs")]
    public void Readme_shows_the_examples_that_are_compiled(string mark, params string[] path)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Thomas.slnx"))) folder = Path.GetDirectoryName(folder);
        Assert.SkipWhen(folder is null, "the sources are not beside the test program");
        string source = File.ReadAllText(Path.Combine([folder!, .. path]));
        int begin = source.IndexOf($"// {mark} begins\n", StringComparison.Ordinal), end = source.IndexOf($"// {mark} ends\n", StringComparison.Ordinal);
        string readme = File.ReadAllText(Path.Combine(folder!, "README.md"));
        foreach (string line in source[(begin + $"// {mark} begins".Length)..end].Split('\n'))
            Assert.Contains(line.Trim(), readme, StringComparison.Ordinal);
    }
}
