using System;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests;

/// <summary>Sizes that no machine has are refused at once, with the largest that fits.</summary>
public sealed class BatchLimitTests
{
    [Theory]
    [InlineData(100_000_000)]
    [InlineData(int.MaxValue)]
    public void A_batch_that_does_not_fit_is_refused_with_the_largest_that_does(int batch)
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
        ThomasException e = Assert.Throws<ThomasException>(() => new ImageClassifier(model, batch: batch));
        Assert.Contains("the largest that fits is ", e.Message, StringComparison.Ordinal);
        int most = int.Parse(e.Message[(e.Message.LastIndexOf(' ') + 1)..].TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(most, 100, batch - 1);
        Assert.Equal("A batch of", Assert.Throws<ThomasException>(() => Executable.Compile(model.Graph, batch)).Message[..10]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Sizes_below_one_are_refused(int number)
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageClassifier(model, batch: number));
        Assert.Throws<ArgumentOutOfRangeException>(() => Executable.Compile(model.Graph, number));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingPlanner.Plan(model, new TrainingPlanOptions { Batch = number }));
        if (number == 0) return;
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageClassifier(model, concurrency: number));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageClassifier(model, options: new CompileOptions { Threads = number }));
        using ImageClassifier classifier = new(model);
        RgbImage image = new(1, 1, [1, 2, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Classify(image, number));
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Classify(new[] { image }, number));
    }

    [Fact]
    public void Absurd_numbers_of_threads_and_images_in_a_step_are_refused()
    {
        Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
        Assert.Throws<ArgumentOutOfRangeException>(() => Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1_000_000 }));
        ThomasException e = Assert.Throws<ThomasException>(() => TrainingPlanner.Plan(model, new TrainingPlanOptions
        {
            Policy = UpdatePolicy.All,
            Batch = int.MaxValue,
        }));
        Assert.Contains("images is too large for this model", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_piece_beyond_what_is_free_is_refused_before_it_is_touched()
    {
        NotEnoughMemoryException e = Assert.Throws<NotEnoughMemoryException>(() => new Arena(1L << 50));
        Assert.Equal(1L << 50, e.NeededBytes);
        Assert.Contains("are free", e.Message, StringComparison.Ordinal);
        Assert.Throws<NotEnoughMemoryException>(() => new FeatureMatrix(new int[1_000_000], 1_000_000, 100));
    }

    [Theory]
    [InlineData("MemTotal: 8 kB\nMemAvailable:     100 kB\nSwapFree: 20 kB\n", 120 * 1024)]
    [InlineData("MemTotal: 8 kB\n", long.MaxValue)]
    [InlineData("MemAvailable: much\n", long.MaxValue)]
    [InlineData("MemAvailable: 99999999999999999999999 kB\n", long.MaxValue)]
    public void What_is_free_is_read_as_the_kernel_lists_it(string text, long expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has the file");
        using Data.TemporaryFolder folder = new();
        string path = System.IO.Path.Combine(folder.Path, "meminfo");
        System.IO.File.WriteAllText(path, text);
        Assert.Equal(expected, FreeMemory.Available(path));
        Assert.Equal(long.MaxValue, FreeMemory.Available(path + "-absent"));
        Assert.InRange(FreeMemory.Bytes, 1 << 20, 1L << 50);
    }
}
