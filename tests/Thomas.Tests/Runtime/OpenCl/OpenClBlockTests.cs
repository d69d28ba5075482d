using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Inverted residuals: which are one launch, that they and the others are right, and when the pass makes them.</summary>
public sealed class OpenClBlockTests
{
    private static readonly Window2d Three = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), Five = new(5, 5, 2, 2, 1, 1, new Padding2d(1, 2, 2, 1));

    [Theory]
    [InlineData("", true)]
    [InlineData("group=64 local=16KiB tiles=registers", true)]
    [InlineData("group=17 local=4KiB", true)]
    [InlineData("local=1KiB", false)]
    [InlineData("group=1", false)]
    [InlineData("scalar", false)]
    [InlineData("separate", false)]
    public void Blocks_with_channels_in_fours_are_one_launch_where_a_tile_fits(string words, bool isJoint)
    {
        OpenClDevice device = OpenClTesting.Open(words: $"no-self-test {words}");
        OpCase[] cases =
        [
            BlockCases.Block(new Shape(2, 13, 21, 8), 52, Three, 8, residual: true), BlockCases.Block(new Shape(1, 19, 15, 12), 40, Five, 16),
            BlockCases.Block(new Shape(1, 9, 14, 0), 36, Three, 12, depthwiseBias: false),
        ];
        foreach (OpCase test in cases)
        {
            OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(NodeOf(test)));
            Assert.Equal(isJoint, !kernel.Name.StartsWith("f32_inverted_chain", StringComparison.Ordinal));
            Assert.Equal(isJoint, kernel.Launches[^1].Function == "inverted_residual");
            OpSweep.Check(test, device);
        }
    }

    [Fact]
    public void Other_blocks_are_a_chain()
    {
        OpenClDevice device = OpenClTesting.Open();
        foreach (OpCase test in (OpCase[])[
            BlockCases.Block(new Shape(2, 13, 21, 7), 52, Three, 8), BlockCases.Block(new Shape(2, 13, 21, 8), 51, Three, 8),
            BlockCases.Block(new Shape(2, 13, 21, 8), 52, Three, 0), BlockCases.Block(new Shape(2, 13, 21, 8), 52, Three, 6)])
        {
            Assert.StartsWith("f32_inverted_chain", Assert.IsType<OpenClKernel>(device.CreateKernel(NodeOf(test))).Name, StringComparison.Ordinal);
            OpSweep.Check(test, device);
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("blocks=fused", 2)]
    [InlineData("blocks=fused storage=half", 2)]
    [InlineData("blocks=fused blocks=apart", 0)]
    [InlineData("blocks=fused separate", 0)]
    public void The_pass_runs_where_it_is_asked_for(string words, int blocks)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 56, 56, 8)));
        Value first = Block(b, x, 48, Three, 8, hasResidual: true), odd = Block(b, first, 48, Three, 9, hasResidual: false);
        Value last = Block(b, first, 64, Five, 12, hasResidual: false);
        Graph graph = b.Build(odd, last);
        OpenClDevice device = OpenClTesting.Open(words: words);
        CompiledGraph compiled = CompiledGraph.Create(graph, new CompileOptions { OtherDevice = device, Threads = 1 });
        Assert.Equal(blocks, compiled.Graph.Nodes.Count(node => node.Op is InvertedResidual));
        bool IsTried(OpenClVerdict verdict) => verdict is { Function: "inverted_residual", Outcome: OpenClOutcome.Passed };
        Assert.Equal(blocks > 0, device.SelfTest!.Verdicts.Any(IsTried));
        float[][] expected = Run(CompiledGraph.Create(graph, TestGraphs.Oracle)), actual = Run(compiled);
        for (int output = 0; output < 2; output++)
        {
            float bound = (words.Contains("half", StringComparison.Ordinal) ? 1e-2f : 1e-5f) * expected[output].Max(MathF.Abs);
            for (int i = 0; i < expected[output].Length; i++)
                Expect.True(Math.Abs(expected[output][i] - actual[output][i]) <= bound, $"{output}, {i}: {actual[output][i]}, not {expected[output][i]}");
        }
    }

    private static Value Block(GraphBuilder b, Value x, int hidden, Window2d window, int outputs, bool hasResidual)
    {
        Window2d one = new(1, 1);
        string name = $"{x.Id}{hidden}{outputs}";
        Value[] expand = [x, b.Weights($"e{name}", 1, hidden, 1, 1, x.Shape[3]), b.Weights($"f{name}", 2, hidden)];
        Value expanded = b.Add(OpCatalog.Conv2d, expand, new Conv2dAttributes(one, HasBias: true, Activation: Activation.Relu6));
        Value[] depthwise = [expanded, b.Weights($"d{name}", 3, 1, window.KernelH, window.KernelW, hidden), b.Weights($"c{name}", 4, hidden)];
        Value middle = b.Add(OpCatalog.DepthwiseConv2d, depthwise, new DepthwiseConv2dAttributes(window, HasBias: true, Activation: Activation.Relu6));
        Value[] project = [middle, b.Weights($"p{name}", 5, outputs, 1, 1, hidden), b.Weights($"q{name}", 6, outputs)];
        return b.Add(
            OpCatalog.Conv2d, hasResidual ? [.. project, x] : project, new Conv2dAttributes(one, HasBias: true, HasResidual: hasResidual));
    }

    private static float[][] Run(CompiledGraph compiled)
    {
        using Executable executable = Executable.Create(compiled);
        executable.Write(0, TestGraphs.Noise(compiled.Graph.Inputs[0].Shape.ElementCount, 1));
        executable.Run();
        float[][] results = new float[compiled.Graph.Outputs.Count][];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new float[compiled.Graph.Outputs[i].Shape.ElementCount];
            executable.Read(i, results[i]);
        }

        return results;
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }
}
