using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>
/// Makes variants of files, each from a seed of its own, and checks that they are refused by a <see cref="ThomasException"/> or are harmless: no other
/// exception, no long work, no large allocation. <c>THOMAS_FUZZ_VARIANTS</c> sets how many there are; <c>THOMAS_FUZZ_ONLY</c> makes the one variant of that
/// number, which a failure names, and leaves its file.
/// </summary>
internal sealed class Fuzzer(string name, ITestOutputHelper output)
{
    private const string VariantsVariable = "THOMAS_FUZZ_VARIANTS", OnlyVariable = "THOMAS_FUZZ_ONLY";
    private const int DefaultVariants = 1000;

    /// <summary>On a busy machine with counters of coverage a variant of a few milliseconds can take long.</summary>
    private static readonly TimeSpan AllowedTime = TimeSpan.FromSeconds(20), Hang = TimeSpan.FromMinutes(2);

    private int _refused;
    private TimeSpan _slowest;
    private long _largest;

    /// <summary>Managed bytes that one variant may allocate.</summary>
    public long AllowedBytes { get; init; } = 192L << 20;

    /// <summary>Runs all variants.</summary>
    /// <param name="make">Makes the variant that belongs to a source of random numbers.</param>
    /// <param name="use">Does with it whatever can be done.</param>
    public void Run(Func<Random, byte[]> make, Action<byte[]> use)
    {
        int only = Number(OnlyVariable, -1), variants = Number(VariantsVariable, DefaultVariants);
        for (int i = only >= 0 ? only : 0; i < (only >= 0 ? only + 1 : variants); i++)
        {
            int variant = i;
            if (only >= 0) output.WriteLine($"the variant is in {Save(make(new Random(Seed(variant))))}");
            Task<Exception?> work = Task.Run(() => Try(make(new Random(Seed(variant))), use));
            Expect.True(work.Wait(Hang, TestContext.Current.CancellationToken), $"{What(variant)} has not ended after {Hang}");
            if (work.Result is Exception e) Assert.Fail($"{What(variant)}: {e}");
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {variants} variants, {_refused} refused; slowest {_slowest.TotalMilliseconds:F0} ms, largest allocation {_largest / 1048576.0:F1} MiB"));
        if (only < 0) Expect.True(_refused >= variants / 20 && _refused < variants, $"{name}: {_refused} of {variants} variants were refused");
    }

    private static string Save(byte[] file)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, file);
        return path;
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    /// <summary>By FNV-1a of the name, since the runtime's own hashes differ from run to run.</summary>
    private int Seed(int variant)
    {
        uint hash = 2166136261;
        foreach (char c in name) hash = (hash ^ c) * 16777619;
        return (int)((hash ^ (uint)variant) * 16777619);
    }

    private string What(int variant) => $"{name}, variant {variant} ({OnlyVariable}={variant} makes it again)";

    private Exception? Try(byte[] file, Action<byte[]> use)
    {
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        try
        {
            use(file);
        }
        catch (ThomasException)
        {
            Interlocked.Increment(ref _refused);
        }
        catch (Exception e)
        {
            return e;
        }

        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (time > _slowest) _slowest = time;
        if (allocated > _largest) _largest = allocated;
        if (time > AllowedTime) return new TimeoutException($"took {time}");
        return allocated > AllowedBytes + (16L * file.Length) ? new InsufficientMemoryException($"allocated {allocated} bytes") : null;
    }
}
