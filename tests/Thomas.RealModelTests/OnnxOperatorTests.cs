using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Tests.Formats.Onnx;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.RealModelTests;

/// <summary>
/// Operators in the forms that exporters write, in ONNX Runtime with its default settings and here; then what was read is written to both formats and must
/// still mean the same.
/// </summary>
public sealed class OnnxOperatorTests
{
    private static readonly long[] Image = [1, 4, 6, 8];

    private static readonly Dictionary<string, Func<OnnxFile>> Files = Build();

    public static TheoryData<string> Names => [.. Files.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Onnx_runtime_agrees(string name)
    {
        OnnxFile file = Files[name]();
        file.Proto.IrVersion = Math.Min(file.Proto.IrVersion, 9);
        NameNodes(file.Proto.Graph, "node");
        byte[] bytes = file.Proto.ToByteArray();
        Model model = file.Load();
        Shape input = model.Graph.Inputs[0].Shape;
        float[] image = OnnxSweep.Noise(input.ElementCount, 7, -2.5f, 2.5f), inFile = model.Info.InputLayout == ImageLayout.Nchw
            ? OnnxSweep.ToNchw(image, input)
            : image;
        using Ort source = new(bytes, optimized: true);
        float[] expected = source.Run(inFile)[0];
        OnnxSweep.AssertClose(expected, OnnxSweep.RunOurs(model.Graph, image)[0], 2e-5, name);

        using Ort written = new(Ort.Export(model), optimized: true);
        OnnxSweep.AssertClose(expected, written.Run(inFile)[0], 2e-5, $"{name}, written as .onnx");
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.TfLite);
        stream.Position = 0;
        Model again = Model.Load(stream, "again.tflite");
        OnnxSweep.AssertClose(expected, OnnxSweep.RunOurs(again.Graph, image)[0], 2e-5, $"{name}, written as .tflite");
    }

    [Fact]
    public void The_shared_cases_agree()
    {
        string folder = Path.Combine(Path.GetDirectoryName(Assets.PathOf("models"))!, "..", "cases", "models");
        Assert.SkipUnless(Directory.Exists(folder), "the cases are not beside the assets");
        foreach (string name in (string[])[
            "act_elu", "act_erf", "act_selu", "act_softplus", "selu", "constant_of_shape_weights", "dynamic_hw", "dynamic_quant", "external_data"])
        {
            string path = Path.Combine(folder, $"{name}.onnx");
            Model model = Model.Load(path, new ModelLoadOptions { ImageSize = 32 });
            Shape input = model.Graph.Inputs[0].Shape;
            float[] image = OnnxSweep.Noise(input.ElementCount, 5, -1, 1);
            using Ort source = new(path);
            float[] expected = source.Run(input[1], OnnxSweep.ToNchw(image, input));
            // Dynamic quantization rounds activations to 8 bits, which is left out here.
            OnnxSweep.AssertClose(expected, OnnxSweep.RunOurs(model.Graph, image)[0], name == "dynamic_quant" ? 0.03 : 2e-5, name);
        }
    }

    /// <summary>ONNX Runtime wants each name once.</summary>
    private static void NameNodes(GraphProto graph, string prefix)
    {
        for (int i = 0; i < graph.Node.Count; i++)
        {
            graph.Node[i].Name = $"{prefix}{i}";
            foreach (AttributeProto attribute in graph.Node[i].Attribute)
            {
                if (attribute.G is not null) NameNodes(attribute.G, $"{prefix}{i}_{attribute.Name}");
            }
        }
    }

    private static OnnxFile One(int opset, string op, (string, object)[]? attributes = null, params (string Name, long[] Dims, float[] Values)[] constants)
    {
        OnnxFile file = new OnnxFile(opset).Input("x", Image);
        foreach ((string name, long[] dims, float[] values) in constants) file.Floats(name, dims, values);
        if (op.StartsWith("com.microsoft.", StringComparison.Ordinal))
        {
            file.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        }

        return file.Node(op, ["x", .. constants.Select(static c => c.Name)], ["y"], attributes ?? []).Output("y");
    }

    private static float[] Noise(int count, uint seed = 3, float low = 0.2f, float high = 1.5f) => OnnxSweep.Noise(count, seed, low, high);

