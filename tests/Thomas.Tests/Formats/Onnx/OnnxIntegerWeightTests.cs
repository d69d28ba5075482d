using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>
/// 8-bit weights are written as the integers that they are, and no layer with weights of floats stands between QuantizeLinear and DequantizeLinear.
/// </summary>
public sealed class OnnxIntegerWeightTests
{
    private static readonly float[] WeightScales = [0.5f, 0.001f, 0.03f, 0.2f];
    private static readonly sbyte[] Filter = [127, -128, 3, 4, 5, 6, 7, 127, -9, 10, 11, 127];
    private static readonly int[] Sums = [100000, -7, 0, 12];

    [Fact]
    public void The_integers_of_a_file_come_out_as_they_went_in_but_unsigned()
    {
        GraphProto written = Written(PerChannel(0.1f).Load());
        TensorProto filter = Initializer(written, "w.real/integers"), bias = Initializer(written, "b.real/integers");
        Assert.Equal((int)DataType.Uint8, filter.DataType);
        Assert.Equal([4, 3, 1, 1], filter.Dims);
        Assert.Equal(Array.ConvertAll(Filter, static q => (byte)(q + 128)), filter.RawData.ToByteArray());
        Assert.Equal([128, 128, 128, 128], Initializer(written, "w.real/zero_point").RawData.ToByteArray());
        Assert.Equal(WeightScales, MemoryMarshal.Cast<byte, float>(Initializer(written, "w.real/scale").RawData.Span).ToArray());
        Assert.Equal((int)DataType.Int32, bias.DataType);
        Assert.Equal(MemoryMarshal.AsBytes(Sums.AsSpan()).ToArray(), bias.RawData.ToByteArray());
        NodeProto dequantize = Assert.Single(written.Node, node => node.Output[0] == "w.real");
        Assert.Equal("DequantizeLinear", dequantize.OpType);
        Assert.Equal(0, Assert.Single(dequantize.Attribute, a => a.Name == "axis").I);
        Assert.Equal(["w.real", "b.real"], [.. Assert.Single(written.Node, node => node.OpType == "Conv").Input.Skip(1)]);
        Assert.Equal(2, Count(written, "QuantizeLinear"));
    }

