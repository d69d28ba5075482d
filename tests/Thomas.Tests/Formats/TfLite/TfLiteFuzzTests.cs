using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>Damaged files must be refused as such or load and run: no other exception, no long work, no large allocation.</summary>
public sealed class TfLiteFuzzTests
{
    private const int Variants = 150;
    private const long AllowedBytes = 64L << 20;
    private const long RunnableMultiplyAdds = 20_000_000;
    private static readonly TimeSpan AllowedTime = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Names =>
        ["NchwBlock", "FakeQuantize of channels", "AveragePool2d dilated uneven, padding counts: False", "Slice of five axes", "LocalResponseNorm 2"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_single_wrong_byte_is_refused_or_harmless(string name)
    {
        byte[] file = File(name);
        Random random = new(name.Length);
        for (int i = 0; i < Variants; i++)
        {
            int at = random.Next(file.Length);
            byte right = file[at];
            file[at] = (byte)(i % 4 == 0 ? 255 : i % 4 == 1 ? right ^ (1 << random.Next(8)) : random.Next(256));
            LoadAndRun(file, $"{name}, byte {at} = {file[at]}");
            file[at] = right;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_cut_file_is_refused_or_harmless(string name)
    {
        byte[] file = File(name);
        Random random = new(name.Length);
        for (int i = 0; i < Variants / 4; i++)
        {
            int length = random.Next(file.Length);
            LoadAndRun(file[..length], $"{name}, first {length} bytes");
        }
    }

    [Fact]
    public void Many_wrong_bytes_are_refused_or_harmless()
    {
        byte[] file = File("NchwBlock");
        Random random = new(5);
        for (int i = 0; i < Variants; i++)
        {
            byte[] broken = [.. file];
            for (int k = 0; k < 8; k++) broken[random.Next(broken.Length)] = (byte)random.Next(256);
            LoadAndRun(broken, $"variant {i}");
        }
    }

    private static byte[] File(string name)
    {
        ModelInfo info = new()
        {
            Name = name,
            Labels = ["a", "b"],
            Preprocessing = Preprocessing.Preset("tf", 7, 5),
            Metadata = new Dictionary<string, string> { ["key"] = "value" },
        };
        return TfLiteRoundTripTests.Write(new Model(WrittenGraphs.All[name](), info));
    }

    private static void LoadAndRun(byte[] file, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch watch = Stopwatch.StartNew();
        Model? model = null;
        try
        {
            model = ModelFiles.Load(file, "fuzzed");
        }
        catch (ModelFormatException)
        {
            // What a damaged file should give.
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Expect.True(allocated <= AllowedBytes + (4L * file.Length), $"{what}: {allocated} bytes allocated");
        Expect.True(watch.Elapsed < AllowedTime, $"{what}: {watch.Elapsed}");
        if (model is null || model.Graph.Cost.MultiplyAdds + model.Graph.Cost.Elementwise > RunnableMultiplyAdds) return;
        GraphVerifier.Verify(model.Graph);
        _ = TestGraphs.Run(model.Graph);
    }
}