    private static OnnxFile Sized(int opset, string op, (string, object)[] attributes, params long[][] operands)
    {
        OnnxFile file = new OnnxFile(opset).Input("x", Image);
        for (int i = 0; i < operands.Length; i++) file.Longs($"c{i}", operands[i]);
        return file.Node(op, ["x", .. operands.Select(static (_, i) => $"c{i}")], ["y"], attributes).Output("y");
    }

    private static Dictionary<string, Func<OnnxFile>> Build()
    {
        Dictionary<string, Func<OnnxFile>> files = [];
        foreach (string op in (string[])["Elu", "Selu", "Celu", "Softplus", "Softsign", "Erf"]) files[op] = () => One(13, op);
        files["Elu with alpha"] = () => One(13, "Elu", [("alpha", 0.3f)]);
        files["Selu with parameters"] = () => One(13, "Selu", [("alpha", 1.5f), ("gamma", 0.8f)]);
        files["Celu with alpha"] = () => One(13, "Celu", [("alpha", 2f)]);
        files["Mish"] = () => One(18, "Mish");
        files["Gelu"] = () => One(20, "Gelu");
        files["Gelu by tanh"] = () => One(20, "Gelu", [("approximate", "tanh")]);
        foreach (string op in (string[])["Gelu", "QuickGelu", "FastGelu"]) files[$"com.microsoft.{op}"] = () => One(14, $"com.microsoft.{op}");
        files["com.microsoft.BiasGelu"] = () => One(14, "com.microsoft.BiasGelu", null, ("b", [8], Noise(8)));
        files["InstanceNormalization"] = () => One(13, "InstanceNormalization", [("epsilon", 1e-3f)], ("s", [4], Noise(4)), ("b", [4], Noise(4, 4)));
        files["LayerNormalization"] = () => One(17, "LayerNormalization", [("axis", -1)], ("s", [8], Noise(8)), ("b", [8], Noise(8, 4)));
        files["LayerNormalization over three axes"] = () => One(
            17, "LayerNormalization", [("axis", 1)], ("s", [4, 6, 8], Noise(192)), ("b", [4, 6, 8], Noise(192, 4)));
        files["GroupNormalization by channel"] = () => One(21, "GroupNormalization", [("num_groups", 2)], ("s", [4], Noise(4)), ("b", [4], Noise(4, 4)));
        files["LpNormalization"] = () => One(13, "LpNormalization", [("axis", 1)]);
        files["LpNormalization of absolute values"] = () => One(13, "LpNormalization", [("axis", 3), ("p", 1)]);
        files["GlobalLpPool"] = () => One(13, "GlobalLpPool");
        foreach (string op in (string[])["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceMin"])
        {
            files[op] = () => One(13, op, [("axes", new[] { 2, 3 }), ("keepdims", 0)]);
            files[$"{op} with an operand"] = () => Sized(op == "ReduceMin" ? 18 : 18, op, [], [1]);
        }

        AddMoves(files);
        AddProducts(files);
        AddGraphs(files);
        return files;
    }

