using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Networks whose values of the forward pass lie in the device's memory as 16-bit floats, beside the same with float32 numbers.</summary>
public sealed class OpenClHalfNetworkTests(ITestOutputHelper output)
{
    private const int Batch = 8;

    /// <summary>
    /// Architecture, side of its images (0: its own), width, whether batch norm is live, batch, the largest share of the arena for training. Statistics of few
    /// pixels make steps chaotic.
    /// </summary>
    public static TheoryData<string, int, float, bool, int, double> Networks => new()
    {
        { "lenet5", 0, 1, false, 8, 0.9 },
        { "mobilenet-v2", 128, 0.35f, true, 4, 0.65 },
        { "mobilenet-v2", 64, 0.35f, false, 8, 0.65 },
        { "squeezenet", 64, 1, false, 8, 0.65 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Losses_are_near_and_the_arena_is_smaller(string name, int side, float width, bool live, int batch, double most)
    {
        Model model = Build(name, side, width);
        TrainingPlan floats = Plan(model, live, Device(OpenClStorage.Float), batch), halves = Plan(model, live, Device(OpenClStorage.Half), batch);
        double ratio = (double)halves.Step.ArenaBytes / floats.Step.ArenaBytes;
        output.WriteLine($"{name}: arena {halves.Step.ArenaBytes} of {floats.Step.ArenaBytes} bytes, {ratio:F3}");
        Expect.True(ratio <= most, $"{name}: the arena has {ratio:F3} of that with float32 numbers");

        float rate = live ? 2e-6f : 1e-3f;
        List<float> expected = TrainingSteps.Run(floats, 20, rate), actual = TrainingSteps.Run(halves, 20, rate);
        for (int i = 0; i < actual.Count; i++)
        {
            Expect.True(
                Math.Abs(actual[i] - expected[i]) <= 0.01 * Math.Abs(expected[i]), $"{name}: loss {i} is {actual[i]}, with float32 numbers {expected[i]}");
        }

        Assert.NotEqual(expected, actual);

        // The same seed gives the same bits.
        Assert.Equal(actual[..5], TrainingSteps.Run(halves, 5, rate));
    }

    /// <summary>
    /// How far gradients are from those of the definitions: about as far as the definitions are where the values that are stored as 16-bit floats are rounded.
    /// They are not equal to those, since the least difference, where it changes a rounding, grows from layer to layer.
    /// </summary>
    [Theory]
    [InlineData("lenet5", 0, 1, false)]
    [InlineData("mobilenet-v2", 64, 0.35f, true)]
    [InlineData("mobilenet-v2", 64, 0.35f, false)]
    [InlineData("resnet20", 0, 1, true)]
    [InlineData("squeezenet", 48, 1, false)]
    public void Gradients_differ_by_no_more_than_rounding_explains(string name, int side, float width, bool live)
    {
        TrainingPlan plan = Plan(Build(name, side, width), live, Device(OpenClStorage.Half), batch: 4);
        Assert.Contains(plan.CompiledStep.Graph.Values, value => value.IsHalf);
        Dictionary<string, float[]> exact = Defined(plan, rounds: false);
        double actual = Difference(exact, Gradients(plan)) / Norm(exact), explained = Difference(exact, Defined(plan, rounds: true)) / Norm(exact);
        output.WriteLine($"{name}: gradients differ by {actual:E1} of their norm, by rounding alone {explained:E1}");
        Expect.True(actual <= 2 * explained, $"{name}: gradients differ by {actual:E1} of their norm, by rounding alone {explained:E1}");
    }

    [Theory]
    [InlineData("lenet5", 0, 1)]
    [InlineData("mobilenet-v1", 64, 0.25f)]
    [InlineData("mobilenet-v2", 64, 0.35f)]
    [InlineData("squeezenet", 64, 1)]
    public void Inference_agrees_and_its_arena_is_about_half(string name, int side, float width)
    {
        Graph graph = Build(name, side, width).Graph;
        using Executable floats = Executable.Compile(graph, Batch, Options(Device(OpenClStorage.Float)));
        using Executable halves = Executable.Compile(graph, Batch, Options(Device(OpenClStorage.Half)));
        float[] expected = Run(floats), actual = Run(halves);
        int classes = expected.Length / Batch;
        for (int image = 0; image < Batch; image++)
        {
            Span<float> right = expected.AsSpan(image * classes, classes), found = actual.AsSpan(image * classes, classes);
            for (int i = 0; i < classes; i++) Expect.True(Math.Abs(right[i] - found[i]) <= 0.01, $"{name}: {found[i]} instead of {right[i]}");
        }

        Expect.Same(actual, Run(halves));

        // What is fed and what is read stay as they are.
        double fed = (double)floats.Plan.Blocks.Where(block => block.Kind == MemoryKind.Input).Sum(block => block.Size) / floats.Plan.ArenaBytes;
        double ratio = (double)halves.Plan.ArenaBytes / floats.Plan.ArenaBytes;
        output.WriteLine($"{name}: arena {halves.Plan.ArenaBytes} of {floats.Plan.ArenaBytes} bytes, {ratio:F3}; fed {fed:F3}");
        Expect.True(ratio <= 0.6 + (fed / 2), $"{name}: the arena has {ratio:F3} of that with float32 numbers");
    }

    [Fact]
    public void What_is_fed_or_read_or_small_or_made_of_weights_stays_float32()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(2, 32, 32, 4)));
        Shape shape = new(4, 64, 64);
        Value weights = builder.Variable(new Variable("w", shape, VariableKind.Weight, TensorData.FromFloats(shape, new float[shape.ElementCount])));
        Value negated = builder.Add(OpCatalog.Negate, [weights], null, "negated");
        Value scaled = builder.Add(OpCatalog.Exp, [negated], null, "scaled");
        Value first = builder.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Relu), "first");
        Value view = builder.Add(OpCatalog.Reshape, [first], new ReshapeAttributes(new IntList(2, 64, 64)), "view");
        Value second = builder.Add(OpCatalog.Exp, [view], null, "second");
        Value mean = builder.Add(OpCatalog.Reduce, [second], new ReduceAttributes(ReduceKind.Mean, new IntList(1), false), "mean");
        Value last = builder.Add(OpCatalog.Abs, [second], null, "last");
        Graph graph = builder.Build(last, mean, scaled);
        Graph marked = Device(OpenClStorage.Half).ChooseStorage(graph);
        Assert.Equal(["first", "view", "second"], marked.Values.Where(value => value.IsHalf).Select(value => value.Name));
        Assert.Same(graph, Device(OpenClStorage.Float).ChooseStorage(graph));
    }

    [Fact]
    public void NaN_and_infinities_pass_and_are_found()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 16, 16, 8)));
        Value squares = builder.Add(OpCatalog.Multiply, [x, x], null, "squares");
        Graph graph = builder.Build(builder.Add(OpCatalog.Sqrt, [squares], null, "roots"));
        using Executable executable = Executable.CompileAsIs(graph, Options(Device(OpenClStorage.Half)));
        Assert.Contains(executable.Graph.Values, value => value.IsHalf);
        float[] numbers = TestGraphs.Noise(x.Shape.ElementCount, 1), roots = new float[numbers.Length];
        (numbers[5], numbers[700], numbers[900]) = (float.NaN, float.NegativeInfinity, 300);
        executable.Write(0, numbers);
        executable.Run();
        executable.Read(0, roots);

        // 300 * 300 is more than a 16-bit float can be.
        Assert.Equal([5], Enumerable.Range(0, roots.Length).Where(i => float.IsNaN(roots[i])));
        Assert.Equal([700, 900], Enumerable.Range(0, roots.Length).Where(i => float.IsInfinity(roots[i])));
        for (int i = 0; i < roots.Length; i++)
        {
            if (float.IsFinite(roots[i])) Assert.Equal(Math.Sqrt((double)(Half)(numbers[i] * numbers[i])), roots[i], 1e-6);
        }

        // The watchdog's search for the first such number reads them as they are stored.
        (numbers[5], numbers[700]) = (0, 0);
        executable.Write(0, numbers);
        Assert.Equal("squares", executable.RunChecked()!.Value.Name);
    }

    [Fact]
    public void Where_programs_of_half_storage_fail_other_kernels_or_float32_numbers_take_their_place()
    {
        Model model = Build("mobilenet-v2", 64, 0.35f);
        List<float> expected = TrainingSteps.Run(Plan(model, live: true, Device(OpenClStorage.Half)), 2, 1e-5f);
        foreach (string program in (string[])["", "direct", "depthwise"])
        {
            OpenClFaults faults = new()
            {
                Refuses = refused => refused.Macros.Contains(" half\n", StringComparison.Ordinal) && (program.Length == 0 || refused.Name == program),
            };
            TrainingPlan plan = Plan(model, live: true, OpenClTesting.Open(faults, "storage=half no-self-test"));
            Assert.Equal(program.Length > 0, plan.CompiledStep.Graph.Values.Any(value => value.IsHalf));
            Assert.All(plan.CompiledStep.Graph.Nodes, node => Assert.True(node.Op is not Transfer));
            List<float> actual = TrainingSteps.Run(plan, 2, 1e-5f);
            for (int i = 0; i < actual.Count; i++) Assert.Equal(expected[i], actual[i], 0.01 * expected[i]);
        }
    }

    [Fact]
    public void Wrong_programs_of_half_storage_are_found_and_replaced()
    {
        Model model = Build("lenet5", 0, 1);
        List<float> expected = TrainingSteps.Run(Plan(model, live: false, Device(OpenClStorage.Half)), 2, 1e-3f);
        OpenClFaults faults = new() { DoesNothing = program => program.Macros.Contains(" half\n", StringComparison.Ordinal) };
        OpenClDevice device = OpenClTesting.Open(faults, "storage=half");
        TrainingPlan plan = Plan(model, live: false, device);
        Assert.DoesNotContain(plan.CompiledStep.Graph.Values, value => value.IsHalf);
        Assert.Contains(device.Problems, problem => problem.Contains("computes wrong results", StringComparison.Ordinal));
        List<float> actual = TrainingSteps.Run(plan, 2, 1e-3f);
        for (int i = 0; i < actual.Count; i++) Assert.Equal(expected[i], actual[i], 0.01 * expected[i]);
    }

    [Fact]
    public void A_memory_bound_recomputes_values_that_are_stored_so()
    {
        Model model = Build("mobilenet-v2", 64, 0.35f);
        TrainingPlanOptions settings = Settings(live: false, Device(OpenClStorage.Half), Batch) with { MicroBatch = Batch };
        TrainingPlan free = TrainingPlanner.Plan(model, settings);
        TrainingPlan bounded = TrainingPlanner.Plan(model, settings with { MemoryBytes = free.BoundedBytes - (free.Memory.StepArena / 20) });
        Assert.Contains(bounded.CompiledStep.Graph.Values, value => value is { IsHalf: true, Producer.Stage: Stage.Recompute });
        Assert.Equal(TrainingSteps.Run(free, 3, 1e-3f), TrainingSteps.Run(bounded, 3, 1e-3f));
    }

    /// <summary>What was measured with one storage says nothing of the other, and runs are not resumed with the other.</summary>
    [Fact]
    public void The_storage_is_part_of_the_devices_identity()
    {
        Assert.NotEqual(Device(OpenClStorage.Float).Identity, Device(OpenClStorage.Half).Identity);
        Assert.Equal(OpenClStorage.Half, OpenClSettings.Parse("storage=float storage=half").Storage);
        Assert.Throws<ThomasException>(() => OpenClSettings.Parse("storage=1"));
    }

    private static OpenClDevice Device(OpenClStorage storage)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        return OpenClDevice.Open(
            int.Parse(device.Name["opencl:".Length..], System.Globalization.CultureInfo.InvariantCulture), device.Settings with { Storage = storage });
    }

    private static CompileOptions Options(OpenClDevice device) => new() { OtherDevice = device, Threads = 1 };

    private static TrainingPlanOptions Settings(bool live, OpenClDevice device, int batch) => new()
    {
        Batch = batch,
        BatchNorm = live ? BatchNormMode.Live : BatchNormMode.Frozen,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd },
        Compile = Options(device),
    };

    private static TrainingPlan Plan(Model model, bool live, OpenClDevice device, int batch = Batch) =>
        TrainingPlanner.Plan(model, Settings(live, device, batch));

    private static float[] Run(Executable executable)
    {
        float[] results = new float[executable.Graph.Outputs[0].Shape.ElementCount];
        executable.Write(0, TestGraphs.Noise(executable.Graph.Inputs[0].Shape.ElementCount, 3));
        executable.Run();
        executable.Read(0, results);
        return results;
    }

    /// <summary>After one step the moments are the gradients.</summary>
    private static Dictionary<string, float[]> Gradients(TrainingPlan plan)
    {
        using VariableStore store = new(plan.Graph.Variables, Thomas.Runtime.Device.Of(plan.Compile));
        using StepProgram program = new(plan, store);
        program.Begin(1, 1e-3f);
        TrainingSteps.Fill(program, 0, plan.Options.Batch);
        _ = program.Run();
        program.End();
        Dictionary<string, float[]> result = [];
        foreach (Variable variable in plan.Graph.Variables.Where(variable => variable.Kind == VariableKind.OptimizerState))
        {
            float[] values = new float[variable.Type.Shape.ElementCount];
            store.Read(variable, values);
            result.Add(variable.Name, values);
        }

        return result;
    }

    /// <summary>The same by the definitions in double.</summary>
    private static Dictionary<string, float[]> Defined(TrainingPlan plan, bool rounds)
    {
        Graph graph = plan.CompiledStep.Graph;
        DoubleInterpreter interpreter = new(graph);
        (float[] images, float[] targets, float[] weights) = TrainingSteps.Numbers(graph, 0, plan.Options.Batch);
        foreach ((int input, float[] numbers) in (IEnumerable<(int, float[])>)[(0, images), (1, targets), (2, weights), (3, [1e-3f, 1, 1, 1])])
        {
            Span<double> target = interpreter[graph.Inputs[input]];
            for (int i = 0; i < target.Length; i++) target[i] = numbers[i];
        }

        foreach (Value value in graph.Values.Where(value => value.IsVariable))
        {
            Span<double> target = interpreter[value];
            target.Clear();
            if (value.Variable!.Initial is not TensorData initial) continue;
            for (int i = 0; i < target.Length; i++) target[i] = initial.Floats[i];
        }

        interpreter.Run(rounds);
        Dictionary<string, float[]> result = [];
        foreach (Node node in graph.Nodes.Where(node => node.Op is SgdUpdate))
            result.Add(node.Inputs[1].Variable!.Name, [.. interpreter[node.Outputs[1]].ToArray().Select(number => (float)number)]);
        return result;
    }

    private static double Difference(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        return Math.Sqrt(expected.Sum(pair => Square([.. pair.Value.Select((value, i) => value - actual[pair.Key][i])])));
    }

    private static double Norm(Dictionary<string, float[]> gradients) => Math.Sqrt(gradients.Values.Sum(Square));

    private static double Square(float[] values) => values.Sum(value => (double)value * value);

    private static Model Build(string name, int side, float width)
    {
        Assert.True(ArchitectureCatalog.TryFind(name, out Architecture? architecture));
        ArchitectureOptions options = new() { Classes = 5, Height = side, Width = side, WidthMultiplier = width, Seed = 1 };
        return new Model(architecture.Build(options), new ModelInfo { Name = name });
    }
}
