using System;
using System.Diagnostics;
using System.IO;
using Thomas.Graphs;
using Thomas.Tests.Harness;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Whatever the bytes: a ModelFormatException or a graph, quickly and in little memory.</summary>
public sealed class OnnxRobustnessTests
{
    private const int VariantsPerModel = 400;

    [Theory]
    [InlineData("block")]
    [InlineData("shapes")]
    [InlineData("quantized")]
    public void Truncated_and_damaged_files_are_refused_or_load(string name)
    {
        byte[] original = Bytes(name);
        Assert.NotNull(Model.Load(new MemoryStream(original), name));
        uint state = 12345;
        int refused = 0;
        for (int variant = 0; variant < VariantsPerModel; variant++)
        {
            byte[] damaged = (byte[])original.Clone();
            state = (state * 1664525u) + 1013904223u;
            int at = (int)((state >> 4) % (uint)original.Length);
            state = (state * 1664525u) + 1013904223u;
            if (variant % 4 == 0) damaged = damaged[..at];
            else damaged[at] ^= (byte)Math.Max(1, state >> 24);
            refused += Try(damaged, $"{name}, variant {variant}, byte {at}") ? 1 : 0;
        }

        Assert.InRange(refused, VariantsPerModel / 8, VariantsPerModel);
    }

    [Fact]
    public void Any_bytes_are_refused()
    {
        uint state = 99;
        for (int length = 1; length < 300; length++)
        {
            byte[] noise = new byte[length];
            for (int i = 0; i < length; i++) noise[i] = (byte)((state = (state * 1664525u) + 1013904223u) >> 24);
            Assert.True(Try(noise, $"noise of {length} bytes"));
        }
    }

    [Fact]
    public void Messages_nested_without_end_are_refused()
    {
        byte[] nested = [];
        // graph.node.attribute.g, over and over: each level wraps the one inside.
        for (int i = 0; i < 400; i++)
        {
            foreach (byte tag in (byte[])[0x32, 0x2A, 0x0A]) nested = [tag, .. Length(nested.Length), .. nested];
        }

        Assert.True(Try([0x3A, .. Length(nested.Length), .. nested], "nested"));
    }

    private static byte[] Length(int value)
    {
        byte[] bytes = new byte[5];
        int count = 0;
        do bytes[count++] = (byte)((value & 127) | (value > 127 ? 128 : 0));
        while ((value >>= 7) > 0);
        return bytes[..count];
    }

    // Whether the file was refused; anything but the promised exception fails the test.
    private static bool Try(byte[] file, string place)
    {
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        bool refused = false;
        try
        {
            Model model = Model.Load(new MemoryStream(file), "damaged.onnx");
            GraphVerifier.Verify(model.Graph);
        }
        catch (ModelFormatException e)
        {
            Assert.StartsWith("damaged.onnx: ", e.Message, StringComparison.Ordinal);
            Assert.True(e.Place.Length > 0 || e is UnsupportedModelException, $"{place}: no place in '{e.Message}'");
            refused = true;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{place}: {e}");
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2), $"{place}: took {Stopwatch.GetElapsedTime(start)}");
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < (64L << 20) + (4L * file.Length), $"{place}: allocated {allocated} bytes");
        return refused;
    }

    private static byte[] Bytes(string name)
    {
        if (name == "shapes") return Google.Protobuf.MessageExtensions.ToByteArray(Shapes().Proto);
        if (name == "quantized") return Google.Protobuf.MessageExtensions.ToByteArray(Quantized().Proto);
        using MemoryStream stream = new();
        new Model(TestGraphs.NchwBlock(), new ModelInfo { Name = name, Labels = ["a", "b"], Preprocessing = Preprocessing.Preset("tf", 9, 7) }).Save(
            stream, ModelFormat.Onnx);
        return stream.ToArray();
    }

    private static OnnxFile Shapes() =>
        new OnnxFile().Input("x", 0, 3, 6, 5).Longs("zero", 0).Longs("minus", -1).Longs("pads", 0, 0, 1, 0, 0, 0, 0, 2).Longs("sizes", 1, 2)
        .Longs("starts", 1).Longs("ends", 5).Longs("axes", 2).Longs("steps", 2).Floats("w", [4, 3, 3, 2], TestGraphs.Noise(72, 1))
        .Node("Pad", ["x", "pads"], ["p"])
        .Node("Conv", ["p", "w"], ["c"], ("strides", new[] { 1, 2 }), ("pads", new[] { 1, 1, 0, 0 }), ("dilations", new[] { 1, 2 }))
        .Node("MaxPool", ["c"], ["m"], ("kernel_shape", new[] { 2, 2 }), ("ceil_mode", 1)).Node("Slice", ["m", "starts", "ends", "axes", "steps"], ["s"])
        .Node("Shape", ["s"], ["dims"]).Node("Gather", ["dims", "zero"], ["n"]).Node("Concat", ["n", "minus"], ["t"], ("axis", 0))
        .Node("Reshape", ["s", "t"], ["f"])
        .Node("ReduceMean", ["f"], ["r"], ("axes", new[] { 1 })).Node("Softmax", ["f"], ["soft"]).Node("Mul", ["soft", "r"], ["y"]).Output("y");

    private static OnnxFile Quantized() => new OnnxFile().InputOf(DataType.Uint8, "x", 1, 3, 4, 4).Floats("s", [], 0.01f).Raw("z", DataType.Uint8, [], [128])
        .Floats("ws", [2], 0.1f, 0.2f).Raw("wz", DataType.Int8, [2], [0, 0]).Raw("w", DataType.Int8, [2, 3, 1, 1], [1, 2, 3, 4, 5, 6])
        .Raw("b", DataType.Int32, [2], [1, 0, 0, 0, 2, 0, 0, 0])
        .Node("QLinearConv", ["x", "s", "z", "w", "ws", "wz", "s", "z", "b"], ["q"])
        .Node("com.microsoft.QLinearGlobalAveragePool", ["q", "s", "z", "s", "z"], ["g"])
        .Node("DequantizeLinear", ["g", "s", "z"], ["y"]).Output("y");
}