    private static void AddMoves(Dictionary<string, Func<OnnxFile>> files)
    {
        foreach (string mode in (string[])["DCR", "CRD"]) files[$"DepthToSpace {mode}"] = () => One(13, "DepthToSpace", [("blocksize", 2), ("mode", mode)]);
        files["SpaceToDepth"] = () => One(13, "SpaceToDepth", [("blocksize", 2)]);
        files["Upsample"] = () => One(9, "Upsample", [("mode", "nearest")], ("s", [4], [1, 1, 2, 3]));
        files["Upsample with an attribute"] = () => One(7, "Upsample", [("mode", "nearest"), ("scales", new[] { 1f, 1, 2, 2 })]);
        foreach (string coordinates in (string[])["half_pixel", "asymmetric"])
        {
            foreach (string nearest in (string[])["round_prefer_floor", "floor"])
            {
                if ((coordinates == "half_pixel") == (nearest == "floor")) continue;
                files[$"Resize {coordinates}, {nearest}"] = () => new OnnxFile(13).Input("x", Image).Floats("s", [4], 1, 1, 2, 4)
                    .Node("Resize", ["x", "", "s"], ["y"], ("mode", "nearest"), ("coordinate_transformation_mode", coordinates), ("nearest_mode", nearest))
                    .Output("y");
            }
        }

        foreach (string coordinates in (string[])["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"])
        {
            files[$"Resize linear, {coordinates}"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 9, 5)
                .Node("Resize", ["x", "", "", "s"], ["y"], ("mode", "linear"), ("coordinate_transformation_mode", coordinates)).Output("y");
            files[$"Resize cubic, {coordinates}"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 9, 5)
                .Node("Resize", ["x", "", "", "s"], ["y"], ("mode", "cubic"), ("coordinate_transformation_mode", coordinates)).Output("y");
            files[$"Resize to the nearest, {coordinates}"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 9, 5)
                .Node("Resize", ["x", "", "", "s"], ["y"], ("mode", "nearest"), ("coordinate_transformation_mode", coordinates), ("nearest_mode", "floor"))
                .Output("y");
        }

        files["Resize cubic within the image"] = () => new OnnxFile(13).Input("x", Image).Floats("s", [4], 1, 1, 2, 0.5f)
            .Node("Resize", ["x", "", "s"], ["y"], ("mode", "cubic"), ("cubic_coeff_a", -0.5f), ("exclude_outside", 1)).Output("y");
        files["Resize to sizes"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 12, 16)
            .Node("Resize", ["x", "", "", "s"], ["y"], ("mode", "nearest")).Output("y");
        foreach (string mode in (string[])["reflect", "edge"]) files[$"Pad {mode}"] = () => Sized(13, "Pad", [("mode", mode)], [0, 0, 2, 1, 0, 0, 1, 3]);
        files["Pad that cuts"] = () => Sized(13, "Pad", [], [0, 0, -1, 1, 0, 0, 2, -3]);
        files["Slice backward"] = () => Sized(13, "Slice", [], [3, -1], [-5, 2], [1, 3], [-1, -2]);
        files["Gather of several"] = () => Sized(13, "Gather", [("axis", 1)], [2, 1, 0, 3]);
        files["Tile"] = () => Sized(13, "Tile", [], [1, 2, 1, 3]);
        files["Expand"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 6, 8).Node("GlobalAveragePool", ["x"], ["p"])
            .Node("Expand", ["p", "s"], ["e"]).Node("Mul", ["x", "e"], ["y"]).Output("y");
        files["MatMul from the left"] = () => One2("MatMul", ["w", "x"], ("w", [5, 6], Noise(30)));
        files["PRelu by channel"] = () => One(13, "PRelu", null, ("s", [4, 1, 1], Noise(4)));
    }

    private static string[] Equations =>
    [
        "nchw,dc->ndhw", "nchw,cd->nhwd", "nchw,cd->nd", "nchw,chk->nkw", "nchw,hwc->n", "nchw,gw->nchg", "nchw,nchw->nch", "nchw,nchv->nwv", "nchw,dchw->nd",
        "nchw,w->nch", "nchw,c->nchw", "...w,vw->...v", "nchw,dc", "nchw,nc->nhw",
    ];

