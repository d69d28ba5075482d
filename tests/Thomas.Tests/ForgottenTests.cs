using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests;

/// <summary>What is not disposed is freed when it is collected: threads, native memory, pinned arrays, mapped files.</summary>
[Collection(nameof(ProcessMeasurements))]
public sealed class ForgottenTests
{
    private const int Many = 50;

    [Fact]
    public void Forgotten_classifiers_leave_neither_threads_nor_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "counts threads in /proc");
        Collect();
        int threads = Workers();
        long bytes = Arena.OutstandingBytes;
        MakeClassifiers(threads, bytes);
        Expect.True(Soon(() => Workers() <= threads), $"{Workers() - threads} threads are left");
        Expect.True(Soon(() => Arena.OutstandingBytes <= bytes), $"{Arena.OutstandingBytes - bytes} bytes are left");
    }

    [Fact]
    public void A_forgotten_executable_unpins_the_constants_and_a_forgotten_store_frees_its_memory()
    {
        Collect();
        long bytes = Arena.OutstandingBytes;
        WeakReference values = MakeExecutable();
        Assert.True(Soon(() => !values.IsAlive), "the constant is still pinned");
        Expect.True(Soon(() => Arena.OutstandingBytes <= bytes), $"{Arena.OutstandingBytes - bytes} bytes are left");
    }

    [Fact]
    public void Forgotten_cache_files_are_unmapped()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks for mapped files in /proc");
        using TemporaryFolder folder = new();
        MapFiles(folder.Path);
        Expect.True(Soon(() => Mapped(folder.Path) == 0), $"{Mapped(folder.Path)} files are still mapped");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeClassifiers(int threads, long bytes)
    {
        RgbImage image = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(0, new Rng(1)));
        List<ImageClassifier> all = [];
        for (int i = 0; i < Many; i++)
        {
            all.Add(new ImageClassifier(TinyModels.Create(TinyModels.HeadStyle.Dense), null, new CompileOptions { Threads = 2 }));
            all[^1].Classify(image);
        }

        Assert.True(Soon(() => Workers() - threads >= Many));
        Assert.True(Arena.OutstandingBytes - bytes > Many * 1000);
        GC.KeepAlive(all);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference MakeExecutable()
    {
        float[] values = new float[1000];
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 1000)));
        Value sum = b.Add(OpCatalog.Add, [x, b.Constant("c", TensorData.FromFloats(new Shape(1, 1000), values))]);
        Executable executable = Executable.Compile(b.Build(sum), 1, new CompileOptions { Threads = 2 });
        executable.Run();
        VariableStore store = new([new Variable("v", new Shape(100), VariableKind.Weight)]);
        Assert.Equal(0, store[store.Variables[0]][0]);
        return new WeakReference(values);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MapFiles(string folder)
    {
        FeatureCache cache = new(folder);
        using (FeatureMatrix matrix = new([0, 1], 8)) cache.Save("key", matrix);
        Assert.NotNull(cache.TryLoad("key", out _));
        PreparedSetOptions options = new() { Preprocessing = Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side), CacheDirectory = folder };
        PreparedSet set = PreparedSet.Create(TinyModels.Images(2, 1, "red", "green").ToDataset(), new NoDecoder(), options);
        Assert.Equal(4, set.Count);
    }

    private static bool Soon(Func<bool> condition)
    {
        for (int i = 0; i < 200; i++)
        {
            if (condition()) return true;
            Collect();
            Thread.Sleep(20);
        }

        return condition();
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private static int Workers()
    {
        int count = 0;
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                count += File.ReadAllText(Path.Combine(task, "comm")).StartsWith("Thomas worker", StringComparison.Ordinal) ? 1 : 0;
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return count;
    }

    private static int Mapped(string folder)
    {
        int count = 0;
        foreach (string line in File.ReadLines("/proc/self/maps")) count += line.Contains(folder, StringComparison.Ordinal) ? 1 : 0;
        return count;
    }
}
