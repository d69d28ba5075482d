using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

public sealed class OnnxReaderTests
{
    private static readonly float[] Six = [-3, -1, 0, 2, 5, 8];

    private static OnnxFile Unary(int opset, string op, params (string, object)[] attributes) =>
        new OnnxFile(opset).Input("x", 1, 6).Node(op, ["x"], ["y"], attributes).Output("y");

    [Fact]
    public void Clip_takes_its_bounds_from_attributes_or_operands()
    {
        float[] expected = [-2, -1, 0, 2, 4, 4];
        Assert.Equal(expected, Unary(10, "Clip", ("min", -2f), ("max", 4f)).Run(Six));
        Assert.Equal(
            expected, new OnnxFile(13).Input("x", 1, 6).Floats("a", [], -2).Floats("b", [], 4).Node("Clip", ["x", "a", "b"], ["y"]).Output("y").Run(Six));
        float[] noLower = [-3, -1, 0, 2, 4, 4];
        Assert.Equal(noLower, new OnnxFile(13).Input("x", 1, 6).Floats("b", [], 4).Node("Clip", ["x", "", "b"], ["y"]).Output("y").Run(Six));
    }

    [Fact]
    public void Axes_are_attributes_before_operator_set_13_and_operands_since()
    {
        Assert.Equal([11f], Unary(11, "ReduceSum", ("axes", new[] { 1 }), ("keepdims", 0)).Run(Six));
        Assert.Equal([11f], new OnnxFile(13).Input("x", 1, 6).Longs("axes", -1).Node("ReduceSum", ["x", "axes"], ["y"], ("keepdims", 0)).Output("y").Run(Six));
        Assert.Equal(new Shape(1, 6, 1), Unary(11, "Unsqueeze", ("axes", new[] { -1 })).Load().Graph.Outputs[0].Shape);
        Assert.Equal(
            new Shape(1, 1, 6),
            new OnnxFile(13).Input("x", 1, 6).Longs("axes", 1).Node("Unsqueeze", ["x", "axes"], ["y"]).Output("y").Load().Graph.Outputs[0].Shape);
        Assert.Equal(new Shape(6), Unary(11, "Squeeze", ("axes", new[] { 0 })).Load().Graph.Outputs[0].Shape);
    }

    [Fact]
    public void Softmax_flattens_from_its_axis_before_operator_set_13()
    {
        float[] zeros = new float[6];
        Assert.All(new OnnxFile(11).Input("x", 1, 2, 3).Node("Softmax", ["x"], ["y"]).Output("y").Run(zeros), v => Assert.Equal(1f / 6, v, 6));
        Assert.All(new OnnxFile(13).Input("x", 1, 2, 3).Node("Softmax", ["x"], ["y"]).Output("y").Run(zeros), v => Assert.Equal(1f / 3, v, 6));
        Assert.All(new OnnxFile(13).Input("x", 1, 2, 3).Node("Softmax", ["x"], ["y"], ("axis", 1)).Output("y").Run(zeros), v => Assert.Equal(1f / 2, v, 6));
        Assert.All(new OnnxFile(13).Input("x", 1, 2, 3).Node("LogSoftmax", ["x"], ["y"]).Output("y").Run(zeros), v => Assert.Equal(-MathF.Log(3), v, 5));
    }

    [Fact]
    public void Slice_and_pad_come_as_attributes_or_operands()
    {
        float[] middle = [-1, 0, 2];
        Assert.Equal(middle, Unary(9, "Slice", ("starts", new[] { 1 }), ("ends", new[] { 4 }), ("axes", new[] { 1 })).Run(Six));
        Assert.Equal(
            [0f, 8],
            new OnnxFile(13).Input("x", 1, 6).Longs("s", -4).Longs("e", long.MaxValue).Longs("a", 1).Longs("st", 3)
                .Node("Slice", ["x", "s", "e", "a", "st"], ["y"]).Output("y").Run(Six));
        float[] padded = [9, -3, -1, 0, 2, 5, 8, 9, 9];
        Assert.Equal(padded, Unary(10, "Pad", ("pads", new[] { 0, 1, 0, 2 }), ("value", 9f)).Run(Six));
        Assert.Equal(
            padded,
            new OnnxFile(18).Input("x", 1, 6).Longs("p", 1, 2).Floats("v", [], 9).Longs("a", -1).Node("Pad", ["x", "p", "v", "a"], ["y"]).Output("y").Run(Six));
    }

