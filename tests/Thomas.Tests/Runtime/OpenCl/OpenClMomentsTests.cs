using System;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Convolutions that sum up the moments of their results: which way they take, that each is right, and when the pass makes them.</summary>
public sealed class OpenClMomentsTests
{
    private const string Fused = "_moments__opencl", Apart = "_moments_apart__opencl";

    [Theory]
    [InlineData("tiles=items units=2", Fused)]
    [InlineData("tiles=registers units=1", Fused)]
    [InlineData("tiles=local units=4", Fused)]
    [InlineData("tiles=local group=64 local=16KiB units=4", Fused)]
    [InlineData("tiles=items scalar groups=1d units=2", Fused)]
    [InlineData("tiles=local group=1 units=1", Fused)]
    [InlineData("tiles=registers units=132", Apart)]
    [InlineData("tiles=items separate", Apart)]
    [InlineData("tiles=local separate", Apart)]
    public void Each_way_is_right(string words, string name)
    {
        OpenClDevice device = OpenClTesting.Open(words: $"no-self-test {words}");
        foreach (OpCase test in (OpCase[])[Case(new Shape(4, 37, 29, 20), 24, 1), Case(new Shape(2, 45, 43, 12), 37, 1), Case(new Shape(4, 37, 29, 12), 21, 3)])
        {
            Assert.EndsWith(name, Assert.IsType<OpenClKernel>(device.CreateKernel(NodeOf(test))).Name, StringComparison.Ordinal);
            OpSweep.Check(test, device);
            OpSweep.CheckNaN(test, new CompileOptions { OtherDevice = device, Threads = 1 });
        }
    }

    [Theory]
    [InlineData("local:64x64x8:4x4:1", Apart)]
    [InlineData("local:128x128x8:8x8:1", Fused)]
    [InlineData("local:256x128x8:16x8:1", Fused)]
    [InlineData("local:128x256x8:8x16:1", Fused)]
    [InlineData("local:16x128x16:4x8:1", Fused)]
    [InlineData("local:128x16x16:8x4:1", Fused)]
    [InlineData("local:32x32x16:4x4:3", Apart)]
    public void Tiles_sum_up_where_there_is_room_and_sums_are_whole(string choice, string name)
    {
        OpenClDevice device = OpenClTesting.Open(words: "no-self-test tiles=local");
        OpCase test = Case(new Shape(2, 37, 29, 21), 40, 3);
        Node node = NodeOf(test);
        ProductChoice asked = ProductChoice.Parse(choice)!;
        Assert.True(asked.Serves(Conv2d.ProductOf(node)!, device.Limits));
        OpenClKernelContext context = new(device.Limits, static _ => false) { Choose = _ => asked };
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(node.Op.CreateOpenClKernel(node, context));
        Assert.EndsWith(name, kernel.Name, StringComparison.Ordinal);
        float[][] operands = OpSweep.Operands(test, withNaN: false);
        double[][] expected = OpSweep.Reference(test, operands);
        (double[][] scale, int terms) = OpSweep.Scale(test, operands, expected);
        float[][] actual = Run(device, kernel, node, operands);
        for (int k = 0; k < actual.Length; k++)
        {
            for (int i = 0; i < actual[k].Length; i++)
                Tolerance.Check(actual[k][i], expected[k][i], Tolerance.Sum(scale[k][i], terms), $"{choice}, result {k}, element {i}");
        }
    }