    // Depthwise filters, matrices read transposed and filters that move their channels: the axis of the scales moves along.
    [Theory]
    [InlineData("depthwise")]
    [InlineData("matrix")]
    [InlineData("filter")]
    public void Weights_of_every_layout_read_back_to_the_same_bits(string kind)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, kind == "matrix" ? new Shape(1, 5) : new Shape(1, 4, 4, 6)));
        Shape shape = kind switch { "depthwise" => new Shape(1, 3, 3, 6), "matrix" => new Shape(7, 5), _ => new Shape(8, 3, 3, 6) };
        int axis = kind == "depthwise" ? 3 : 0;
        Value w = b.Constant("w", OnGrid(shape, axis));
        Value y = kind switch
        {
            "depthwise" => b.Add(OpCatalog.DepthwiseConv2d, [x, w], new DepthwiseConv2dAttributes(new Window2d(3, 3)), "y"),
            "matrix" => b.Add(OpCatalog.Dense, [x, w], new DenseAttributes(), "y"),
            _ => b.Add(OpCatalog.Conv2d, [x, w], new Conv2dAttributes(new Window2d(3, 3)), "y"),
        };
        using MemoryStream stream = new();
        new Model(b.Build(y), new ModelInfo { Name = kind }).Save(stream, ModelFormat.Onnx);
        Assert.Single(
            ModelProto.Parser.ParseFrom(stream.ToArray()).Graph.Initializer,
            tensor => tensor.DataType == (int)DataType.Uint8 && tensor.Dims.Count == shape.Rank);
        Node layer = Assert.Single(
            Model.Load(new MemoryStream(stream.ToArray()), kind).Graph.Nodes, node => node.Inputs.Count == 2 && node.Inputs[1].IsConstant);
        Assert.Equal(w.Constant!.Floats, layer.Inputs[1].Constant!.Floats);
    }

    [Fact]
    public void Trained_weights_are_floats_and_no_pair_stands_behind_them()
    {
        Model model = PerChannel(0.1f).Load();
        float[] trained = FilterOf(model).Floats.ToArray();
        trained[5] += 1e-4f;
        Model tuned = WithFilter(model, TensorData.FromFloats(FilterOf(model).Type.Shape, trained));
        GraphProto written = Written(tuned);
        Assert.Equal((int)DataType.Float, Initializer(written, "w.real").DataType);

        // Only the image's own grid is a pair still; the layer's result is rounded in float arithmetic.
        Assert.Equal(1, Count(written, "QuantizeLinear"));
        Assert.Equal(1, Count(written, "Round"));
        Assert.Equal(Outputs(tuned), Outputs(Model.Load(new MemoryStream(Bytes(tuned)), "again")));
    }

    // Runtimes of integers take a bias to count in steps of input times weight, whatever its own scale says.
    [Fact]
    public void A_bias_that_counts_in_other_steps_is_written_as_floats()
    {
        GraphProto written = Written(PerChannel(0.1003f).Load());
        Assert.Equal((int)DataType.Float, Initializer(written, "b.real").DataType);
        Assert.Equal((int)DataType.Uint8, Initializer(written, "w.real/integers").DataType);
    }

    [Fact]
    public void Weights_that_do_not_fit_8_bits_or_the_grid_they_claim_are_written_as_floats()
    {
        foreach (float[] values in new float[][] { [0.1f, 300f, 2, 1], [0.25f, 1, float.NaN, 1], [0.5f, 1, 2, float.PositiveInfinity], [0.3f, 1, 2, 3] })
        {
            GraphBuilder b = new();
            TensorData claimed = TensorData.FromFloats(new Shape(2, 2), values, new Quantization([0.5f], [0]));
            Value y = b.Add(OpCatalog.Dense, [b.Input("x", new TensorType(DType.F32, new Shape(1, 2))), b.Constant("w", claimed)], new DenseAttributes(), "y");
            Assert.Equal((int)DataType.Float, Initializer(Written(new Model(b.Build(y), new ModelInfo { Name = "claims" })), "w").DataType);
        }
    }

    /// <summary>
    /// A QDQ layer as exporters write it, with scales of very different size; the bias counts in steps of <paramref name="biasInput"/> times the weights'.
    /// </summary>
    private static OnnxFile PerChannel(float biasInput)
    {
        float[] biasScales = Array.ConvertAll(WeightScales, scale => biasInput * scale);
        return new OnnxFile().Input("x", 1, 3, 4, 4)
            .Floats("xs", [], 0.1f).Raw("xz", DataType.Int8, [], [0xF6]).Floats("ys", [], 0.4f).Raw("yz", DataType.Int8, [], [5])
            .Raw("w", DataType.Int8, [4, 3, 1, 1], MemoryMarshal.AsBytes(Filter.AsSpan())).Floats("ws", [4], WeightScales)
            .Raw("wz", DataType.Int8, [4], new byte[4])
            .Raw("b", DataType.Int32, [4], MemoryMarshal.AsBytes(Sums.AsSpan())).Floats("bs", [4], biasScales)
            .Node("DequantizeLinear", ["w", "ws", "wz"], ["w.real"], ("axis", 0)).Node("DequantizeLinear", ["b", "bs"], ["b.real"], ("axis", 0))
            .Node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]).Node("DequantizeLinear", ["xq", "xs", "xz"], ["xr"])
            .Node("Conv", ["xr", "w.real", "b.real"], ["c"]).Node("QuantizeLinear", ["c", "ys", "yz"], ["cq"])
            .Node("DequantizeLinear", ["cq", "ys", "yz"], ["y"]).Output("y");
    }

    private static TensorData OnGrid(Shape shape, int axis)
    {
        float[] scales = Array.ConvertAll(TestGraphs.Noise(shape[axis], 1), static v => MathF.Abs(v) + 1e-3f), values = new float[shape.ElementCount];
        for (int i = 0; i < values.Length; i++) values[i] = scales[i / shape.Product(axis + 1, shape.Rank) % scales.Length] * ((i * 37 % 256) - 128);
        return TensorData.FromFloats(shape, values, new Quantization(scales, new int[scales.Length], axis));
    }

    private static TensorData FilterOf(Model model)
    {
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is Conv2d) return node.Inputs[1].Constant!;
        }

        throw new InvalidOperationException("no convolution");
    }

    private static Model WithFilter(Model model, TensorData filter)
    {
        GraphBuilder b = new();
        Dictionary<Value, Value> map = [];
        foreach (Value input in model.Graph.Inputs) map[input] = b.Input(input.Name, input.Type);
        foreach (Node node in model.Graph.Nodes)
        {
            Value[] operands = new Value[node.Inputs.Count];
            for (int i = 0; i < operands.Length; i++)
            {
                Value old = node.Inputs[i];
                operands[i] = map.TryGetValue(old, out Value? known)
                    ? known
                    : map[old] = b.Constant(old.Name, node.Op is Conv2d && i == 1 ? filter : old.Constant!);
            }

            map[node.Output] = b.Add(node.Op, operands, node.Attributes, node.Name);
        }

        return new Model(b.Build(map[model.Graph.Outputs[0]]), model.Info);
    }

    private static float[] Outputs(Model model) => TestGraphs.Run(model.Graph, TestGraphs.Oracle);

    private static byte[] Bytes(Model model)
    {
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        return stream.ToArray();
    }

    private static GraphProto Written(Model model) => ModelProto.Parser.ParseFrom(Bytes(model)).Graph;

    private static TensorProto Initializer(GraphProto graph, string name) => Assert.Single(graph.Initializer, tensor => tensor.Name == name);

    private static int Count(GraphProto graph, string op)
    {
        int count = 0;
        foreach (NodeProto node in graph.Node) count += node.OpType == op ? 1 : 0;
        return count;
    }
}
