using System;
using System.Diagnostics;
using System.IO.Compression;
using Thomas.Tests.Formats.PyTorch;
using Thomas.Tests.Formats.Safetensors;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats;

/// <summary>Damaged weight files must be refused as such or be read: no other exception, no long work, no large allocation.</summary>
public sealed class WeightFileFuzzTests
{
    private const int Variants = 1000;
    private const long AllowedBytes = 32L << 20;
    private static readonly TimeSpan AllowedTime = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Names => ["safetensors", "zip", "deflated zip", "legacy"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_wrong_bit_or_byte_is_refused_or_harmless(string name)
    {
        byte[] file = File(name);
        Random random = new(name.Length);
        int refused = 0;
        for (int i = 0; i < Variants; i++)
        {
            int at = random.Next(file.Length);
            byte right = file[at];
            file[at] = (byte)(i % 4 == 0 ? 255 : i % 4 == 1 ? random.Next(256) : right ^ (1 << random.Next(8)));
            refused += Refuses(file, $"{name}, byte {at} = {file[at]}");
            file[at] = right;
        }

        Assert.InRange(refused, Variants / 10, Variants);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Many_wrong_bytes_are_refused_or_harmless(string name)
    {
        byte[] file = File(name);
        Random random = new(name.Length);
        for (int i = 0; i < Variants; i++)
        {
            byte[] broken = [.. file];
            for (int k = 0; k < 8; k++) broken[random.Next(broken.Length)] = (byte)random.Next(256);
            Refuses(broken, $"{name}, variant {i}");
        }
    }

    // The sample of the legacy format ends in a counter that is not read, whose absence is noticed all the same.
    [Theory]
    [MemberData(nameof(Names))]
    public void A_cut_file_is_refused(string name)
    {
        byte[] file = File(name);
        Random random = new(name.Length);
        for (int i = 0; i < Variants; i++)
        {
            int length = random.Next(file.Length);
            Expect.True(Refuses(file[..length], $"{name}, first {length} bytes") == 1, $"{name}: the first {length} of {file.Length} bytes are accepted");
        }
    }

    private static byte[] File(string name) => name switch
    {
        "safetensors" => SafetensorsFile.Of(("conv.weight", [2, 3, 1, 1], TestGraphs.Noise(6, 1)), ("conv.bias", [2], [1, 2]), ("module.\\u00e9", [], [3])),
        "zip" => TorchFile.SampleZip(),
        "deflated zip" => TorchFile.SampleZip(CompressionLevel.Optimal),
        _ => TorchFile.SampleLegacy(),
    };

    private static int Refuses(byte[] file, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch watch = Stopwatch.StartNew();
        int refused = 0;
        try
        {
            _ = WeightFile.Load(file, "fuzzed", integers: true);
        }
        catch (ModelFormatException)
        {
            refused = 1;
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Expect.True(allocated <= AllowedBytes, $"{what}: {allocated} bytes allocated");
        Expect.True(watch.Elapsed < AllowedTime, $"{what}: {watch.Elapsed}");
        return refused;
    }
}
