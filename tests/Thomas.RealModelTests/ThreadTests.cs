using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Thomas.Imaging;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>One classifier of a stock model and one decoder, photos as files, many threads.</summary>
public sealed class ThreadTests
{
    private const int Threads = 16;

    [Theory]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", 1)]
    [InlineData("onnx/squeezenet1.1.onnx", 2)]
    public void A_thousand_classifications_from_sixteen_threads_equal_the_sequential_ones(string file, int team)
    {
        string[] paths = Directory.GetFiles(Assets.PathOf("datasets", "flowers5", "val"), "*.jpg", SearchOption.AllDirectories);
        Array.Sort(paths, StringComparer.Ordinal);
        byte[][] photos = Array.ConvertAll(paths[..20], File.ReadAllBytes);
        SkiaImageDecoder decoder = new();
        using ImageClassifier classifier = new(Model.Load(Assets.PathOf(["models", .. file.Split('/')])), options: new() { Threads = team });
        IReadOnlyList<ClassScore>[] expected = Array.ConvertAll(photos, photo => classifier.Classify(decoder, photo));
        IReadOnlyList<ClassScore>[] actual = new IReadOnlyList<ClassScore>[team == 1 ? 1000 : 200];
        Thread[] threads = new Thread[Threads];
        Exception? failure = null;
        for (int t = 0; t < Threads; t++)
        {
            int thread = t;
            threads[t] = new Thread(() =>
            {
                try
                {
                    for (int i = thread; i < actual.Length; i += Threads) actual[i] = classifier.Classify(decoder, photos[i % photos.Length]);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, e, null);
                }
            });
            threads[t].Start();
        }

        foreach (Thread thread in threads) thread.Join();
        Assert.Null(failure);
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i % photos.Length], actual[i]);
    }
}