    /// <summary>Forms of attention and its kin: products of activations, Einsum, masks, transposed convolutions, pools along channels.</summary>
    private static void AddProducts(Dictionary<string, Func<OnnxFile>> files)
    {
        files["MatMul of an activation and its transpose"] = () => new OnnxFile(13).Input("x", Image)
            .Node("Transpose", ["x"], ["t"], ("perm", new[] { 0, 1, 3, 2 })).Node("MatMul", ["x", "t"], ["y"]).Output("y");
        files["MatMul of weights for each channel"] = () => One(13, "MatMul", null, ("w", [4, 8, 5], Noise(160, 5, -1, 1)));
        files["MatMul of weights from the left for each channel"] = () => One2("MatMul", ["w", "x"], ("w", [4, 5, 6], Noise(120, 5, -1, 1)));
        files["MatMul that stretches"] = () => new OnnxFile(13).Input("x", Image).Floats("w", [3, 1, 2, 6], Noise(36, 5, -1, 1))
            .Node("ReduceMean", ["x"], ["m"], ("axes", new[] { 1 })).Node("Concat", ["m", "m", "m"], ["r"], ("axis", 1))
            .Node("Reshape", ["r", "s"], ["z"]).Longs("s", 1, 1, 3, 6, 8).Node("MatMul", ["w", "z"], ["y"]).Output("y");
        files["Gemm of two activations"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 24, 8).Floats("c", [], 0.5f).Node("Reshape", ["x", "s"], ["r"])
            .Node("Gemm", ["r", "r", "c"], ["g"], ("transA", 1), ("alpha", 0.3f), ("beta", 2f)).Node("Reshape", ["g", "t"], ["y"]).Longs("t", 1, 64)
            .Output("y");
        files["FusedMatMul of two activations"] = () =>
        {
            OnnxFile file = new OnnxFile(13).Input("x", Image).Node("com.microsoft.FusedMatMul", ["x", "x"], ["y"], ("transA", 1), ("alpha", 0.25f))
                .Output("y");
            file.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
            return file;
        };
        foreach (string equation in Equations) files[$"Einsum {equation}"] = () => Einsum(equation);
        files["Einsum of one operand"] = () => One(13, "Einsum", [("equation", "nchw->nwc")]);
        files["Sign"] = () => One(13, "Sign");
        files["Trilu and Where with minus infinity"] = () => new OnnxFile(14).Input("x", 1, 4, 6, 6).Floats("ones", [6, 6], Noise(36, 1, 1, 1))
            .Floats("inf", [], float.NegativeInfinity).Node("Trilu", ["ones"], ["t"], ("upper", 0))
            .Node("Cast", ["t"], ["b"], ("to", (int)DataType.Bool)).Node("Where", ["b", "x", "inf"], ["m"]).Node("Softmax", ["m"], ["y"], ("axis", -1))
            .Output("y");
        files["ScatterND"] = () => new OnnxFile(13).Input("x", Image).Floats("z", [6, 8], new float[48])
            .Raw("at", DataType.Int64, [3, 2], Bytes([0, 1, 5, -1, 2, 3])).Floats("u", [3], 1, -2, 0.5f)
            .Node("ScatterND", ["z", "at", "u"], ["m"]).Node("Add", ["x", "m"], ["y"]).Output("y");
        files["AveragePool along channels"] = () => new OnnxFile(13).Input("x", Image).Longs("one", 1).Node("Unsqueeze", ["x", "one"], ["u"])
            .Node("AveragePool", ["u"], ["p"], ("kernel_shape", new[] { 3, 1, 1 }), ("strides", new[] { 1, 1, 1 }), ("pads", new[] { 1, 0, 0, 1, 0, 0 }))
            .Node("Squeeze", ["p", "one"], ["y"]).Output("y");
        files["MaxPool over one axis"] = () => new OnnxFile(13).Input("x", Image).Longs("s", 1, 4, 48).Node("Reshape", ["x", "s"], ["l"])
            .Node("MaxPool", ["l"], ["y"], ("kernel_shape", new[] { 3 }), ("strides", new[] { 2 }), ("pads", new[] { 1, 1 }), ("ceil_mode", 1)).Output("y");
        (string Name, (string, object)[] Attributes, int Kernel, int Outputs)[] transposed =
        [
            ("doubled", [("strides", new[] { 2, 2 })], 2, 5),
            ("with output_padding", [("strides", new[] { 2, 2 }), ("pads", new[] { 1, 1, 1, 1 }), ("output_padding", new[] { 1, 0 })], 3, 5),
            ("in groups, dilated", [("group", 2), ("dilations", new[] { 2, 1 })], 3, 3),
            ("of one channel a group", [("group", 4), ("strides", new[] { 2, 1 })], 4, 1),
            ("to the same upper", [("auto_pad", "SAME_UPPER"), ("strides", new[] { 2, 2 })], 3, 5),
            ("to the same lower", [("auto_pad", "SAME_LOWER"), ("strides", new[] { 2, 2 })], 3, 5),
            ("to a shape", [("output_shape", new[] { 12, 17 }), ("strides", new[] { 2, 2 })], 4, 5),
        ];
        foreach ((string name, (string, object)[] attributes, int kernel, int outputs) in transposed)
        {
            int groups = Array.Find(attributes, static a => a.Item1 == "group").Item2 is int given ? given : 1;
            files[$"ConvTranspose {name}"] = () => One(
                11, "ConvTranspose", attributes, ("w", [4, outputs, kernel, kernel], Noise(4 * outputs * kernel * kernel, 5, -1, 1)),
                ("b", [outputs * groups], Noise(outputs * groups)));
        }
    }