    /// <summary>Against the moments of the result as it was written, in double precision.</summary>
    [Theory]
    [InlineData("tiles=items units=2")]
    [InlineData("tiles=registers units=1")]
    [InlineData("tiles=local units=4")]
    public void A_mean_far_from_zero_costs_no_digits(string words)
    {
        OpenClDevice device = OpenClTesting.Open(words: $"no-self-test {words}");
        OpCase test = Case(new Shape(4, 37, 29, 20), 24, 1);
        float[][] operands = OpSweep.Operands(test, withNaN: false);
        for (int o = 0; o < operands[2].Length; o++) operands[2][o] += 1000;
        Node node = NodeOf(test);
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(node));
        Assert.EndsWith(Fused, kernel.Name, StringComparison.Ordinal);
        float[][] actual = Run(device, kernel, node, operands);
        int channels = operands[2].Length;
        for (int c = 0; c < channels; c++)
        {
            double[] column = [.. Enumerable.Range(0, actual[0].Length / channels).Select(row => (double)actual[0][(row * channels) + c])];
            double mean = column.Average(), variance = column.Average(value => (value - mean) * (value - mean));
            Expect.True(Math.Abs(actual[1][c] + (double)actual[3][c] - mean) <= 1e-6 * Math.Sqrt(variance), $"mean of channel {c}");
            Expect.True(Math.Abs(actual[2][c] - variance) <= 1e-5 * variance, $"variance of channel {c}: {actual[2][c]}, not {variance}");
        }
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("storage=half", true)]
    [InlineData("moments=apart", false)]
    [InlineData("moments=apart moments=fused", true)]
    [InlineData("separate", false)]
    public void Large_results_of_matrix_products_have_their_moments_summed(string words, bool isFused)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 40, 41, 8)));
        Value large = Normalized(b, b.Add(OpCatalog.Conv2d, [x, b.Weights("w", 1, 8, 3, 3, 8)], new Conv2dAttributes(new Window2d(3, 3))));
        Value depthwise = Normalized(b, b.Add(OpCatalog.DepthwiseConv2d, [large, b.Weights("v", 2, 1, 1, 1, 8)], new DepthwiseConv2dAttributes(new(1, 1))));
        Value small = Normalized(
            b, b.Add(OpCatalog.Conv2d, [depthwise, b.Weights("u", 3, 8, 1, 1, 8)], new Conv2dAttributes(new Window2d(1, 1, 2, 2, 1, 1, default))));
        Graph graph = b.Build(small);
        OpenClDevice device = OpenClTesting.Open(words: words);
        CompiledGraph compiled = CompiledGraph.Create(graph, new CompileOptions { OtherDevice = device, Threads = 1 });
        Assert.Equal(isFused ? 1 : 0, compiled.Graph.Nodes.Count(node => node.Op is Conv2dMoments));
        Assert.Equal(isFused ? 1 : 0, compiled.Graph.Nodes.Count(node => node.Op is BatchNormFromMoments));
        Assert.DoesNotContain(compiled.Graph.Nodes, node => node.Op is DepthwiseConv2dMoments);
        Assert.Equal(words == "storage=half", compiled.Graph.Nodes.Any(node => node.Op is Conv2dMoments && node.Output.IsHalf));
        float[] expected = Run(CompiledGraph.Create(graph, TestGraphs.Oracle)), actual = Run(compiled);
        float bound = (words == "storage=half" ? 1e-2f : 1e-4f) * expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++) Expect.True(Math.Abs(expected[i] - actual[i]) <= bound, $"{i}: {actual[i]}, not {expected[i]}");
    }

    private static float[] Run(CompiledGraph compiled)
    {
        using Executable executable = Executable.Create(compiled);
        executable.Write(0, TestGraphs.Noise(compiled.Graph.Inputs[0].Shape.ElementCount, 1));
        executable.Run();
        float[] result = new float[compiled.Graph.Outputs[0].Shape.ElementCount];
        executable.Read(0, result);
        return result;
    }

    private static Value Normalized(GraphBuilder b, Value x) => b.AddNode(
        OpCatalog.BatchNormTraining, [x, b.Positive($"g{x.Id}", 2, x.Shape[3]), b.Weights($"s{x.Id}", 3, x.Shape[3])], new BatchNormTrainingAttributes(1e-3f),
        $"norm{x.Id}").Output;

    private static OpCase Case(Shape x, int outputs, int kernel)
    {
        Window2d window = new(kernel, kernel);
        return new OpCase(
            OpCatalog.Conv2dMoments, new Conv2dAttributes(window, HasBias: true),
            [x, new Shape(outputs, kernel, kernel, x[3]), new Shape(outputs)]);
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }

    /// <summary>Runs a kernel. Nothing of its memory is zero before.</summary>
    private static float[][] Run(OpenClDevice device, OpenClKernel kernel, Node node, float[][] operands)
    {
        Assert.True(device.IsReady(kernel), string.Join('\n', device.Problems));
        long size = 0;
        long[] inputs = [.. node.Inputs.Select(input => Reserve(input.Type.SizeBytes))], outputs = [.. node.Outputs.Select(o => Reserve(o.Type.SizeBytes))];
        long workspace = Reserve(kernel.Workspace);
        using DeviceMemory memory = device.Allocate(size);
        byte[] noise = new byte[size];
        Array.Fill(noise, (byte)0xFF);
        memory.Write(0, noise);
        for (int i = 0; i < inputs.Length; i++) memory.Write(inputs[i], MemoryMarshal.AsBytes(operands[i].AsSpan()));
        PlacedKernel placed = new(
            kernel, node, [.. node.Inputs.Select((input, i) => new MemorySpan(memory, inputs[i], input.Type.SizeBytes))],
            [.. node.Outputs.Select((output, k) => new MemorySpan(memory, outputs[k], output.Type.SizeBytes))],
            kernel.Workspace == 0 ? default : new MemorySpan(memory, workspace, kernel.Workspace), default, Packs: true);
        using Segment segment = device.Bind([placed], null!);
        segment.Run();
        float[][] results = new float[outputs.Length][];
        for (int k = 0; k < results.Length; k++)
        {
            results[k] = new float[node.Outputs[k].Shape.ElementCount];
            memory.Read(outputs[k], MemoryMarshal.AsBytes(results[k].AsSpan()));
        }

        return results;

        long Reserve(long bytes)
        {
            long offset = size;
            size += (bytes + device.Alignment - 1) & -device.Alignment;
            return offset;
        }
    }
}
