using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests;

/// <summary>What careless callers do: the result is right, or the call is refused with the name of what is wrong.</summary>
public sealed class MisuseTests
{
    private static readonly Model Tiny = TinyModels.Create(TinyModels.HeadStyle.Dense);
    private static readonly Dataset TwoClasses = TinyModels.Images(4, 1, "red", "green").ToDataset();

    public static TheoryData<string, Func<TuningOptions, TuningOptions>> WrongOptions { get; } = new()
    {
        { "Head", o => o with { Head = null! } },
        { "Compile", o => o with { Compile = null! } },
        { "Augmentation", o => o with { Augmentation = null! } },
        { "Optimizer", o => o with { Network = new TrainerOptions { Optimizer = null! } } },
        { "Augmentation", o => o with { Network = new TrainerOptions { Augmentation = null! } } },
        { "Compile", o => o with { Network = new TrainerOptions { Compile = null! } } },
        { "MemoryBytes", o => o with { MemoryBytes = -1 } },
        { "MemoryBytes", o => o with { MemoryBytes = 0 } },
        { "ValidationShare", o => o with { ValidationShare = double.NaN } },
        { "Views", o => o with { Views = -1 } },
        { "Views", o => o with { Views = 2 } },
        { "Views", o => o with { Views = 2, Augmentation = new Augmentation { Flip = true }, Network = new TrainerOptions() } },
        { "options", o => o with { Views = int.MaxValue, Augmentation = new Augmentation { Flip = true } } },
        { "LearningRate", o => o with { Head = TrainerOptions.LastLayer with { LearningRate = float.NaN } } },
    };

    [Theory]
    [MemberData(nameof(WrongOptions))]
    public void Options_that_make_no_sense_are_refused_by_name(string name, Func<TuningOptions, TuningOptions> change)
    {
        ArgumentException error = Assert.ThrowsAny<ArgumentException>(() => Tuner.Tune(Tiny, TwoClasses, new NoDecoder(), change(new TuningOptions())));
        Assert.Equal(name, error.ParamName);
    }

    [Fact]
    public void Sizes_beyond_all_measure_are_refused()
    {
        using FeatureMatrix two = new([0, 1], 2);
        Assert.Throws<ArgumentOutOfRangeException>("classes", () => NearestCentroid.Fit(two, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("classes", () => HeadTrainer.Train(two, null, 1 << 29));
        Assert.Throws<ArgumentOutOfRangeException>("features", () => new FeatureMatrix(new int[1000], int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("concurrency", () => new ImageClassifier(Tiny, concurrency: int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("metric", () => NearestCentroid.Fit(two, 2, (CentroidMetric)9));
        Assert.Throws<ArgumentOutOfRangeException>("format", () => Tiny.Save(new MemoryStream(), (ModelFormat)99));
        Assert.Throws<ArgumentOutOfRangeException>("duration", () => new StageTimer().Add("x", TimeSpan.MinValue));
        Assert.Contains(
            "13835058042397261827", Assert.Throws<ArgumentException>("pixels", () => new RgbImage(int.MaxValue, int.MaxValue, new byte[5])).Message);
    }

    [Fact]
    public void Empty_and_null_parts_are_refused()
    {
        Assert.Throws<ArgumentException>("samples", () => new Dataset("x", ["a"], [null!]));
        Assert.Throws<ArgumentException>("samples", () => new Dataset("x", ["a"], [new Sample(null!, 0, Subset.Train)]));
        Assert.Throws<DataException>(() => Evaluator.Evaluate(Tiny, new ImageSet().ToDataset(), new NoDecoder()));
        Assert.ThrowsAny<ArgumentException>(() => Tuner.WithNewHead(Tiny, ["a", null!]));
        Assert.ThrowsAny<ArgumentException>(() => Tuner.WithNewHead(Tiny, ["a", " "]));
    }

    [Fact]
    public void Nearest_centroids_are_the_same_from_many_threads()
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20, 20, 20], 400, seed: 81, distance: 2);
        NearestCentroid nearest = NearestCentroid.Fit(train, 4);
        int[] expected = Enumerable.Range(0, train.Samples).Select(i => nearest.Predict(train.Row(i))).ToArray();
        int wrong = 0;
        InThreads(8, thread =>
        {
            for (int i = 0; i < 4000; i++)
            {
                int sample = (i + (thread * 11)) % train.Samples;
                if (nearest.Predict(train.Row(sample)) != expected[sample]) Interlocked.Increment(ref wrong);
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Counts_times_and_images_from_many_threads_are_complete()
    {
        ConfusionMatrix confusion = new(3);
        StageTimer timer = new();
        ImageSet images = new();
        InThreads(8, thread =>
        {
            for (int i = 0; i < 2000; i++)
            {
                confusion.Add(thread % 3, i % 3);
                timer.Add("stage " + (i % 5), TimeSpan.FromTicks(1));
                using (timer.Measure("measured")) images.Add("label " + (i % 2), new byte[3], 1, 1);
            }
        });
        Assert.Equal(16000, confusion.Total);
        Assert.Equal(16000, confusion.ToRows().Sum(row => row.Sum()));
        Assert.Equal(16000, timer.Times.Stages.Where(s => s.Name != "measured").Sum(s => s.Duration.Ticks));
        Assert.Equal(16000, images.Count);
        Assert.Equal(16000, images.ToDataset().Samples.Select(s => s.Image.Name).Distinct().Count());
    }

    [Fact]
    public async Task An_interrupted_decode_makes_way_for_the_next()
    {
        DecodeBudget budget = new(10);
        DecodeBudget.Share first = budget.Take(10);
        Exception? seen = null;
        Thread waiting = new(() => seen = Record.Exception(() => budget.Take(5)));
        waiting.Start();
        Assert.True(SpinWait.SpinUntil(() => (waiting.ThreadState & ThreadState.WaitSleepJoin) != 0, 10_000));
        Task next = Task.Run(() => budget.Take(5).Dispose(), TestContext.Current.CancellationToken);
        waiting.Interrupt();
        waiting.Join();
        Assert.IsType<ThreadInterruptedException>(seen);
        first.Dispose();
        await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void What_a_killed_run_left_among_temporary_files_goes_with_the_next()
    {
        string left, live;
        using ScratchFolder running = new();
        live = running.Path;
        left = Directory.CreateTempSubdirectory("thomas-run-").FullName;
        string held = Path.Combine(left, "run.lock");
        File.WriteAllText(held, "");
        File.WriteAllText(Path.Combine(left, "crops.prepared"), "x");
        File.SetLastWriteTimeUtc(held, DateTime.UtcNow.AddMinutes(-1));
        File.SetLastWriteTimeUtc(Path.Combine(live, "run.lock"), DateTime.UtcNow.AddMinutes(-1));
        using (ScratchFolder next = new())
        {
            Assert.False(Directory.Exists(left));
            Assert.True(Directory.Exists(live));
            left = next.Path;
        }

        Assert.False(Directory.Exists(left));
    }

    private static void InThreads(int count, Action<int> work)
    {
        Thread[] threads = new Thread[count];
        using Barrier together = new(count);
        for (int i = 0; i < count; i++)
        {
            int number = i;
            threads[i] = new Thread(() =>
            {
                together.SignalAndWait();
                work(number);
            });
            threads[i].Start();
        }

        foreach (Thread thread in threads) thread.Join();
    }
}
