using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Architectures;
using Thomas.Formats.TfLite;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Tests.Formats.Onnx;
using Thomas.Tests.Formats.TfLite;
using Thomas.Tests.Harness;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats;

/// <summary>Weights that a file holds as 16-bit floats stay so in memory, give the bits of float32, and are written back with the same bytes.</summary>
public sealed class HalfWeightsTests
{
    public static TheoryData<string, ModelFormat> Written
    {
        get
        {
            TheoryData<string, ModelFormat> data = [];
            foreach (string name in WrittenGraphs.All.Keys)
            {
                Graph graph = WrittenGraphs.All[name]();
                if (!graph.Values.Any(value => value.IsConstant && StoredWeights.Keeps(value, DType.F16))) continue;
                foreach (ModelFormat format in Enum.GetValues<ModelFormat>()) data.Add(name, format);
            }

            return data;
        }
    }

    public static TheoryData<string, ModelFormat> Networks
    {
        get
        {
            TheoryData<string, ModelFormat> data = [];
            foreach (string name in (string[])["squeezenet", "mobilenet-v2", "lenet5"])
            {
                foreach (ModelFormat format in Enum.GetValues<ModelFormat>()) data.Add(name, format);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void Every_layer_computes_the_bits_of_float32_when_written_and_read_back(string name, ModelFormat format)
    {
        ModelInfo info = new() { Name = name, BatchIsSymbolic = true };
        (Graph half, Graph widened) = Halves.Of(WrittenGraphs.All[name](), DType.F16);
        byte[] file = Save(new Model(half, info), format);
        Model read = Load(file), floats = Load(Save(new Model(widened, info), format));
        Assert.Contains(read.Graph.Values, value => value.IsConstant && value.Type.DType == DType.F16);
        Assert.DoesNotContain(floats.Graph.Values, value => value.Type.DType == DType.F16);
        Assert.Equal(TestGraphs.Run(floats.Graph), TestGraphs.Run(read.Graph));
        Assert.Equal(TestGraphs.Run(floats.Graph, TestGraphs.Oracle), TestGraphs.Run(read.Graph, TestGraphs.Oracle));
        Expect.Same(file, Save(new Model(half, info), format));
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_network_keeps_its_names_and_the_bytes_of_its_weights(string architecture, ModelFormat format)
    {
        ArchitectureCatalog.TryFind(architecture, out Architecture? found);
        Model network = new(found!.Build(new ArchitectureOptions
        {
            Classes = 7,
            Height = 64,
            Width = 64,
            WidthMultiplier = architecture == "mobilenet-v2" ? 0.35f : 1,
            Seed = 3,
        }), new ModelInfo { Name = architecture });
        (Model half, Model widened) = Halves.Of(network, DType.F16);
        byte[] file = Save(half, format);
        Model read = Load(file), floats = Load(Save(widened, format));
        Dictionary<string, byte[]> expected = Halves.Constants(half.Graph, DType.F16), actual = Halves.Constants(read.Graph, DType.F16);
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach ((string name, byte[] bytes) in expected) Expect.Same(bytes, actual[name]);
        Assert.Equal(
            floats.Graph.Values.Where(value => value.IsConstant).Select(value => value.Name).Order(),
            read.Graph.Values.Where(value => value.IsConstant).Select(value => value.Name).Order());
        Assert.Equal(floats.Graph.Nodes.Select(node => node.Name), read.Graph.Nodes.Select(node => node.Name));
        Assert.Equal(TestGraphs.Run(floats.Graph), TestGraphs.Run(read.Graph));
        Assert.Equal(TestGraphs.Run(floats.Graph, batch: 3), TestGraphs.Run(read.Graph, batch: 3));
        Assert.Contains(read.Info.Notes, note => note.Contains("16-bit", StringComparison.Ordinal));

        // Written again and again the file is the same, and it is about half as large.
        byte[] again = Save(read, format);
        Expect.Same(again, Save(Load(again), format));
        long saved = expected.Values.Sum(bytes => (long)bytes.Length), floatBytes = Save(widened, format).Length;
        Assert.InRange(file.Length, floatBytes - saved, floatBytes - (0.9 * saved));
    }

    [Fact]
    public void Weights_of_16_bits_are_borrowed_from_the_file()
    {
        (Model half, _) = Halves.Of(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), DType.F16);
        byte[] file = Save(half, ModelFormat.TfLite);
        Value[] weights = [.. TfLiteReader.Read(file, "half").Graph.Values.Where(value => value.IsConstant && value.Type.DType == DType.F16)];
        Assert.Equal(4, weights.Length);
        Assert.All(weights, weight => Assert.True(file.AsSpan().Overlaps(weight.Constant!.Bytes.Span)));
    }

    [Fact]
    public void Bfloat16_is_written_to_onnx_as_it_is_and_to_tflite_as_float32()
    {
        (Model half, Model widened) = Halves.Of(TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax), DType.BF16);
        Model onnx = Load(Save(half, ModelFormat.Onnx)), tflite = Load(Save(half, ModelFormat.TfLite));
        Assert.Equal(Halves.Constants(half.Graph, DType.BF16), Halves.Constants(onnx.Graph, DType.BF16));
        Assert.DoesNotContain(tflite.Graph.Values, value => value.Type.DType != DType.F32);
        Assert.Equal(TestGraphs.Run(widened.Graph), TestGraphs.Run(onnx.Graph));
        Assert.Equal(TestGraphs.Run(Load(Save(widened, ModelFormat.TfLite)).Graph), TestGraphs.Run(tflite.Graph));
    }

    /// <summary>A file of which every tensor is float16, as converters make it: what layers read stays, the rest is widened under its own name.</summary>
    [Theory]
    [InlineData((int)DataType.Float16)]
    [InlineData((int)DataType.Bfloat16)]
    public void Only_the_weights_of_layers_stay(int stored)
    {
        DataType type = (DataType)stored;
        Model model = Of(type), floats = Of(DataType.Float), again = Load(Save(model, ModelFormat.Onnx));
        Assert.Equal(["b", "m", "w"], model.Graph.Values.Where(value => value.IsConstant && value.Type.DType.IsHalf()).Select(value => value.Name).Order());
        Assert.Equal(floats.Graph.Values.Select(value => value.Name).Order(), model.Graph.Values.Select(value => value.Name).Order());
        Assert.Equal(TestGraphs.Run(floats.Graph), TestGraphs.Run(model.Graph));
        Assert.Equal(TestGraphs.Run(model.Graph), TestGraphs.Run(again.Graph));

        Model Of(DataType stored) => new OnnxFile().InputOf(stored, "x", 1, 3, 6, 6)
            .Raw("w", stored, [8, 3, 3, 3], Raw(stored, 216, 1)).Raw("b", stored, [8], Raw(stored, 8, 2)).Raw("scale", stored, [8, 1, 1], Raw(stored, 8, 3))
            .Raw("m", stored, [128, 5], Raw(stored, 640, 4))
            .Node("Conv", ["x", "w", "b"], ["c"]).Node("Mul", ["c", "scale"], ["s"]).Node("Flatten", ["s"], ["f"]).Node("MatMul", ["f", "m"], ["y"]).Output("y")
            .Load();

        byte[] Raw(DataType stored, int count, uint seed)
        {
            TensorData data = Halves.To(
                TensorData.FromFloats(new Shape(count), TestGraphs.Noise(count, seed)), type == DataType.Float16 ? DType.F16 : DType.BF16);
            return (stored == DataType.Float ? data.ToF32() : data).Bytes.ToArray();
        }
    }

    [Fact]
    public void A_weight_that_two_kinds_of_operators_read_is_right_in_both()
    {
        byte[] raw = Halves.To(TensorData.FromFloats(new Shape(16), TestGraphs.Noise(16, 1)), DType.F16).Bytes.ToArray();
        Model model = new OnnxFile().Input("x", 1, 4).Raw("w", DataType.Float16, [4, 4], raw).Node("Cast", ["w"], ["wide"], ("to", (int)DataType.Float))
            .Node("MatMul", ["x", "wide"], ["p"]).Node("ReduceMean", ["wide"], ["means"], ("axes", new[] { 0 }), ("keepdims", 1))
            .Node("Add", ["p", "means"], ["y"]).Output("y").Load();
        Assert.Contains(model.Graph.Values, value => value.IsConstant && value.Type.DType == DType.F16);
        float[] w = new TensorData(new TensorType(DType.F16, new Shape(16)), raw).ToFloats(), x = TestGraphs.Noise(4, 7), y = TestGraphs.Run(model.Graph);
        for (int i = 0; i < 4; i++) Assert.Equal(Enumerable.Range(0, 4).Sum(k => (x[k] + 0.25f) * w[(k * 4) + i]), y[i], 1e-5f);
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Weights_of_safetensors_stay_where_the_network_takes_them_so(string type)
    {
        DType half = Enum.Parse<DType>(type);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 5, 5, 2)));
        x = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("conv.weight", 1, 4, 3, 3, 2), b.Weights("conv.bias", 2, 4)],
            new Conv2dAttributes(new Window2d(3, 3), HasBias: true));
        x = b.Add(
            OpCatalog.BatchNorm,
            [x, b.Weights("bn.weight", 3, 4), b.Weights("bn.bias", 4, 4), b.Weights("bn.running_mean", 5, 4), b.Positive("bn.running_var", 6, 4)],
            new BatchNormAttributes(1e-3f));
        Graph network = b.Build(x);
        LoadedWeights inHalves = WeightLoader.Load(network, Weights(network, half)), inFloats = WeightLoader.Load(network, Weights(network, DType.F32, half));
        Assert.Equal(["conv.bias", "conv.weight"], Halves.Constants(inHalves.Graph, half).Keys.Order());
        Assert.Equal(TestGraphs.Run(inFloats.Graph), TestGraphs.Run(inHalves.Graph));
    }

    /// <summary>The network's own weights as a file in PyTorch's layout.</summary>
    private static WeightFile Weights(Graph network, DType stored, DType? rounded = null)
    {
        SafetensorsBuilder file = new();
        foreach (Value value in network.Values.Where(value => value.IsConstant))
        {
            TensorData data = value.Shape.Rank == 4 ? Transpose.Permuted(value.Constant!, Transpose.NhwcToNchw) : value.Constant!;
            data = Halves.To(data, rounded ?? stored);
            file.Add(value.Name, stored.ToString(), stored == DType.F32 ? data.ToF32() : data);
        }

        return file.Load();
    }

    private static byte[] Save(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        return stream.ToArray();
    }

    private static Model Load(byte[] file)
    {
        using MemoryStream stream = new(file);
        return Model.Load(stream, "half");
    }

    /// <summary>A safetensors file.</summary>
    private sealed class SafetensorsBuilder
    {
        private readonly List<string> _entries = [];
        private readonly List<byte> _data = [];

        public void Add(string name, string type, TensorData data)
        {
            _entries.Add(
                $"\"{name}\":{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', data.Type.Shape.Dims.ToArray())}],"
                + $"\"data_offsets\":[{_data.Count},{_data.Count + data.Bytes.Length}]}}");
            _data.AddRange(data.Bytes.ToArray());
        }

        public WeightFile Load()
        {
            string header = $"{{{string.Join(',', _entries)}}}";
            header = header.PadRight((header.Length + 7) & ~7);
            using MemoryStream stream = new([.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), .. _data]);
            return WeightFile.Load(stream, "weights.safetensors");
        }
    }
}
