using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class ElementChainsTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public void Neighboring_element_wise_kernels_are_one_call_and_give_the_bits_of_single_ones(int threads, bool shareMemory)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(3, 7, 1001)));
        Value y = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)));
        y = b.Add(OpCatalog.Multiply, [y, b.Constant("two", TensorData.FromFloats(new Shape(1), [2f]))]);
        y = b.Add(OpCatalog.Add, [y, x]);
        y = b.Add(OpCatalog.Negate, [y]);
        using Executable executable = Executable.CompileAsIs(b.Build(y), new CompileOptions { Threads = threads, ShareMemory = shareMemory });
        Assert.Equal(4, executable.Kernels.Count);
        Assert.Equal(1, executable.Calls);
        float[] chained = Run(executable, checkedRun: false), single = Run(executable, checkedRun: true);
        Assert.Equal(single, chained);
        Assert.Equal(-((2 / (1 + Math.Exp(-0.5))) + 0.5), chained[0], 1e-6);
    }

    [Fact]
    public void Kernels_of_other_sizes_or_with_rows_are_calls_of_their_own()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(4, 50))), z = b.Input("z", new TensorType(DType.F32, new Shape(50)));
        Value y = b.Add(OpCatalog.Negate, [z]);
        y = b.Add(OpCatalog.Add, [b.Add(OpCatalog.Negate, [x]), y]);
        using Executable executable = Executable.CompileAsIs(b.Build(y), new CompileOptions { Threads = 1 });
        Assert.Equal(3, executable.Calls);
    }

    [Theory]
    [InlineData(0, 64, true, 0, 64, false, true)]
    [InlineData(0, 64, true, 64, 128, true, true)]
    [InlineData(0, 64, false, 32, 96, false, true)]
    [InlineData(0, 64, true, 32, 96, false, false)]
    [InlineData(0, 64, false, 32, 96, true, false)]
    [InlineData(0, 64, true, 0, 32, false, false)]
    public void Memory_that_one_writes_is_the_same_or_none_for_the_other(
        int begin, int end, bool written, int otherBegin, int otherEnd, bool otherWritten, bool agrees) =>
        Assert.Equal(agrees, new MemoryRange(begin, end, written).Agrees(new MemoryRange(otherBegin, otherEnd, otherWritten)));

    private static float[] Run(Executable executable, bool checkedRun)
    {
        Span<float> input = executable.Input();
        for (int i = 0; i < input.Length; i++) input[i] = MathF.Sin(i * 0.37f) + (i == 0 ? 0.5f : 0);
        if (checkedRun) Assert.Null(executable.RunChecked());
        else executable.Run();
        return executable.Output().ToArray();
    }
}