    [Fact]
    public void Split_gives_equal_or_named_shares()
    {
        Assert.Equal([2f, 5, 8], new OnnxFile(11).Input("x", 1, 6).Node("Split", ["x"], ["a", "y"], ("axis", 1)).Output("y").Run(Six));
        Assert.Equal([5f, 8], new OnnxFile(13).Input("x", 1, 6).Longs("s", 4, 2).Node("Split", ["x", "s"], ["a", "y"], ("axis", -1)).Output("y").Run(Six));
        Assert.Equal([5f, 8], new OnnxFile(18).Input("x", 1, 6).Node("Split", ["x"], ["a", "b", "y"], ("axis", 1), ("num_outputs", 3)).Output("y").Run(Six));
    }

    [Fact]
    public void Gemm_scales_and_transposes_its_constants()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 2).Floats("w", [2, 3], 1, 2, 3, 4, 5, 6).Floats("c", [1, 3], 1, 0, -1);
        Assert.Equal([3f, 2, 1], file.Node("Gemm", ["x", "w", "c"], ["y"], ("alpha", 0.5f), ("beta", 2f)).Output("y").Run([2, 0]));
        OnnxFile transposed = new OnnxFile().Input("x", 1, 2).Floats("w", [3, 2], 1, 4, 2, 5, 3, 6);
        Assert.Equal([9f, 12, 15], transposed.Node("Gemm", ["x", "w"], ["y"], ("transB", 1)).Output("y").Run([1, 2]));
        OnnxFile product = new OnnxFile().Input("x", 1, 2).Floats("w", [2, 3], 1, 2, 3, 4, 5, 6).Node("MatMul", ["x", "w"], ["y"]).Output("y");
        Assert.Equal([9f, 12, 15], product.Run([1, 2]));
    }

    [Fact]
    public void Same_padding_puts_the_odd_element_where_the_file_says()
    {
        static OnnxFile File(string mode) =>
            new OnnxFile().Input("x", 1, 1, 1, 4).Floats("w", [1, 1, 1, 2], 1, 10).Node("Conv", ["x", "w"], ["y"], ("auto_pad", mode)).Output("y");
        Assert.Equal([21f, 32, 43, 4], File("SAME_UPPER").Run([1, 2, 3, 4]));
        Assert.Equal([10f, 21, 32, 43], File("SAME_LOWER").Run([1, 2, 3, 4]));
        Assert.Equal([21f, 32, 43], File("VALID").Run([1, 2, 3, 4]));
    }

    [Fact]
    public void Ceil_mode_adds_a_window_that_starts_inside()
    {
        static OnnxFile Pool(string op, params (string, object)[] more) =>
            new OnnxFile().Input("x", 1, 1, 1, 6)
                .Node(op, ["x"], ["y"], [("kernel_shape", new[] { 1, 3 }), ("strides", new[] { 1, 2 }), ("ceil_mode", 1), .. more]).Output("y");
        Assert.Equal([0f, 5, 8], Pool("MaxPool").Run(Six));
        Assert.Equal([-4f / 3, 7f / 3, 6.5f], Pool("AveragePool").Run(Six));
        // Declared padding counts as zeros, the part beyond it does not.
        Assert.Equal([-4f / 3, 1f / 3, 5, 4], Pool("AveragePool", ("pads", new[] { 0, 1, 0, 1 }), ("count_include_pad", 1)).Run(Six));
    }

    [Fact]
    public void Shape_arithmetic_is_computed_while_reading()
    {
        OnnxFile file = new OnnxFile().Input("x", 0, 2, 3).Longs("zero", 0).Longs("minus", -1)
            .Node("Shape", ["x"], ["s"]).Node("Gather", ["s", "zero"], ["n"]).Node("Concat", ["n", "minus"], ["target"], ("axis", 0))
            .Node("Reshape", ["x", "target"], ["y"]).Output("y");
        Model model = file.Load();
        Assert.True(model.Info.BatchIsSymbolic);
        Assert.Equal(new Shape(1, 6), model.Graph.Outputs[0].Shape);
        Thomas.Ops.ReshapeAttributes reshape = Assert.IsType<Thomas.Ops.ReshapeAttributes>(Assert.Single(model.Graph.Nodes).Attributes);
        Assert.Equal(0, reshape.Dims[0]);
    }

    [Fact]
    public void Quantized_pairs_round_to_the_grid()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6).Floats("s", [], 0.5f).Raw("z", DataType.Uint8, [], [4])
            .Node("QuantizeLinear", ["x", "s", "z"], ["q"]).Node("DequantizeLinear", ["q", "s", "z"], ["y"]).Output("y");
        Assert.Equal([-2f, -1, 0, 0.5f, 5, 125.5f], file.Run([-3, -1.2f, 0.25f, 0.26f, 5, 1000]));
        Assert.True(file.Load().Info.IsQuantized);
        Assert.Equal("y", file.Load().Graph.Outputs[0].Name);
    }

    [Fact]
    public void Quantized_weights_become_floats_per_channel()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 2).Floats("s", [2], 0.5f, 2).Raw("z", DataType.Int8, [2], [0, 1])
            .Raw("w", DataType.Int8, [2, 2], [2, 0xFF, 3, 1])
            .Node("DequantizeLinear", ["w", "s", "z"], ["real"], ("axis", 0)).Node("Gemm", ["x", "real"], ["y"], ("transB", 1)).Output("y");
        Assert.Equal([1f - 0.5f, 4], file.Run([1, 1]));
    }

    [Fact]
    public void An_8_bit_input_takes_raw_bytes()
    {
        OnnxFile file = new OnnxFile().InputOf(DataType.Uint8, "x", 1, 3, 4, 5).Floats("s", [], 0.0078125f).Raw("z", DataType.Uint8, [], [128])
            .Node("DequantizeLinear", ["x", "s", "z"], ["r"]).Node("Relu", ["r"], ["y"]).Output("y");
        ModelInfo info = file.Load().Info;
        Assert.Equal(ImageLayout.Nchw, info.InputLayout);
        Assert.Equal((5, 4, 128f, 128f), (info.Preprocessing!.Width, info.Preprocessing.Height, info.Preprocessing.Mean.First, info.Preprocessing.Std.First));
        Assert.Contains("uint8 input: scale 0.007813, zero point 128, real numbers -1 to 0.99", info.PreprocessingSource, StringComparison.Ordinal);
    }

    [Fact]
    public void Initializers_listed_as_inputs_are_constants()
    {
        OnnxFile file = new OnnxFile(7).Input("x", 1, 2).Input("b", 2).Floats("b", [2], 1, 2).Node("Add", ["x", "b"], ["y"]).Output("y");
        Assert.Equal([1f, 2], file.Run([0, 0]));
    }

    [Fact]
    public void Half_floats_are_widened()
    {
        OnnxFile file = new OnnxFile().InputOf(DataType.Float16, "x", 1, 2).Raw("b", DataType.Float16, [2], [0, 0x3C, 0, 0xC0]).Node("Add", ["x", "b"], ["y"])
            .Output("y");
        Assert.Equal([1f, -2], file.Run([0, 0]));
        Assert.Contains(file.Load().Info.Notes, note => note.Contains("16-bit", StringComparison.Ordinal));
    }

    [Fact]
    public void All_unsupported_operators_are_listed_at_once()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6).Node("Det", ["x"], ["a"]).Node("Relu", ["a"], ["b"]).Node("Det", ["b"], ["c"])
            .Node("my.domain.Twist", ["c"], ["d"]).Node("Gather", ["x", "x"], ["e"]).Output("d");
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(file.Load);
        Assert.Equal(3, e.Operators.Count);
        Assert.Contains("Det (2 nodes: 'Det_node', 'Det_node')", e.Operators);
        Assert.Contains(e.Operators, o => o.StartsWith("my.domain.Twist", StringComparison.Ordinal));
        Assert.Contains(e.Operators, o => o.StartsWith("Gather (", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(6, 3)]
    [InlineData(22, 10)]
    [InlineData(25, 13)]
    [InlineData(99, 99)]
    public void Every_operator_set_is_read(int opset, int ir)
    {
        OnnxFile file = Unary(opset, "Relu");
        file.Proto.IrVersion = ir;
        Assert.Equal(Array.ConvertAll(Six, static v => MathF.Max(v, 0)), file.Run(Six));
        Assert.Equal(opset == 99, file.Load().Info.Notes.Any(static note => note.Contains("newer", StringComparison.Ordinal)));
        Assert.Equal($"ONNX opset {opset}, IR {ir}", file.Load().Info.SourceVersion);
    }

    [Fact]
    public void A_convolution_along_a_line_is_read()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 1, 6).Floats("w", [1, 1, 3], 1, 10, 100)
            .Node("Conv", ["x", "w"], ["y"], ("kernel_shape", new[] { 3 }), ("strides", new[] { 2 }), ("pads", new[] { 1, 0 })).Output("y");
        float At(int i) => i >= 0 ? Six[i] : 0;
        float[] expected = [At(-1) + (10 * At(0)) + (100 * At(1)), At(1) + (10 * At(2)) + (100 * At(3)), At(3) + (10 * At(4)) + (100 * At(5))];
        Assert.Equal(expected, file.Run(Six));
        Assert.Equal(new Shape(1, 1, 3), file.Load().Graph.Outputs[0].Shape);
    }

    [Fact]
    public void Image_sizes_that_are_open_are_filled_in()
    {
        OnnxFile file = new OnnxFile().Input("x", 0, 0, 0, 0).Floats("w", [2, 3, 1, 1], new float[6]).Node("Conv", ["x", "w"], ["y"]).Output("y");
        Model Load(ModelLoadOptions options) => Model.Load(new MemoryStream(file.Proto.ToByteArray()), "open.onnx", options);
        Assert.Equal(new Shape(1, 32, 32, 3), Load(new ModelLoadOptions { ImageSize = 32 }).Graph.Inputs[0].Shape);
        Assert.Contains("--size N", Assert.Throws<ModelFormatException>(() => Load(new ModelLoadOptions())).Message, StringComparison.Ordinal);

        // What is fixed is changed only where the network allows it.
        OnnxFile known = new OnnxFile().Input("x", 0, 3, 8, 8).Node("GlobalAveragePool", ["x"], ["p"]).Node("Flatten", ["p"], ["y"]).Output("y");
        Assert.Equal(
            new Shape(1, 16, 16, 3),
            Model.Load(new MemoryStream(known.Proto.ToByteArray()), "k.onnx", new ModelLoadOptions { ImageSize = 16 }).Graph.Inputs[0].Shape);
        OnnxFile flat = new OnnxFile().Input("x", 0, 3, 8, 8).Node("Flatten", ["x"], ["y"]).Output("y");
        Assert.Throws<ThomasException>(() => Model.Load(new MemoryStream(flat.Proto.ToByteArray()), "f.onnx", new ModelLoadOptions { ImageSize = 16 }));
    }

    [Fact]
    public void Faults_of_one_kind_are_one_line()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6);
        for (int i = 0; i < 53; i++)
        {
            file.Raw($"w{i}", DataType.Complex64, [1], new byte[8]).Node("Add", [i == 0 ? "x" : $"a{i - 1}", $"w{i}"], [$"a{i}"]);
            file.Proto.Graph.Node[^1].Name = $"add{i}";
        }

        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(file.Output("a52").Load);
        Assert.Equal(["tensor elements of type Complex64 (53 nodes: 'add0', 'add1', 'add2' and 50 more; at the first tensor 'w0')"], e.Operators);
    }

    public static TheoryData<string, string> Refused()
    {
        TheoryData<string, string> cases = [];
        foreach (string name in Broken.Keys) cases.Add(name, Broken[name].Part);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Broken_files_are_refused_with_the_place(string name, string part)
    {
        ModelFormatException e = Assert.ThrowsAny<ModelFormatException>(Broken[name].File().Load);
        Assert.Contains("test.onnx", e.Message, StringComparison.Ordinal);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }

    private static readonly Dictionary<string, (Func<OnnxFile> File, string Part)> Broken = new()
    {
        ["no operator set"] = (() => { OnnxFile f = Unary(13, "Relu"); f.Proto.OpsetImport.Clear(); return f; }, "operator set"),
        ["impossible operator set"] = (() => Unary(0, "Relu"), "operator set 0"),
        ["no output"] = (() => new OnnxFile().Input("x", 1, 6).Node("Relu", ["x"], ["y"]), "output"),
        ["output that nothing computes"] = (() => Unary(13, "Relu").Output("z"), "output 'z'"),
        ["operand that nothing computes"] = (() => new OnnxFile().Input("x", 1, 6).Node("Add", ["x", "w"], ["y"]).Output("y"), "'w'"),
        ["name used twice"] = (() => Unary(13, "Relu").Node("Abs", ["x"], ["y"]), "'y', which exists"),
        ["missing operand"] = (() => new OnnxFile().Input("x", 1, 6).Node("Add", ["x"], ["y"]).Output("y"), "operand 1"),
        ["open height"] = (() => new OnnxFile().Input("x", 0, 3, 0, 224).Node("Relu", ["x"], ["y"]).Output("y"), "--size N"),
        ["open axis of a vector"] = (() => new OnnxFile().Input("x", 1, 0).Node("Relu", ["x"], ["y"]).Output("y"), "axis 1 is open ('N')"),
        ["input of integers"] = (() => new OnnxFile().InputOf(DataType.Int64, "x", 1, 6).Node("Relu", ["x"], ["y"]).Output("y"), "type Int64"),
        ["tensor without its data"] =
        (() => new OnnxFile().Input("x", 1, 6).Raw("w", DataType.Float, [1 << 20, 1 << 10], []).Node("Add", ["x", "w"], ["y"]).Output("y"), "tensor 'w'"),
        ["tensor of too many elements"] =
        (() => new OnnxFile().Input("x", 1, 6).Raw("w", DataType.Float, [1 << 20, 1 << 20], []).Node("Add", ["x", "w"], ["y"]).Output("y"), "2^31"),
        ["tensor of negative size"] =
        (() => new OnnxFile().Input("x", 1, 6).Raw("w", DataType.Float, [-4], []).Node("Add", ["x", "w"], ["y"]).Output("y"), "size -4"),
        ["attribute of a wrong type"] = (() => Unary(13, "LeakyRelu", ("alpha", 3)), "'alpha'"),
        ["attribute twice"] = (() => Unary(13, "LeakyRelu", ("alpha", 1f), ("alpha", 2f)), "twice"),
        ["absurd padding"] = (() => Unary(10, "Pad", ("pads", new[] { 0, 0, 0, int.MaxValue - 10 })), "Pad"),
        ["large padding"] = (() => Unary(10, "Pad", ("pads", new[] { 0, 0, 0, 500_000_000 })), "takes 1.9GiB"),
        ["axis outside"] = (() => Unary(11, "ReduceSum", ("axes", new[] { 2 })), "axis 2"),
        ["division by zero"] =
        (() => new OnnxFile().Input("x", 1, 6).Longs("a", 1).Longs("b", 0).Node("Div", ["a", "b"], ["c"]).Node("Reshape", ["x", "c"], ["y"])
            .Output("y"), "divides"),
        ["endless range"] =
        (() => new OnnxFile().Input("x", 1, 6).Longs("a", 0).Longs("b", long.MaxValue).Longs("c", 1).Node("Range", ["a", "b", "c"], ["s"])
            .Node("Reshape", ["x", "s"], ["y"]).Output("y"), "Range"),
        ["constants that grow"] = (Growing, "memory"),
        ["huge constant"] =
        (() => new OnnxFile().Input("x", 1, 6).Longs("s", 1 << 15, 1 << 15).Node("ConstantOfShape", ["s"], ["c"]).Node("Add", ["x", "c"], ["y"])
            .Output("y"), "memory"),
        ["scale of zero"] =
        (() => new OnnxFile().Input("x", 1, 6).Floats("s", [], 0).Node("QuantizeLinear", ["x", "s"], ["q"]).Node("DequantizeLinear", ["q", "s"], ["y"])
            .Output("y"), "positive"),
        ["external data"] = (External, "the model does not name it"),
        ["convolution over three axes"] =
        (() => new OnnxFile().Input("x", 1, 3, 2, 2, 2).Floats("w", [1, 3, 1, 1, 1], 1, 1, 1).Node("Conv", ["x", "w"], ["y"]).Output("y"), "3 spatial"),
        ["padding by more than there is"] = (() => Unary(10, "Pad", ("pads", new[] { 0, 6, 0, 1 }), ("mode", "reflect")), "mirrors more"),
        ["groups that do not divide"] =
        (() => new OnnxFile().Input("x", 1, 3, 6, 6).Floats("w", [2, 1, 1, 1], 1, 1).Node("Conv", ["x", "w"], ["y"], ("group", 3)).Output("y"), "groups"),
        ["unusable layout"] = (() => Unary(13, "Relu").Metadata("thomas.layout", "upside down"), "thomas.layout"),
        ["part of a preprocessing"] = (() => Unary(13, "Relu").Metadata("thomas.width", "224"), "preprocessing"),
    };

    private static OnnxFile Growing()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6).Longs("c0", 1, 2, 3, 4);
        for (int i = 0; i < 40; i++) file.Node("Concat", [$"c{i}", $"c{i}"], [$"c{i + 1}"], ("axis", 0));
        return file.Node("Reshape", ["x", "c40"], ["y"]).Output("y");
    }

    private static OnnxFile External()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6).Raw("w", DataType.Float, [6], []).Node("Add", ["x", "w"], ["y"]).Output("y");
        file.Proto.Graph.Initializer[0].DataLocation = TensorProto.Types.DataLocation.External;
        return file;
    }
}