    private static OnnxFile Einsum(string equation)
    {
        string[] terms = equation.Split("->")[0].Split(',');
        if (terms[1].StartsWith('n'))
        {
            return new OnnxFile(13).Input("x", Image).Node("Relu", ["x"], ["r"])
                .Node(terms[1].Length == 2 ? "ReduceMax" : "Identity", ["r"], ["z"], terms[1].Length == 2 ? [("axes", new[] { 2, 3 }), ("keepdims", 0)] : [])
                .Node("Einsum", ["x", "z"], ["y"], ("equation", equation)).Output("y");
        }

        long[] dims = [.. terms[1].Select(static c => c switch { 'c' => 4L, 'h' => 6, 'w' => 8, _ => 3 })];
        return One(13, "Einsum", [("equation", equation)], ("w", dims, Noise((int)dims.Aggregate(1L, static (a, b) => a * b), 5, -1, 1)));
    }

    private static byte[] Bytes(long[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static OnnxFile One2(string op, string[] inputs, params (string Name, long[] Dims, float[] Values)[] constants)
    {
        OnnxFile file = new OnnxFile().Input("x", Image);
        foreach ((string name, long[] dims, float[] values) in constants) file.Floats(name, dims, values);
        return file.Node(op, inputs, ["y"]).Output("y");
    }

    private static void AddGraphs(Dictionary<string, Func<OnnxFile>> files)
    {
        files["FusedConv"] = () => One(
            13, "com.microsoft.FusedConv", [("activation", "LeakyRelu"), ("activation_params", new[] { 0.2f }), ("pads", new[] { 1, 1, 1, 1 })],
            ("w", [4, 4, 3, 3], Noise(144, 5, -1, 1)), ("b", [4], Noise(4)));
        files["FusedMatMul"] = () => One(13, "com.microsoft.FusedMatMul", [("alpha", 0.5f), ("transB", 1)], ("w", [5, 8], Noise(40, 5, -1, 1)));
        files["Flattened by arithmetic on sizes"] = () => new OnnxFile(13).Input("x", 0, 4, 6, 8).Longs("zero", 0).Longs("one", 1).Longs("minus", -1)
            .Longs("end", 4)
            .Node("Shape", ["x"], ["s"]).Node("Gather", ["s", "zero"], ["n"], ("axis", 0)).Node("Slice", ["s", "one", "end"], ["tail"])
            .Node("ReduceProd", ["tail"], ["product"], ("keepdims", 1))
            .Node("Equal", ["product", "minus"], ["odd"]).Node("Where", ["odd", "one", "product"], ["columns"])
            .Node("Concat", ["n", "columns"], ["target"], ("axis", 0))
            .Node("Reshape", ["x", "target"], ["y"]).Output("y");
        files["Stretched by Where and Equal"] = () => new OnnxFile(13).Input("x", Image).Longs("size", 1, -1, 6, 8).Longs("minus", -1).Longs("rank", 4)
            .Node("ConstantOfShape", ["rank"], ["ones"], ("value", OneLong())).Node("Equal", ["size", "minus"], ["open"])
            .Node("Where", ["open", "ones", "size"], ["target"])
            .Node("GlobalMaxPool", ["x"], ["p"]).Node("Expand", ["p", "target"], ["e"]).Node("Sub", ["x", "e"], ["y"]).Output("y");
        files["If"] = () => new OnnxFile(13).Input("x", Image).Longs("size", 4).Longs("four", 4).Node("Equal", ["size", "four"], ["c"])
            .Node("If", ["c"], ["y"], ("then_branch", Body("t", "Sigmoid", "x")), ("else_branch", Body("e", "Neg", "x"))).Output("y");
        files["Loop"] = Loop;
        files["Sequence"] = () => new OnnxFile(13).Input("x", Image).Longs("zero", 0).Longs("two", 2).Raw("at", DataType.Int64, [], BitConverter.GetBytes(1L))
            .Raw("piece", DataType.Int64, [], BitConverter.GetBytes(2L)).Node("SplitToSequence", ["x", "piece"], ["q"], ("axis", 1))
            .Node("SequenceAt", ["q", "at"], ["a"])
            .Node("SequenceConstruct", ["a", "a"], ["r"]).Node("ConcatFromSequence", ["r"], ["y"], ("axis", 1)).Output("y");
        files["Function"] = Function;
        files["tf2onnx"] = () => new OnnxFile(13).Input("x", 0, 6, 8, 3).Floats("w", [5, 3, 1, 1], Noise(15, 5, -1, 1)).Floats("m", [5, 2], Noise(10, 5, -1, 1))
            .Longs("axes", 2, 3)
            .Node("Transpose", ["x"], ["t"], ("perm", new[] { 0, 3, 1, 2 })).Node("Conv", ["t", "w"], ["c"]).Node("Relu", ["c"], ["r"])
            .Node("ReduceMean", ["r"], ["p"], ("axes", new[] { 2, 3 }), ("keepdims", 1))
            .Node("Squeeze", ["p", "axes"], ["q"]).Node("MatMul", ["q", "m"], ["s"]).Node("Softmax", ["s"], ["i"], ("axis", -1)).Node("Identity", ["i"], ["y"])
            .Output("y");
    }

    private static TensorProto OneLong()
    {
        TensorProto tensor = new() { DataType = (int)DataType.Int64 };
        tensor.Dims.Add(1);
        tensor.Int64Data.Add(1);
        return tensor;
    }

    private static GraphProto Body(string name, string op, string input)
    {
        GraphProto graph = new() { Name = name };
        NodeProto node = new() { OpType = op, Name = $"{name}_{op}" };
        node.Input.Add(input);
        node.Output.Add($"{name}_out");
        graph.Node.Add(node);
        graph.Output.Add(new ValueInfoProto
        {
            Name = $"{name}_out",
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float } },
        });
        return graph;
    }

