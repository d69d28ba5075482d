using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Formats;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Formats;

/// <summary>Files of very many nodes: everything that is done with them takes time in proportion, and files beyond the limits are refused.</summary>
public sealed partial class LongGraphTests(ITestOutputHelper output)
{
    private const int Few = 1000, Many = 6000;
    private const string SizeVariable = "THOMAS_CHAIN_NODES";

    /// <summary>Below this, differences are noise.</summary>
    private static readonly TimeSpan Negligible = TimeSpan.FromMilliseconds(150);

    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    /// <summary>All kinds where a number of nodes is set; else those that once took the square of it.</summary>
    public static TheoryData<string> Names => IsSet ? new(Chains.Names) : ["Neg", "Add of half way back", "Fan-out into one Concat", "Transpose and Relu"];

    private static bool IsSet => Environment.GetEnvironmentVariable(SizeVariable) is { Length: > 0 };

    [Theory]
    [MemberData(nameof(Names))]
    public void Time_grows_with_the_nodes_and_not_with_their_square(string name)
    {
        int many = IsSet ? int.Parse(Environment.GetEnvironmentVariable(SizeVariable)!, CultureInfo.InvariantCulture) : Many;
        Measure(Chains.Make(name, Few));
        Dictionary<string, TimeSpan> few = Measure(Chains.Make(name, Few)), more = Measure(Chains.Make(name, many));
        output.WriteLine(
            $"{name}: " + string.Join(
                ", ",
                more.Select(
                    pair =>
                        string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {few[pair.Key].TotalMilliseconds:F0} {pair.Value.TotalMilliseconds:F0}"))));
        foreach ((string what, TimeSpan time) in more)
            Expect.True(
                time < Negligible + (2.0 * many / Few * few[what]),
                $"{name}, {what}: {few[what].TotalMilliseconds} ms for {Few}, {time.TotalMilliseconds} ms for {many} nodes");
    }

    [Fact]
    public void Ten_thousand_outputs_and_ten_thousand_unknown_operators_take_little_time()
    {
        Stopwatch watch = Stopwatch.StartNew();
        Model model = ModelFiles.Load(Chains.ManyOutputs(10_000), "outputs.onnx");
        using (Executable executable = Executable.Compile(model.Graph, 1, OneThread)) executable.Run();
        Assert.Equal(10_000, model.Graph.Outputs.Count);
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => ModelFiles.Load(Chains.Unknown(10_000), "unknown.onnx"));
        Assert.Equal(10_000, e.Operators.Count);
        Expect.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"took {watch.Elapsed}");
    }

    [Fact]
    public void The_classes_are_found_among_very_many_outputs_in_time_that_grows_with_them()
    {
        Time(4_000);
        TimeSpan few = Time(4_000), more = Time(16_000);
        Expect.True(more < Negligible + (8 * few), $"{few.TotalMilliseconds} ms for 4,000 outputs, {more.TotalMilliseconds} ms for 16,000");

        static TimeSpan Time(int count)
        {
            GraphBuilder b = new();
            Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
            Value[] outputs = new Value[count];
            for (int i = 0; i < count; i++) outputs[i] = x = b.Add(OpCatalog.Negate, [x]);
            Model model = new(b.Build(outputs), new ModelInfo { Name = "outputs" });
            TimeSpan start = ThreadTime();
            Assert.Equal(count - 1, ClassOutput.Find(model).Index);
            return ThreadTime() - start;
        }
    }

    [Theory]
    [InlineData("onnx")]
    [InlineData("tflite")]
    public void Both_formats_take_as_many_operators_and_refuse_more(string format)
    {
        byte[] most = Chains.Make("Neg", ModelLimits.Operators - 2);
        Model model = ModelFiles.Load(most, "most.onnx");
        Assert.InRange(model.Graph.Nodes.Count, ModelLimits.Operators, ModelLimits.Operators + 2);
        if (format == "onnx")
        {
            AssertRefused(Chains.Make("Neg", ModelLimits.Operators - 1), "more.onnx");
            return;
        }

        using MemoryStream stream = new();
        model = ModelFiles.Load(Chains.Make("Neg", ModelLimits.Operators - 8), "fewer.onnx");
        model.Save(stream, ModelFormat.TfLite);
        Assert.Equal(model.Graph.Nodes.Count, ModelFiles.Load(stream.ToArray(), "most.tflite").Graph.Nodes.Count);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        for (int i = 0; i <= ModelLimits.Operators; i++) x = b.Add(OpCatalog.Negate, [x]);
        using MemoryStream larger = new();
        new Model(b.Build(x), new ModelInfo { Name = "larger" }).Save(larger, ModelFormat.TfLite);
        AssertRefused(larger.ToArray(), "more.tflite");
    }

    [Fact]
    public void A_long_chain_needs_no_deep_stack()
    {
        byte[] file = Chains.Make("Conv and Relu", 2 * Few);
        Exception? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    Measure(file);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            },
            maxStackSize: 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private static void AssertRefused(byte[] file, string name)
    {
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => ModelFiles.Load(file, name));
        Assert.Contains($"operators; at most {ModelLimits.Operators} are read", e.Message, StringComparison.Ordinal);
        Assert.StartsWith(name, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Time of this thread for each thing that commands do with a model.</summary>
    private static Dictionary<string, TimeSpan> Measure(byte[] file)
    {
        Dictionary<string, TimeSpan> times = [];
        Model model = Timed("load", () => ModelFiles.Load(file, "long.onnx"));
        Timed("compile", () => Executable.Compile(model.Graph, 1, OneThread)).Dispose();
        Timed("dump", () => GraphDump.ToText(model.Graph));
        Timed("describe", () => Tuner.Describe(model));
        Timed("hash", () => ModelHash.Of(model.Graph));
        byte[] tflite = Timed("to tflite", () => Saved(model, ModelFormat.TfLite));
        Timed("load tflite", () => ModelFiles.Load(tflite, "long.tflite"));
        Timed("to onnx", () => Saved(model, ModelFormat.Onnx));
        Timed("plan last", () => HeadPlan.Create(model, 3, TrainerOptions.LastLayer, 0, OneThread));
        foreach (string policy in IsSet ? (string[])["last:2", "bias", "all", "scratch"] : ["last:2"])
        {
            TrainingPlanOptions options = new()
            {
                Policy = UpdatePolicy.TryParse(policy, out UpdatePolicy parsed) ? parsed : throw new ArgumentException(policy),
                Batch = 8,
                Compile = OneThread,
            };
            TrainingPlan plan = Timed($"plan {policy}", () => TrainingPlanner.Plan(model, options));
            TrainingPlan smallest = Timed($"smallest {policy}", () => TrainingPlanner.Smallest(model, options));
            Assert.True(smallest.Memory.Total <= plan.Memory.Total);
        }

        return times;

        T Timed<T>(string what, Func<T> action)
        {
            TimeSpan start = ThreadTime();
            T result = action();
            times[what] = ThreadTime() - start;
            return result;
        }
    }

    private static byte[] Saved(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        return stream.ToArray();
    }

    /// <summary>Processor time of this thread, which a busy machine does not lengthen; elsewhere than on Linux time that has passed.</summary>
    private static TimeSpan ThreadTime()
    {
        if (!OperatingSystem.IsLinux()) return Stopwatch.GetElapsedTime(0);
        const int threadCpuTime = 3;
        return clock_gettime(threadCpuTime, out Timespec time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
            : throw new InvalidOperationException();
    }

#pragma warning disable SA1300, IDE1006, CA5392 // The C library's names.
    [DllImport("libc")]
    private static extern int clock_gettime(int clock, out Timespec time);
#pragma warning restore SA1300, IDE1006, CA5392

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
