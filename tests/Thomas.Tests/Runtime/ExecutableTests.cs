using System;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class ExecutableTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_warm_run_allocates_nothing_on_the_managed_heap(int threads)
    {
        using Executable executable = Executable.Compile(ImportPasses.Run(TestGraphs.NchwBlock()), 2, new CompileOptions { Threads = threads });
        for (int i = 0; i < 50; i++) executable.Run();

        // Other tests run at the same time, so only this thread's own allocations can be counted; the team's threads are covered by ThreadTeamTests.
        Thread.Sleep(200);
        Assert.Equal(0, ProcessMeasurements.LeastAllocatedHere(() =>
        {
            for (int i = 0; i < 20; i++) executable.Run();
        }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Thread_count_changes_no_bit(int threads)
    {
        Graph graph = ImportPasses.Run(TestGraphs.NchwBlock());
        Assert.Equal(TestGraphs.Run(graph, new CompileOptions { Threads = 1 }, 3), TestGraphs.Run(graph, new CompileOptions { Threads = threads }, 3));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Thread_count_changes_no_bit_of_a_pooled_activation(int threads)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 31, 13, 3)));
        Value y = b.Add(OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(new Window2d(2, 2), Activation: new Activation(ActivationKind.Tanh)));
        Graph graph = b.Build(y);
        float[] expected = TestGraphs.Run(graph, new CompileOptions { Threads = 1 }, 3);
        for (int i = 0; i < 20; i++) Assert.Equal(expected, TestGraphs.Run(graph, new CompileOptions { Threads = threads }, 3));
    }

    [Fact]
    public void Devices_agree_and_name_their_kernels()
    {
        Graph graph = ImportPasses.Run(TestGraphs.NchwBlock());
        using Executable cpu = Executable.Compile(graph), serial = Executable.Compile(graph, 1, new CompileOptions { Device = DeviceKind.Serial });
        Assert.All(cpu.Kernels, name => Assert.DoesNotContain("reference", name, StringComparison.Ordinal));
        Assert.All(serial.Kernels, name => Assert.Contains("reference", name, StringComparison.Ordinal));
        Assert.Equal(1, serial.Threads);
        float[] a = TestGraphs.Run(graph), b = TestGraphs.Run(graph, new CompileOptions { Device = DeviceKind.Serial });
        for (int i = 0; i < a.Length; i++) Assert.Equal(b[i], a[i], 1e-4f);
    }

    [Fact]
    public void A_disposed_executable_refuses_to_run()
    {
        Executable executable = Executable.Compile(ImportPasses.Run(TestGraphs.NchwBlock()));
        executable.Dispose();
        executable.Dispose();
        Assert.Throws<ObjectDisposedException>(executable.Run);
        Assert.Throws<ObjectDisposedException>(() => executable.Input().Length);
    }

    [Fact]
    public void An_input_that_is_also_an_output_is_handed_through()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        using Executable executable = Executable.Compile(b.Build(x));
        float[] values = [1, 2, 3, 4];
        values.CopyTo(executable.Input());
        executable.Run();
        Assert.Equal(values, executable.Output().ToArray());
    }

    [Fact]
    public void Timed_runs_name_every_step()
    {
        using Executable executable = Executable.Compile(ImportPasses.Run(TestGraphs.NchwBlock()));
        double[] seconds = new double[executable.Kernels.Count];
        executable.RunTimed(seconds);
        Assert.All(seconds, s => Assert.True(s > 0));
        Assert.True(executable.SizeBytes > executable.Plan.ArenaBytes);
    }
}
