using System;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime;

/// <summary>Everything that compiles and runs graphs does so on a device with memory and a queue of its own.</summary>
public sealed class DeviceTests
{
    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    private static CompileOptions Serial { get; } = new() { Device = DeviceKind.Serial };

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_has_the_bits_of_the_host_there(string name)
    {
        CompileOptions cpu = new() { Threads = 1 };
        Assert.Contains(OpCases.All(), test => test.Op.Name == name);
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name))
        {
            float[][] operands = OpSweep.Operands(test, withNaN: false), serial = OpSweep.Run(test, operands, Serial, constants: false);
            MockDevice mock = MockDevice.Serial(), vectors = new(HostDevice.Of(cpu));
            Expect.Same(serial, OpSweep.Run(test, operands, On(mock), constants: false));
            if (test.Shapes.Length > 1) Expect.Same(serial, OpSweep.Run(test, operands, On(mock), constants: true));

            // These kernels keep constants in layouts of their own.
            Expect.Same(OpSweep.Run(test, operands, cpu, constants: true), OpSweep.Run(test, operands, On(vectors), constants: true));
            Assert.Equal((0, 0), (mock.Bytes, vectors.Bytes));
        }
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void An_operator_without_a_kernel_runs_on_the_host_unless_it_updates_variables(string name)
    {
        bool constants = true;
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name))
        {
            float[][] operands = OpSweep.Operands(test, withNaN: false);
            MockDevice mock = MockDevice.Serial(test.Op);
            if (test.Op.UpdatedInput(0) >= 0)
            {
                DeviceException e = Assert.Throws<DeviceException>(() => OpSweep.Run(test, operands, On(mock), constants: false));
                Assert.Contains(
                    "updates variables, which are in the memory of the device 'mock', but that device has no kernel for it", e.Message,
                    StringComparison.Ordinal);
                continue;
            }

            // Every other case has its operands fed, and so transferred.
            constants = !constants && test.Shapes.Length > 1;
            Expect.Same(OpSweep.Run(test, operands, Serial, constants), OpSweep.Run(test, operands, On(mock), constants));
            Assert.Equal(0, mock.Created);
            Assert.Equal(0, mock.Bytes);
        }
    }

    [Fact]
    public void A_run_waits_only_where_something_is_read()
    {
        MockDevice mock = MockDevice.Serial();
        using Executable executable = Executable.Compile(TestGraphs.NchwBlock(), 1, On(mock));
        float[] input = TestGraphs.Noise(executable.Graph.Inputs[0].Shape.ElementCount, 7), first = new float[executable.Graph.Outputs[0].Shape.ElementCount],
            second = new float[executable.Graph.Outputs[1].Shape.ElementCount];
        executable.Write(0, input);
        executable.Run();
        Assert.Equal(0, mock.Waits);
        Assert.True(mock.Pending > executable.Kernels.Count);
        executable.Read(0, first);
        executable.Read(1, second);
        Assert.Equal(1, mock.Waits);
        Assert.Equal(TestGraphs.Run(TestGraphs.NchwBlock(), WithoutCaches), (float[])[.. first, .. second]);
    }

    [Fact]
    public void A_step_of_training_waits_once()
    {
        MockDevice mock = MockDevice.Serial();
        Trainee trainee = Trainee.Create(TrainingSteps.SmallNetwork, UpdatePolicy.All, BatchNormMode.Live);
        TrainingGraphOptions options = new(2, new OptimizerOptions());
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        using VariableStore store = new(graph.Variables, mock);
        using StepProgram program = new(graph, options, store, On(mock));
        for (int step = 1; step < 4; step++)
        {
            int before = mock.Waits;
            program.Begin(step, 0.01f);
            TrainingSteps.Fill(program, 0, 2);
            program.Run();
            Assert.False(program.Probabilities.IsEmpty);
            program.End();
            Assert.Equal(before + 1, mock.Waits);
        }
    }

    [Fact]
    public void Spans_are_refused_and_operations_named()
    {
        MockDevice mock = MockDevice.Serial();
        Variable variable = new("v", new Shape(4), VariableKind.Weight, TensorData.FromFloats(new Shape(4), [1, 2, 3, 4]));
        using VariableStore store = new([variable], mock);
        Assert.Contains("use Read and Write", Assert.Throws<InvalidOperationException>(() => store[variable].Length).Message, StringComparison.Ordinal);
        float[] values = new float[4];
        store.Read(variable, values);
        Assert.Equal([1, 2, 3, 4], values);
        Assert.Throws<ArgumentException>("values", () => store.Read(variable, new float[3]));

        using Executable executable = Executable.Compile(TestGraphs.NchwBlock(), 1, On(mock));
        Assert.Contains("use Write", Assert.Throws<InvalidOperationException>(() => executable.Input().Length).Message, StringComparison.Ordinal);
        Assert.Contains("use Read", Assert.Throws<InvalidOperationException>(() => executable.Output().Length).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("values", () => executable.Write(0, new float[3]));
        Assert.Throws<ArgumentException>("values", () => executable.Read(0, new float[3]));
    }

    [Fact]
    public void Variables_must_lie_where_their_graph_runs()
    {
        Variable variable = new("v", new Shape(4), VariableKind.Weight);
        GraphBuilder builder = new();
        Graph graph = builder.Build(builder.Add(OpCatalog.Negate, [builder.Variable(variable)]));
        MockDevice mock = MockDevice.Serial(), other = MockDevice.Serial();
        foreach ((Device? home, CompileOptions compile) in (ReadOnlySpan<(Device?, CompileOptions)>)[(null, On(mock)), (other, On(mock)), (mock, Serial)])
        {
            using VariableStore store = new([variable], home);
            Assert.Contains(
                "'v' is not in the memory", Assert.Throws<GraphException>(() => Executable.CompileAsIs(graph, compile, store)).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(300_000L)]
    public void A_kernel_is_created_once_and_kept_for_the_first_executable(long? arena)
    {
        MockDevice mock = MockDevice.Serial();
        Trainee trainee = Trainee.Create(TrainingSteps.SmallNetwork, UpdatePolicy.All, BatchNormMode.Frozen);
        TrainingGraph graph = TrainingGraph.Build(trainee, new TrainingGraphOptions(2, new OptimizerOptions()));
        CompiledGraph compiled = CompiledGraph.Create(graph.Step, On(mock) with { ArenaBytes = arena });
        int kernels = compiled.Graph.Nodes.Count(node => !node.Op.IsView(node));
        Assert.Equal(arena is not null, compiled.Graph.Nodes.Any(node => node.Stage == Stage.Recompute));
        Assert.Equal(kernels, mock.Created);
        using VariableStore store = new(graph.Variables, mock);
        using (Executable first = Executable.Create(compiled, store)) Assert.Equal(kernels, mock.Created);
        using (Executable second = Executable.Create(compiled, store)) Assert.Equal(2 * kernels, mock.Created);
    }

    [Fact]
    public void Passes_that_save_caches_do_not_run_there()
    {
        Graph graph = Rebatch.Run(TrainingSteps.Network.Graph, 16);
        Assert.Contains(CompiledGraph.Create(graph, Serial).Graph.Nodes, node => node.Op is InvertedResidual);
        Assert.DoesNotContain(CompiledGraph.Create(graph, On(MockDevice.Serial())).Graph.Nodes, node => node.Op is InvertedResidual);
    }

    [Fact]
    public void What_only_the_hosts_kernels_may_overwrite_is_kept_by_a_device_that_does_not_say_more()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(4, 8)));
        Graph graph = b.Build(b.Add(OpCatalog.Softmax, [b.Add(OpCatalog.Negate, [x])], new SoftmaxAttributes()));
        Assert.Equal([128L, 128], CompiledGraph.Create(graph, Serial).Plan.Blocks.Select(block => block.Size));
        Assert.Equal([512L, 512, 512], CompiledGraph.Create(graph, On(MockDevice.Serial())).Plan.Blocks.Select(block => block.Size));
    }

    [Fact]
    public void Transfers_are_planned_and_shown()
    {
        MockDevice mock = MockDevice.Serial(OpCatalog.DepthwiseConv2d, OpCatalog.Dense);
        CompiledGraph compiled = CompiledGraph.Create(TestGraphs.NchwBlock(), On(mock));
        Node[] transfers = [.. compiled.Graph.Nodes.Where(node => node.Op is Transfer)];
        Assert.Equal(["mock", "serial", "mock"], transfers.Select(node => ((TransferAttributes)node.Attributes).Source));
        Assert.Equal(["mock", "serial"], compiled.Plan.Arenas.Select(arena => arena.Device));
        Assert.All(compiled.Plan.Arenas, arena => Assert.True(arena.Bytes > 0));
        Assert.Equal(compiled.Plan.ArenaBytes, compiled.Plan.Arenas.Sum(arena => arena.Bytes));
        foreach (MemoryBlock a in compiled.Plan.Blocks)
        {
            Assert.True(a.Offset + a.Size <= compiled.Plan.Arenas[a.Arena].Bytes);
            foreach (MemoryBlock c in compiled.Plan.Blocks)
            {
                bool meet = !ReferenceEquals(a, c) && a.Arena == c.Arena && a.FirstStep <= c.LastStep && c.FirstStep <= a.LastStep;
                Assert.False(meet && a.Offset < c.Offset + c.Size && c.Offset < a.Offset + a.Size, $"{a} and {c}");
            }
        }

        string text = compiled.Plan.ToText();
        Assert.Contains("\nmock: ", text, StringComparison.Ordinal);
        Assert.Contains("\nserial: 2 nodes, arena ", text, StringComparison.Ordinal);
        Assert.Equal(transfers.Length, text.Split('\n').Count(line => line.StartsWith("transfer ", StringComparison.Ordinal)));

        using Executable executable = Executable.Create(compiled);
        Assert.Equal(transfers.Length, executable.Kernels.Count(kernel => kernel is "x32_transfer_mock_to_serial" or "x32_transfer_serial_to_mock"));
        double[] seconds = new double[executable.Kernels.Count];
        executable.Write(0, TestGraphs.Noise(executable.Graph.Inputs[0].Shape.ElementCount, 7));
        executable.RunTimed(seconds);
        Assert.All(seconds, time => Assert.True(time > 0));
        Assert.Equal(TestGraphs.Run(TestGraphs.NchwBlock(), WithoutCaches), (float[])[.. executable.Fetch(0), .. executable.Fetch(1)]);
    }

    [Fact]
    public void A_checked_run_finds_the_same_number_there()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(3, 20_000)));
        Value y = b.Add(OpCatalog.Log, [b.Add(OpCatalog.Abs, [x], null, "size")], null, "log");
        Graph graph = b.Build(b.Add(OpCatalog.Negate, [y], null, "end"));
        float[] input = TestGraphs.Noise(60_000, 3);
        foreach (CompileOptions options in (CompileOptions[])[Serial, On(MockDevice.Serial()), On(MockDevice.Serial(OpCatalog.Log))])
        {
            using Executable executable = Executable.CompileAsIs(graph, options);
            input[50_000] = 0;
            executable.Write(0, input);
            NonFinite? found = executable.RunChecked();
            Assert.Equal(("log", float.NegativeInfinity), (found!.Value.Name, found.Number));
            input[50_000] = float.NaN;
            executable.Write(0, input);
            Assert.Equal("NaN in the input 'x'", executable.RunChecked()!.ToString());
            input[50_000] = 1;
            executable.Write(0, input);
            Assert.Null(executable.RunChecked());
        }
    }

    [Fact]
    public void Copies_and_swaps_of_variables_are_the_devices()
    {
        Variable a = new("a", new Shape(3000), VariableKind.Weight, TensorData.FromFloats(new Shape(3000), TestGraphs.Noise(3000, 1))),
            b = new("b", new Shape(3000), VariableKind.OptimizerState), c = new("c", new Shape(2), VariableKind.Weight);
        foreach (Device? device in (Device?[])[null, MockDevice.Serial()])
        {
            using VariableStore store = new([a, b, c], device);
            float[] first = new float[3000], second = new float[3000];
            store.Swap(a, b);
            store.Read(a, first);
            store.Read(b, second);
            Assert.Equal(new float[3000], first);
            Assert.Equal(TestGraphs.Noise(3000, 1), second);
            store.Copy(b, a);
            store.Read(a, first);
            Assert.Equal(second, first);
            Assert.Throws<ArgumentException>("second", () => store.Swap(a, c));
            store.Reset();
            store.Read(b, second);
            Assert.Equal(new float[3000], second);
        }
    }

    /// <summary>Options for the serial device that run the same passes as the mock.</summary>
    internal static CompileOptions WithoutCaches { get; } =
        Serial with { PassesOff = [.. CompilePasses.All.Where(pass => pass.ForCpuCaches).Select(pass => pass.Name)] };

    /// <summary>Options that compile for a device.</summary>
    internal static CompileOptions On(Device device) => new() { OtherDevice = device };
}