    /// <summary>Three steps of y = relu(y + 0.1), whose results are collected too.</summary>
    private static OnnxFile Loop()
    {
        OnnxFile body = new OnnxFile().Floats("tenth", [], 0.1f).Node("Identity", ["c_in"], ["c_out"]).Node("Add", ["v_in", "tenth"], ["raised"])
            .Node("Relu", ["raised"], ["v_out"]).Node("Identity", ["v_out"], ["scan"]);
        body.InputOf(DataType.Int64, "trip").InputOf(DataType.Bool, "c_in").Input("v_in", Image);
        GraphProto graph = body.Proto.Graph;
        graph.Output.Add(new ValueInfoProto
        {
            Name = "c_out",
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Bool } },
        });
        foreach (string name in (string[])["v_out", "scan"])
            graph.Output.Add(new ValueInfoProto
            {
                Name = name,
                Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float } },
            });
        return new OnnxFile(13).Input("x", Image).Raw("n", DataType.Int64, [], BitConverter.GetBytes(3L)).Raw("go", DataType.Bool, [], [1])
            .Node("Loop", ["n", "go", "x"], ["last", "all"], ("body", graph)).Node("ReduceSum", ["all", "zero"], ["sum"], ("keepdims", 0)).Longs("zero", 0)
            .Node("Add", ["last", "sum"], ["y"]).Output("y");
    }

    /// <summary>A function that calls another, with an attribute handed on.</summary>
    private static OnnxFile Function()
    {
        FunctionProto inner = new() { Name = "Leaky", Domain = "local" }, outer = new() { Name = "Twice", Domain = "local" };
        foreach (FunctionProto function in (FunctionProto[])[inner, outer])
        {
            function.Input.Add("a");
            function.Output.Add("b");
            function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 13 });
            function.OpsetImport.Add(new OperatorSetIdProto { Domain = "local", Version = 1 });
        }

        inner.Attribute.Add("slope");
        NodeProto leaky = new() { OpType = "LeakyRelu" };
        leaky.Input.Add("a");
        leaky.Output.Add("b");
        leaky.Attribute.Add(new AttributeProto { Name = "alpha", RefAttrName = "slope", Type = AttributeProto.Types.AttributeType.Float });
        inner.Node.Add(leaky);
        foreach ((string from, string to, float slope) in ((string, string, float)[])[("a", "m", 0.2f), ("m", "b", 0.5f)])
        {
            NodeProto call = new() { OpType = "Leaky", Domain = "local" };
            call.Input.Add(from);
            call.Output.Add(to);
            call.Attribute.Add(new AttributeProto { Name = "slope", F = slope, Type = AttributeProto.Types.AttributeType.Float });
            outer.Node.Add(call);
        }

        OnnxFile file = new OnnxFile(13).Input("x", Image).Node("local.Twice", ["x"], ["t"]).Node("local.Twice", ["t"], ["y"]).Output("y");
        file.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "local", Version = 1 });
        file.Proto.Functions.Add([inner, outer]);
        return file;
    }
}
