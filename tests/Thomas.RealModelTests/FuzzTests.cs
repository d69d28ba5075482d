using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Graphs;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Truncations and single wrong bytes of real models: each variant is refused by a <see cref="ModelFormatException"/> that names file and place, or loads
/// and runs, both quickly and in little memory. <c>THOMAS_FUZZ_VARIANTS</c> sets the number of variants, 1,000 where it is not set.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const string Variable = "THOMAS_FUZZ_VARIANTS";
    private const string FileName = "damaged.model";
    private const int DefaultVariants = 1000;
    private const long BaseAllocation = 64L << 20;
    private const long NativeMemory = 1L << 30;
    private static readonly TimeSpan AllowedTime = TimeSpan.FromSeconds(2);
    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    public static TheoryData<string, string> Files { get; } = new()
    {
        { "onnx", "mnist.onnx" },
        { "onnx", "resnet20_cifar10.onnx" },
        { "tflite", "cifar10_resnet8_int8.tflite" },
        { "tflite", "person_detect.tflite" },
        { "tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_damaged_file_is_refused_or_runs(string folder, string name)
    {
        byte[] original = File.ReadAllBytes(Assets.PathOf("models", folder, name));
        List<(int Begin, int End)> structure = FileStructure.Of(original);
        int variants = VariantCount() / Files.Count;
        Random random = new(name.Length);
        Figures figures = new();

        // The first load pays for the program's own start.
        Try(original, $"{name}, undamaged", new Figures());
        for (int i = 0; i < variants; i++)
        {
            // A quarter is cut off; of the rest two thirds are hit in the structure, so half of all, and one third anywhere, mostly in the weights.
            byte[] damaged = (byte[])original.Clone();
            int at = i % 4 is 1 or 2 ? FileStructure.Pick(structure, random) : random.Next(original.Length);
            if (i % 4 == 0)
            {
                Try(damaged[..at], $"{name}, variant {i}: first {at} bytes", figures);
                continue;
            }

            damaged[at] = WrongByte(original[at], random);
            Try(damaged, $"{name}, variant {i}: byte {at} is {damaged[at]} instead of {original[at]}", figures);
        }

        output.WriteLine($"{name}: {figures}");
        Assert.Equal(variants, figures.Refused + figures.Ran);
        Assert.True(figures.Refused >= variants / 8, $"only {figures.Refused} of {variants} variants were refused");
        Assert.True(figures.Ran >= variants / 8, $"only {figures.Ran} of {variants} variants ran");
    }

    private static int VariantCount() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : DefaultVariants;

    private static byte WrongByte(byte right, Random random)
    {
        byte wrong = random.Next(4) switch
        {
            0 => (byte)(right ^ (1 << random.Next(8))),
            1 => 255,
            2 => 0,
            _ => (byte)random.Next(256),
        };
        return wrong == right ? (byte)~right : wrong;
    }

    private static void Try(byte[] file, string what, Figures figures)
    {
        Model? model = null;
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        try
        {
            model = ModelFiles.Load(file, FileName);
        }
        catch (ModelFormatException e)
        {
            Assert.True(
                e.File == FileName && e.Message.StartsWith($"{FileName}: ", StringComparison.Ordinal),
                $"{what}: the message does not name the file: {e.Message}");
            Assert.True(e.Place.Length > 0 || e is UnsupportedModelException { Operators.Count: > 0 }, $"{what}: the message names no place: {e.Message}");
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
        }

        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        figures.AddLoad(time, allocated, refused: model is null);
        Assert.True(allocated <= BaseAllocation + (4L * file.Length), $"{what}: loading allocated {allocated} bytes");
        Assert.True(time < AllowedTime, $"{what}: loading took {time}");
        if (model is not null) Run(model, what, figures);
    }

    private static void Run(Model model, string what, Figures figures)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            GraphVerifier.Verify(model.Graph);
            using Executable executable = Executable.Compile(model.Graph, 1, OneThread);
            Assert.True(executable.SizeBytes <= NativeMemory, $"{what}: the executable takes {executable.SizeBytes} bytes");
            executable.Run();
            figures.AddRun(Stopwatch.GetElapsedTime(start), executable.SizeBytes);
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: running: {e}");
        }

        TimeSpan time = Stopwatch.GetElapsedTime(start);
        OpCost cost = model.Graph.Cost;
        Assert.True(time < AllowedTime, $"{what}: running took {time} for {cost.MultiplyAdds} multiply-adds and {cost.Elementwise} other operations");
    }

    /// <summary>What a series of variants took.</summary>
    private sealed class Figures
    {
        private TimeSpan _slowestLoad, _slowestRun;
        private long _allocation, _native;

        public int Refused { get; private set; }

        public int Ran { get; private set; }

        public void AddLoad(TimeSpan time, long allocated, bool refused)
        {
            if (refused) Refused++;
            if (time > _slowestLoad) _slowestLoad = time;
            _allocation = Math.Max(_allocation, allocated);
        }

        public void AddRun(TimeSpan time, long native)
        {
            Ran++;
            if (time > _slowestRun) _slowestRun = time;
            _native = Math.Max(_native, native);
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Refused} refused, {Ran} ran; slowest load {_slowestLoad.TotalMilliseconds:F0} ms, slowest compile and run "
            + $"{_slowestRun.TotalMilliseconds:F0} ms, largest allocation of a load {_allocation / 1048576.0:F1} MiB, largest executable "
            + $"{_native / 1048576.0:F1} MiB");
    }
}
