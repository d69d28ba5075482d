using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

/// <summary>One classifier, many callers.</summary>
public sealed class ImageClassifierThreadTests
{
    private const int Threads = 16;

    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 5)]
    public void A_thousand_parallel_classifications_equal_the_sequential_ones(int team, int concurrency)
    {
        RgbImage[] images = Images(50);
        using ImageClassifier classifier = new(Tiny(), null, new CompileOptions { Threads = team }, concurrency: concurrency);
        IReadOnlyList<ClassScore>[] expected = Array.ConvertAll(images, image => classifier.Classify(image));
        IReadOnlyList<ClassScore>[] actual = new IReadOnlyList<ClassScore>[1000];
        InThreads(thread =>
        {
            for (int i = thread; i < actual.Length; i += Threads) actual[i] = classifier.Classify(images[i % images.Length]);
        });
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i % images.Length], actual[i]);
        if (concurrency > 0) Assert.Equal(concurrency, classifier.Concurrency);
    }

    [Fact]
    public async Task Asynchronous_calls_equal_the_sequential_ones()
    {
        RgbImage[] images = Images(20);
        using ImageClassifier classifier = new(Tiny(), concurrency: 3);
        List<Task<IReadOnlyList<ClassScore>>> pixels = [], encoded = [], streams = [];
        for (int i = 0; i < 200; i++)
        {
            byte number = (byte)(i % images.Length);
            pixels.Add(classifier.ClassifyAsync(images[number], 2, Stop));
            encoded.Add(classifier.ClassifyAsync(new Numbered(images), new byte[] { number }, 2, Stop));
            streams.Add(classifier.ClassifyAsync(new Numbered(images), new MemoryStream([number]), 2, Stop));
        }

        for (int i = 0; i < 200; i++)
        {
            IReadOnlyList<ClassScore> expected = classifier.Classify(images[i % images.Length], 2);
            Assert.Equal(expected, await pixels[i]);
            Assert.Equal(expected, await encoded[i]);
            Assert.Equal(expected, await streams[i]);
            Assert.Equal(expected, classifier.Classify(new Numbered(images), new MemoryStream([(byte)(i % images.Length)]), 2));
        }
    }

    [Fact]
    public async Task Working_memory_is_made_when_calls_meet_and_weights_are_shared()
    {
        using ImageClassifier classifier = new(Tiny(), concurrency: 3);
        RgbImage[] images = Images(1);
        long one = classifier.SizeBytes;
        for (int i = 0; i < 10; i++) classifier.Classify(images[0]);
        Assert.Equal(one, classifier.SizeBytes);

        // Four meet in the decoder, where there is room for three.
        using Gate gate = new(images[0], 3);
        Task[] calls = new Task[4];
        for (int i = 0; i < calls.Length; i++) calls[i] = classifier.ClassifyAsync(gate, new byte[1], 5, Stop);
        Assert.True(gate.AllInside.Wait(Long, Stop));
        long three = classifier.SizeBytes;
        gate.Open.Set();
        await Task.WhenAll(calls).WaitAsync(Long, Stop);
        Assert.Equal(three, classifier.SizeBytes);
        using Executable alone = Executable.Compile(Tiny().Graph);
        Assert.Equal(one, alone.SizeBytes);
        Assert.Equal(one + (2 * alone.Plan.ArenaBytes), three);
        Assert.Equal(3, gate.MostInside);
    }

    [Fact]
    public async Task Disposal_lets_calls_finish_and_refuses_those_that_wait_or_come()
    {
        RgbImage[] images = Images(1);
        ImageClassifier classifier = new(Tiny(), concurrency: 1);
        IReadOnlyList<ClassScore> expected = classifier.Classify(images[0]);
        using Gate gate = new(images[0], 1);
        Task<IReadOnlyList<ClassScore>> working = classifier.ClassifyAsync(gate, new byte[1], 5, Stop);
        Assert.True(gate.AllInside.Wait(Long, Stop));
        Task<IReadOnlyList<ClassScore>>[] waiting = [
            classifier.ClassifyAsync(images[0], 5, Stop), classifier.ClassifyAsync(images[0], 5, Stop), classifier.ClassifyAsync(images[0], 5, Stop)];
        Task blocked = Task.Run(() => classifier.Classify(images[0]), Stop);
        await Task.Delay(50, Stop);
        classifier.Dispose();
        classifier.Dispose();
        foreach (Task task in waiting) await Assert.ThrowsAsync<ObjectDisposedException>(() => task.WaitAsync(Long, Stop));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => blocked.WaitAsync(Long, Stop));
        Assert.Throws<ObjectDisposedException>(() => classifier.Classify(images[0]));
        gate.Open.Set();
        Assert.Equal(expected, await working.WaitAsync(Long, Stop));
        Assert.Throws<ObjectDisposedException>(() => classifier.Scores(images[0]));
    }

    [Fact]
    public async Task A_call_that_waits_can_be_cancelled_and_takes_nothing_with_it()
    {
        RgbImage[] images = Images(1);
        using ImageClassifier classifier = new(Tiny(), concurrency: 1);
        using Gate gate = new(images[0], 1);
        Task<IReadOnlyList<ClassScore>> working = classifier.ClassifyAsync(gate, new byte[1], 5, Stop);
        Assert.True(gate.AllInside.Wait(Long, Stop));
        using CancellationTokenSource cancellation = new();
        Task<IReadOnlyList<ClassScore>> waiting = classifier.ClassifyAsync(images[0], 5, cancellation.Token);
        Task<IReadOnlyList<ClassScore>> reading = classifier.ClassifyAsync(gate, new MemoryStream([1]), 5, cancellation.Token);
        await Task.Delay(20, Stop);
        Assert.False(waiting.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Long, Stop));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Long, Stop));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => classifier.ClassifyAsync(images[0], 5, cancellation.Token));
        gate.Open.Set();
        await working.WaitAsync(Long, Stop);
        for (int i = 0; i < 5; i++) await classifier.ClassifyAsync(images[0], 5, Stop).WaitAsync(Long, Stop);
    }

    [Fact]
    public async Task A_decoder_that_fails_leaves_the_classifier_whole()
    {
        RgbImage[] images = Images(3);
        using ImageClassifier classifier = new(Tiny(), concurrency: 1);
        Numbered decoder = new(images);
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<IndexOutOfRangeException>(() => classifier.Classify(decoder, new byte[] { 3 }));
            await Assert.ThrowsAsync<IndexOutOfRangeException>(() => classifier.ClassifyAsync(decoder, new byte[] { 3 }, 5, Stop));
            ImageFormatException e = await Assert.ThrowsAsync<ImageFormatException>(() => classifier.ClassifyAsync(decoder, new byte[] { 255 }, 5, Stop));
            Assert.Contains("'numbered' returned nothing", e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(classifier.Classify(images[2]), await classifier.ClassifyAsync(decoder, new byte[] { 2 }, 5, Stop).WaitAsync(Long, Stop));
    }

    [Fact]
    public void Images_classified_together_have_the_scores_they_have_alone()
    {
        RgbImage[] images = Images(10);
        using ImageClassifier one = new(Tiny()), four = new(Tiny(), batch: 4);
        IReadOnlyList<IReadOnlyList<ClassScore>> together = four.Classify(images);
        for (int i = 0; i < images.Length; i++)
        {
            Assert.Equal(one.Classify(images[i]), together[i]);
            Assert.Equal(together[i], four.Classify(images[i]));
        }

        Assert.Empty(four.Classify([]));
    }

    [Fact]
    public async Task An_executable_in_use_refuses_a_second_thread()
    {
        using Executable executable = Executable.Compile(Tiny().Graph, 64, new CompileOptions { Threads = 1 });
        int refused = 0;
        using CancellationTokenSource enough = new(Long);
        Task other = Task.Run(
            () =>
            {
                while (Volatile.Read(ref refused) == 0 && !enough.IsCancellationRequested) Try();
            },
            Stop);
        while (Volatile.Read(ref refused) == 0 && !enough.IsCancellationRequested) Try();
        await other;
        Assert.NotEqual(0, refused);
        executable.Run();

        void Try()
        {
            try
            {
                executable.Run();
            }
            catch (InvalidOperationException e)
            {
                Assert.Contains("in use by another thread", e.Message, StringComparison.Ordinal);
                Interlocked.Increment(ref refused);
            }
        }
    }

    private static Model Tiny() => TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax);

    private static RgbImage[] Images(int count)
    {
        Rng rng = new(9);
        RgbImage[] images = new RgbImage[count];
        for (int i = 0; i < count; i++) images[i] = new RgbImage(TinyModels.Side, TinyModels.Side, TinyModels.Image(i, rng));
        return images;
    }

    private static void InThreads(Action<int> work)
    {
        Thread[] threads = new Thread[Threads];
        Exception?[] errors = new Exception?[Threads];
        for (int t = 0; t < Threads; t++)
        {
            int thread = t;
            threads[t] = new Thread(() =>
            {
                try
                {
                    work(thread);
                }
                catch (Exception e)
                {
                    errors[thread] = e;
                }
            });
            threads[t].Start();
        }

        foreach (Thread thread in threads) thread.Join();
        Assert.All(errors, Assert.Null);
    }

    /// <summary>The first byte says which image it is; 255 is none, and others that there are not fail.</summary>
    private sealed class Numbered(RgbImage[] images) : IImageDecoder
    {
        public string Identity => "numbered";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0) => encoded.Span[0] == 255 ? null! : images[encoded.Span[0]];
    }

    /// <summary>Holds up whoever decodes until it is opened.</summary>
    private sealed class Gate(RgbImage image, int expected) : IImageDecoder, IDisposable
    {
        private int _inside;
        private int _most;

        public ManualResetEventSlim AllInside { get; } = new();

        public ManualResetEventSlim Open { get; } = new();

        public int MostInside => _most;

        public string Identity => "gate";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
        {
            int inside = Interlocked.Increment(ref _inside);
            lock (Open) _most = Math.Max(_most, inside);
            if (inside == expected) AllInside.Set();
            Open.Wait(Long);
            Interlocked.Decrement(ref _inside);
            return image;
        }

        public void Dispose()
        {
            AllInside.Dispose();
            Open.Dispose();
        }
    }
}
