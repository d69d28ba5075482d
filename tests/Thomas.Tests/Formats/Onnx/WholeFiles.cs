using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Formats.Onnx.Proto;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Whole small classifiers of 12x12 images and four classes, with the nodes, names and leftovers of the programs that export such files.</summary>
internal static class WholeFiles
{
    public const int Side = 12, Classes = 4;

    private const int Patch = 4, Width = 8, Heads = 2, Tokens = 10;

    public static IReadOnlyDictionary<string, Func<OnnxFile>> All { get; } = new Dictionary<string, Func<OnnxFile>>(StringComparer.Ordinal)
    {
        ["PyTorch, vision transformer"] = static () => VisionTransformer(14),
        ["PyTorch, vision transformer by opset 17"] = static () => VisionTransformer(17),
        ["PyTorch, windows of attention"] = WindowAttention,
        ["PyTorch, MultiheadAttention"] = MultiheadAttention,
        ["PyTorch, local response normalization"] = LocalResponse,
        ["PyTorch, transposed convolution"] = Enlarging,
        ["tf2onnx"] = TensorFlow,
        ["tf2onnx, Einsum"] = TensorFlowAttention,
        ["MXNet"] = Mxnet,
        ["Caffe2"] = Caffe2,
        ["CNTK"] = Cntk,
        ["Custom Vision"] = CustomVision,
    };

    /// <summary>Even noise around zero.</summary>
    private static float[] Noise(int count, int seed, float size = 0.4f)
    {
        float[] values = new float[count];
        uint state = ((uint)seed * 2654435761u) + 12345u;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525u) + 1013904223u;
            values[i] = size * (((state >> 8) / 8388608f) - 1);
        }

        return values;
    }

    private static float[] Positive(int count, int seed) => Array.ConvertAll(Noise(count, seed), static v => 1 + v);

    private static OnnxFile Weights(this OnnxFile file, string name, int seed, params long[] dims)
    {
        long count = 1;
        foreach (long dim in dims) count *= dim;
        return file.Floats(name, dims, Noise((int)count, seed));
    }

    private static OnnxFile Scalar(this OnnxFile file, string name, float value) => file.Floats(name, [], value);

    private static OnnxFile Index(this OnnxFile file, string name, long value) => file.Raw(name, DataType.Int64, [], BitConverter.GetBytes(value));

    private static OnnxFile Constant(this OnnxFile file, string name, params long[] values)
    {
        TensorProto tensor = new() { DataType = (int)DataType.Int64, RawData = Google.Protobuf.ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())) };
        tensor.Dims.Add(values.Length);
        return file.Node("Constant", [], [name], ("value", tensor));
    }

    /// <summary>A layer as torch.nn.Linear is exported on three axes: a product and the bias as a sum before it.</summary>
    private static OnnxFile Linear(this OnnxFile file, string x, string y, int seed, int inputs, int outputs) =>
        file.Weights($"{y}.weight", seed, inputs, outputs).Weights($"{y}.bias", seed + 1, outputs).Node("MatMul", [x, $"{y}.weight"], [$"{y}_MatMul"])
            .Node("Add", [$"{y}.bias", $"{y}_MatMul"], [y]);

    /// <summary>torch.nn.LayerNorm: spelled out before operator set 17.</summary>
    private static OnnxFile LayerNorm(this OnnxFile file, string x, string y, int seed, bool spelled)
    {
        file.Floats($"{y}.weight", [Width], Positive(Width, seed)).Weights($"{y}.bias", seed + 1, Width);
        if (!spelled) return file.Node("LayerNormalization", [x, $"{y}.weight", $"{y}.bias"], [y], ("axis", -1), ("epsilon", 1e-6f));
        return file.Scalar($"{y}.two", 2).Scalar($"{y}.eps", 1e-6f)
            .Node("ReduceMean", [x], [$"{y}/m"], ("axes", new[] { -1 })).Node("Sub", [x, $"{y}/m"], [$"{y}/d"]).Node("Pow", [$"{y}/d", $"{y}.two"], [$"{y}/s"])
            .Node("ReduceMean", [$"{y}/s"], [$"{y}/v"], ("axes", new[] { -1 }))
            .Node("Add", [$"{y}/v", $"{y}.eps"], [$"{y}/e"]).Node("Sqrt", [$"{y}/e"], [$"{y}/r"]).Node("Div", [$"{y}/d", $"{y}/r"], [$"{y}/n"])
            .Node("Mul", [$"{y}/n", $"{y}.weight"], [$"{y}/w"]).Node("Add", [$"{y}/w", $"{y}.bias"], [y]);
    }

    private static OnnxFile Gelu(this OnnxFile file, string x, string y) =>
        file.Scalar($"{y}.root", 1.41421354f).Scalar($"{y}.one", 1).Scalar($"{y}.half", 0.5f).Node("Div", [x, $"{y}.root"], [$"{y}/d"])
            .Node("Erf", [$"{y}/d"], [$"{y}/e"])
            .Node("Add", [$"{y}/e", $"{y}.one"], [$"{y}/a"]).Node("Mul", [x, $"{y}/a"], [$"{y}/m"]).Node("Mul", [$"{y}/m", $"{y}.half"], [y]);

    /// <summary>The size of an axis as a list of one, as traced by PyTorch.</summary>
    private static OnnxFile SizeOf(this OnnxFile file, string x, int axis, string y) =>
        file.Index($"{y}.axis", axis).Constant($"{y}.zero", 0).Node("Shape", [x], [$"{y}/s"]).Node("Gather", [$"{y}/s", $"{y}.axis"], [$"{y}/g"], ("axis", 0))
            .Node("Unsqueeze", [$"{y}/g", $"{y}.zero"], [y]);

    /// <summary>
    /// Patches, a class token, attention with queries, keys and values in one product, a perceptron, the scores of the class token; the batch is open.
    /// </summary>
    private static OnnxFile VisionTransformer(int opset)
    {
        OnnxFile file = new OnnxFile(opset).Input("input", 0, 3, Side, Side).Weights("patch.weight", 1, Width, 3, Patch, Patch).Weights("patch.bias", 2, Width)
            .Weights("cls_token", 3, 1, 1, Width).Weights("pos_embed", 4, 1, Tokens, Width);
        file.Node("Conv", ["input", "patch.weight", "patch.bias"], ["/patch"], ("kernel_shape", new[] { Patch, Patch }), ("strides", new[] { Patch, Patch }))
            .SizeOf("/patch", 0, "n").SizeOf("/patch", 1, "c").Constant("rest", -1).Node("Concat", ["n", "c", "rest"], ["flat"], ("axis", 0))
            .Node("Reshape", ["/patch", "flat"], ["/flat"]).Node("Transpose", ["/flat"], ["/tokens"], ("perm", new[] { 0, 2, 1 }));
        Expanded(file);
        file.Node("Concat", ["/cls", "/tokens"], ["/joined"], ("axis", 1)).Node("Add", ["/joined", "pos_embed"], ["/x"])
            .LayerNorm("/x", "/norm1", 10, opset < 17).Linear("/norm1", "/qkv", 12, Width, 3 * Width);
        file.SizeOf("/qkv", 0, "b").Constant("t", Tokens).Constant("three", 3).Constant("h", Heads).Constant("d", Width / Heads)
            .Node("Concat", ["b", "t", "three", "h", "d"], ["split"], ("axis", 0))
            .Node("Reshape", ["/qkv", "split"], ["/apart"]).Node("Transpose", ["/apart"], ["/heads"], ("perm", new[] { 2, 0, 3, 1, 4 })).Index("i0", 0)
            .Index("i1", 1).Index("i2", 2)
            .Node("Gather", ["/heads", "i0"], ["/q"], ("axis", 0)).Node("Gather", ["/heads", "i1"], ["/k"], ("axis", 0))
            .Node("Gather", ["/heads", "i2"], ["/v"], ("axis", 0))
            .Node("Transpose", ["/k"], ["/kt"], ("perm", new[] { 0, 1, 3, 2 })).Scalar("scale", 0.5f).Node("Mul", ["/q", "scale"], ["/qs"])
            .Node("MatMul", ["/qs", "/kt"], ["/scores"]).Node("Softmax", ["/scores"], ["/weights"], ("axis", -1))
            .Node("MatMul", ["/weights", "/v"], ["/o"]).Node("Transpose", ["/o"], ["/ot"], ("perm", new[] { 0, 2, 1, 3 })).Constant("w", Width)
            .Node("Concat", ["b", "t", "w"], ["merge"], ("axis", 0)).Node("Reshape", ["/ot", "merge"], ["/merged"])
            .Linear("/merged", "/proj", 14, Width, Width).Node("Add", ["/x", "/proj"], ["/y"]);
        return file.LayerNorm("/y", "/norm2", 16, opset < 17).Linear("/norm2", "/fc1", 18, Width, 2 * Width).Gelu("/fc1", "/gelu")
            .Linear("/gelu", "/fc2", 20, 2 * Width, Width).Node("Add", ["/y", "/fc2"], ["/z"]).LayerNorm("/z", "/norm", 22, opset < 17)
            .Node("Gather", ["/norm", "i0"], ["/token"], ("axis", 1)).Weights("head.weight", 24, Classes, Width).Weights("head.bias", 25, Classes)
            .Node("Gemm", ["/token", "head.weight", "head.bias"], ["output"], ("transB", 1)).Output("output");
    }

    /// <summary>cls_token.expand(n, -1, -1), with the comparison that PyTorch writes for the sizes that stay.</summary>
    private static void Expanded(OnnxFile file)
    {
        TensorProto one = new() { DataType = (int)DataType.Int64 };
        one.Dims.Add(1);
        one.Int64Data.Add(1);
        file.Constant("minus", -1, -1).Constant("kept", -1, -1, -1).Constant("rank", 3).Node("Concat", ["n", "minus"], ["sizes"], ("axis", 0))
            .Node("ConstantOfShape", ["rank"], ["ones"], ("value", one))
            .Node("Equal", ["sizes", "kept"], ["open"]).Node("Where", ["open", "ones", "sizes"], ["target"]).Node("Expand", ["cls_token", "target"], ["/cls"]);
    }

    /// <summary>Swin's way: an image in windows, a constant mask with minus infinity, windows put together again, positions joined by slices.</summary>
    private static OnnxFile WindowAttention()
    {
        float[] mask = new float[9 * 16 * 16];
        for (int i = 0; i < mask.Length; i++) mask[i] = i / 16 % 16 / 8 == i % 16 / 8 || i < 256 ? 0 : float.NegativeInfinity;
        return new OnnxFile(14).Input("input", 1, 3, Side, Side).Weights("stem.weight", 1, Width, 3, 1, 1).Node("Conv", ["input", "stem.weight"], ["/c"])
            .Node("Transpose", ["/c"], ["/last"], ("perm", new[] { 0, 2, 3, 1 }))
            .Longs("cut", 1, 3, 4, 3, 4, Width).Node("Reshape", ["/last", "cut"], ["/cut"])
            .Node("Transpose", ["/cut"], ["/windows"], ("perm", new[] { 0, 1, 3, 2, 4, 5 })).Longs("rows", 9, 16, Width)
            .Node("Reshape", ["/windows", "rows"], ["/w"])
            .Linear("/w", "/qkv", 3, Width, 3 * Width).Longs("third", Width, Width, Width).Node("Split", ["/qkv", "third"], ["/q", "/k", "/v"], ("axis", 2))
            .Node("Transpose", ["/k"], ["/kt"], ("perm", new[] { 0, 2, 1 }))
            .Node("MatMul", ["/q", "/kt"], ["/s"]).Floats("mask", [9, 16, 16], mask).Node("Add", ["/s", "mask"], ["/masked"])
            .Node("Softmax", ["/masked"], ["/p"], ("axis", 2)).Node("MatMul", ["/p", "/v"], ["/o"])
            .Longs("uncut", 1, 3, 3, 4, 4, Width).Node("Reshape", ["/o", "uncut"], ["/u"])
            .Node("Transpose", ["/u"], ["/ut"], ("perm", new[] { 0, 1, 3, 2, 4, 5 })).Longs("image", 1, Side, Side, Width)
            .Node("Reshape", ["/ut", "image"], ["/image"])
            .Longs("zero", 0).Longs("one", 1).Longs("end", int.MaxValue).Longs("two", 2).Longs("axis", 1)
            .Node("Slice", ["/image", "zero", "end", "axis", "two"], ["/even"]).Node("Slice", ["/image", "one", "end", "axis", "two"], ["/odd"])
            .Node("Concat", ["/even", "/odd"], ["/merged"], ("axis", -1)).Node("ReduceMean", ["/merged"], ["/mean"], ("axes", new[] { 1, 2 }), ("keepdims", 0))
            .Weights("head.weight", 8, Classes, 2 * Width).Weights("head.bias", 9, Classes)
            .Node("Gemm", ["/mean", "head.weight", "head.bias"], ["output"], ("transB", 1)).Output("output");
    }

    /// <summary>torch.nn.MultiheadAttention, which puts the positions first and folds the heads into the axis of the images.</summary>
    private static OnnxFile MultiheadAttention() =>
        new OnnxFile(13).Input("input", 0, 3, Side, Side).Weights("c.weight", 1, Width, 3, Patch, Patch).Weights("c.bias", 2, Width)
        .Node("Conv", ["input", "c.weight", "c.bias"], ["/c"], ("strides", new[] { Patch, Patch })).Longs("flat", 0, 0, -1)
        .Node("Reshape", ["/c", "flat"], ["/f"]).Node("Transpose", ["/f"], ["/t"], ("perm", new[] { 2, 0, 1 }))
        .Linear("/t", "/qkv", 3, Width, 3 * Width).Node("Split", ["/qkv"], ["/q", "/k", "/v"], ("axis", 2)).Longs("heads", 9, -1, Width / Heads)
        .Node("Reshape", ["/q", "heads"], ["/qh"]).Node("Reshape", ["/k", "heads"], ["/kh"]).Node("Reshape", ["/v", "heads"], ["/vh"])
        .Node("Transpose", ["/qh"], ["/qt"], ("perm", new[] { 1, 0, 2 }))
        .Node("Transpose", ["/kh"], ["/kt"], ("perm", new[] { 1, 2, 0 })).Node("Transpose", ["/vh"], ["/vt"], ("perm", new[] { 1, 0, 2 })).Scalar("root", 2)
        .Node("Div", ["/qt", "root"], ["/qs"])
        .Node("MatMul", ["/qs", "/kt"], ["/s"]).Node("Softmax", ["/s"], ["/p"], ("axis", -1)).Node("MatMul", ["/p", "/vt"], ["/o"])
        .Node("Transpose", ["/o"], ["/ot"], ("perm", new[] { 1, 0, 2 })).Longs("joined", 9, -1, Width).Node("Reshape", ["/ot", "joined"], ["/j"])
        .Linear("/j", "/proj", 5, Width, Width).Node("ReduceMean", ["/proj"], ["/mean"], ("axes", new[] { 0 }), ("keepdims", 0))
        .Weights("head.weight", 8, Classes, Width).Weights("head.bias", 9, Classes)
        .Node("Gemm", ["/mean", "head.weight", "head.bias"], ["output"], ("transB", 1)).Output("output");

    /// <summary>torch.nn.LocalResponseNorm as AlexNet and GoogLeNet have it: squares, two pads, a pool over three axes, a branch that drops an axis.</summary>
    private static OnnxFile LocalResponse()
    {
        OnnxFile then = new OnnxFile(13).Constant("squeezed", 1).Node("Squeeze", ["/pool", "squeezed"], ["then"]).Output("then"), other = new OnnxFile(13)
            .Node("Identity", ["/pool"], ["other"]).Output("other");
        foreach (OnnxFile branch in (OnnxFile[])[then, other]) branch.Proto.Graph.Output[0].Type.TensorType.Shape = null;
        return new OnnxFile(13).Input("input", 0, 3, Side, Side).Weights("c.weight", 1, Width, 3, 3, 3).Weights("c.bias", 2, Width)
            .Node("Conv", ["input", "c.weight", "c.bias"], ["/c"], ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { 2, 2 })).Node("Relu", ["/c"], ["/r"])
            .Node("Mul", ["/r", "/r"], ["/square"]).Constant("one", 1).Node("Unsqueeze", ["/square", "one"], ["/u"]).SizeOf("/r", 0, "n")
            .Constant("sizes", 1, Width, 6, -1).Node("Concat", ["n", "sizes"], ["five"], ("axis", 0)).Node("Reshape", ["/u", "five"], ["/five"])
            .Constant("pads", 0, 0, 2, 0, 0, 0, 0, 2, 0, 0).Node("Pad", ["/five", "pads", ""], ["/pad"], ("mode", "constant"))
            .Constant("none", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).Node("Pad", ["/pad", "none"], ["/pad2"])
            .Node(
                "AveragePool", ["/pad2"], ["/pool"], ("kernel_shape", new[] { 5, 1, 1 }), ("strides", new[] { 1, 1, 1 }), ("pads", new[] { 0, 0, 0, 0, 0, 0 }))
            .Index("at", 1).Node("Shape", ["/pool"], ["/ps"]).Node("Gather", ["/ps", "at"], ["/p1"], ("axis", 0)).Index("single", 1)
            .Node("Equal", ["/p1", "single"], ["/is"])
            .Node("If", ["/is"], ["/if"], ("then_branch", then.Proto.Graph), ("else_branch", other.Proto.Graph)).Constant("back", Width, 6, 6)
            .Node("Concat", ["n", "back"], ["four"], ("axis", 0)).Node("Reshape", ["/if", "four"], ["/four"])
            .Scalar("alpha", 0.1f).Node("Mul", ["/four", "alpha"], ["/scaled"]).Scalar("k", 2).Node("Add", ["/scaled", "k"], ["/raised"]).Scalar("beta", 0.75f)
            .Node("Pow", ["/raised", "beta"], ["/power"]).Node("Div", ["/r", "/power"], ["/lrn"])
            .Node("GlobalAveragePool", ["/lrn"], ["/g"]).Node("Flatten", ["/g"], ["/flat"], ("axis", 1)).Weights("head.weight", 8, Classes, Width)
            .Weights("head.bias", 9, Classes).Node("Gemm", ["/flat", "head.weight", "head.bias"], ["output"], ("transB", 1)).Output("output");
    }

    /// <summary>A map that is enlarged twice, by a transposed convolution and by cubic resampling, beside the map that it comes from.</summary>
    private static OnnxFile Enlarging() =>
        new OnnxFile(13).Input("input", 0, 3, Side, Side).Weights("c.weight", 1, Width, 3, 3, 3).Weights("c.bias", 2, Width)
            .Node("Conv", ["input", "c.weight", "c.bias"], ["/c"], ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { 2, 2 })).Node("Relu", ["/c"], ["/r"])
        .Weights("t.weight", 3, Width, 5, 3, 3).Weights("t.bias", 4, 5)
        .Node(
            "ConvTranspose", ["/r", "t.weight", "t.bias"], ["/t"], ("dilations", new[] { 1, 1 }), ("group", 1), ("kernel_shape", new[] { 3, 3 }),
            ("output_padding", new[] { 1, 1 }), ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { 2, 2 }))
        .Floats("scales", [4], 1, 1, 2, 2)
        .Node(
            "Resize", ["/r", "", "scales"], ["/u"], ("coordinate_transformation_mode", "pytorch_half_pixel"), ("cubic_coeff_a", -0.75f), ("mode", "cubic"),
            ("nearest_mode", "floor")).Node("Concat", ["/t", "/u"], ["/j"], ("axis", 1)).Node("Relu", ["/j"], ["/k"])
        .Node("ReduceMean", ["/k"], ["/m"], ("axes", new[] { 2, 3 }), ("keepdims", 0)).Weights("head.weight", 8, Classes, Width + 5)
        .Weights("head.bias", 9, Classes).Node("Gemm", ["/m", "head.weight", "head.bias"], ["output"], ("transB", 1)).Output("output");

    /// <summary>
    /// Images with the channels last, transposes around the convolutions, names with ":0", a mean and a Squeeze, a Reshape to sizes that are computed.
    /// </summary>
    private static OnnxFile TensorFlow() =>
        new OnnxFile(13).Input("serving_default_input:0", 0, Side, Side, 3).Weights("conv/Conv2D/ReadVariableOp:0", 1, Width, 3, 3, 3)
            .Weights("dw/depthwise/ReadVariableOp:0", 2, Width, 1, 3, 3)
        .Node("Transpose", ["serving_default_input:0"], ["conv__6:0"], ("perm", new[] { 0, 3, 1, 2 }))
        .Node(
            "Conv", ["conv__6:0", "conv/Conv2D/ReadVariableOp:0"], ["conv/Conv2D:0"], ("auto_pad", "SAME_UPPER"), ("strides", new[] { 2, 2 }),
            ("kernel_shape", new[] { 3, 3 }))
        .Floats("bn/gamma:0", [Width], Positive(Width, 3)).Weights("bn/beta:0", 4, Width).Weights("bn/mean:0", 5, Width)
        .Floats("bn/variance:0", [Width], Positive(Width, 6))
        .Node("BatchNormalization", ["conv/Conv2D:0", "bn/gamma:0", "bn/beta:0", "bn/mean:0", "bn/variance:0"], ["bn/FusedBatchNormV3:0"], ("epsilon", 1e-3f))
        .Scalar("zero:0", 0).Scalar("six:0", 6).Node("Clip", ["bn/FusedBatchNormV3:0", "zero:0", "six:0"], ["relu6/Relu6:0"])
        .Node("Conv", ["relu6/Relu6:0", "dw/depthwise/ReadVariableOp:0"], ["dw/depthwise:0"], ("auto_pad", "SAME_UPPER"), ("group", Width))
        .Node("Transpose", ["dw/depthwise:0"], ["dw__9:0"], ("perm", new[] { 0, 2, 3, 1 }))
        .Weights("offset:0", 7, Width).Node("Add", ["dw__9:0", "offset:0"], ["dw/BiasAdd:0"])
        .Node("Transpose", ["dw/BiasAdd:0"], ["pool__11:0"], ("perm", new[] { 0, 3, 1, 2 }))
        .Node("MaxPool", ["pool__11:0"], ["pool/MaxPool:0"], ("kernel_shape", new[] { 2, 2 }), ("strides", new[] { 2, 2 }), ("auto_pad", "VALID"))
        .Node("Transpose", ["pool/MaxPool:0"], ["pool__12:0"], ("perm", new[] { 0, 2, 3, 1 }))
        .Node("ReduceMean", ["pool__12:0"], ["gap/Mean:0"], ("axes", new[] { 1, 2 }), ("keepdims", 1)).Longs("squeeze:0", 1, 2)
        .Node("Squeeze", ["gap/Mean:0", "squeeze:0"], ["gap/Squeeze:0"])
        .Node("Shape", ["gap/Squeeze:0"], ["flatten/Shape:0"]).Node("Cast", ["flatten/Shape:0"], ["flatten/Cast:0"], ("to", (int)DataType.Int32))
        .Node("Cast", ["flatten/Cast:0"], ["flatten/Cast2:0"], ("to", (int)DataType.Int64)).Longs("begin:0", 0).Longs("end:0", 1).Longs("axes:0", 0)
        .Node("Slice", ["flatten/Cast2:0", "begin:0", "end:0", "axes:0"], ["flatten/strided_slice:0"]).Longs("minus:0", -1)
        .Node("Concat", ["flatten/strided_slice:0", "minus:0"], ["flatten/Concat:0"], ("axis", 0))
        .Node("Reshape", ["gap/Squeeze:0", "flatten/Concat:0"], ["flatten/Reshape:0"])
        .Weights("dense/MatMul/ReadVariableOp:0", 8, Width, Classes).Weights("dense/BiasAdd/ReadVariableOp:0", 9, Classes)
        .Node("MatMul", ["flatten/Reshape:0", "dense/MatMul/ReadVariableOp:0"], ["dense/MatMul:0"])
        .Node("Add", ["dense/MatMul:0", "dense/BiasAdd/ReadVariableOp:0"], ["dense/BiasAdd:0"])
        .Node("Softmax", ["dense/BiasAdd:0"], ["Identity:0"], ("axis", 1)).Output("Identity:0");

    /// <summary>Keras's MultiHeadAttention: Einsum with weights of three axes, and of two activations.</summary>
    private static OnnxFile TensorFlowAttention()
    {
        OnnxFile file = new OnnxFile(13).Input("input_1", 0, Side, Side, 3).Weights("patch/kernel:0", 1, Width, 3, Patch, Patch)
            .Node("Transpose", ["input_1"], ["t"], ("perm", new[] { 0, 3, 1, 2 }))
            .Node("Conv", ["t", "patch/kernel:0"], ["c"], ("strides", new[] { Patch, Patch }))
            .Node("Transpose", ["c"], ["last"], ("perm", new[] { 0, 2, 3, 1 })).Longs("tokens", -1, 9, Width).Node("Reshape", ["last", "tokens"], ["x"]);
        foreach ((string name, int seed) in ((string, int)[])[("query", 2), ("key", 4), ("value", 6)])
            file.Weights($"mha/{name}/kernel:0", seed, Width, Heads, 4).Weights($"mha/{name}/bias:0", seed + 1, Heads, 4)
                .Node("Einsum", ["x", $"mha/{name}/kernel:0"], [$"{name}/einsum:0"], ("equation", "abc,cde->abde"))
                .Node("Add", [$"{name}/einsum:0", $"mha/{name}/bias:0"], [name]);
        return file.Scalar("root:0", 0.5f).Node("Mul", ["query", "root:0"], ["scaled"])
            .Node("Einsum", ["key", "scaled"], ["scores"], ("equation", "aecd,abcd->acbe")).Node("Softmax", ["scores"], ["weights"], ("axis", -1))
            .Node("Einsum", ["weights", "value"], ["mixed"], ("equation", "acbe,aecd->abcd"))
            .Weights("mha/output/kernel:0", 8, Heads, 4, Width).Node("Einsum", ["mixed", "mha/output/kernel:0"], ["projected"], ("equation", "abcd,cde->abe"))
            .Node("ReduceMax", ["projected"], ["pooled"], ("axes", new[] { 1 }), ("keepdims", 0))
            .Weights("dense/kernel:0", 9, Width, Classes).Node("MatMul", ["pooled", "dense/kernel:0"], ["predictions"]).Output("predictions");
    }

    /// <summary>Operator set 8 or so: parameters listed as inputs, fix_gamma, SoftmaxOutput, flattening by Flatten, leaky slopes by channel.</summary>
    private static OnnxFile Mxnet()
    {
        OnnxFile file = new OnnxFile(8).Input("data", 1, 3, Side, Side).Input("conv0_weight", Width, 3, 3, 3).Input("prelu_gamma", Width, 1, 1)
            .Weights("conv0_weight", 1, Width, 3, 3, 3).Weights("conv0_bias", 2, Width)
            .Node(
                "Conv", ["data", "conv0_weight", "conv0_bias"], ["conv0"], ("kernel_shape", new[] { 3, 3 }), ("strides", new[] { 2, 2 }),
                ("pads", new[] { 1, 1, 1, 1 }), ("group", 1), ("dilations", new[] { 1, 1 }));
        file.Floats("bn_gamma", [Width], Positive(Width, 3)).Weights("bn_beta", 4, Width).Weights("bn_moving_mean", 5, Width)
            .Floats("bn_moving_var", [Width], Positive(Width, 6))
            .Node(
                "BatchNormalization", ["conv0", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"], ["bn0"], ("epsilon", 1e-5f), ("momentum", 0.9f),
                ("spatial", 1)).Floats("prelu_gamma", [Width, 1, 1], Noise(Width, 7)).Node("PRelu", ["bn0", "prelu_gamma"], ["prelu0"])
            .Node("MaxPool", ["prelu0"], ["pool0"], ("kernel_shape", new[] { 3, 3 }), ("strides", new[] { 2, 2 }), ("pads", new[] { 1, 1, 1, 1 }))
            .Node("LRN", ["pool0"], ["lrn0"], ("alpha", 0.0001f), ("beta", 0.75f), ("bias", 2f), ("size", 5))
            .Node("Dropout", ["lrn0"], ["drop0"], ("ratio", 0.5f))
            .Node("Flatten", ["drop0"], ["flatten_fc1"], ("axis", 1)).Weights("fc1_weight", 8, Classes, Width * 9).Weights("fc1_bias", 9, Classes)
            .Node("Gemm", ["flatten_fc1", "fc1_weight", "fc1_bias"], ["fc1"], ("alpha", 1f), ("beta", 1f), ("transA", 0), ("transB", 1))
            .Node("Softmax", ["fc1"], ["softmax"], ("axis", 1));
        return file.Output("softmax");
    }

    /// <summary>The zoo's first files: parameters listed as inputs, biases by attributes, Sum, grouped convolutions, Reshape before the product.</summary>
    private static OnnxFile Caffe2() =>
        new OnnxFile(7).Input("gpu_0/data_0", 1, 3, Side, Side).Input("gpu_0/conv1_w_0", Width, 3, 3, 3).Weights("gpu_0/conv1_w_0", 1, Width, 3, 3, 3)
            .Weights("gpu_0/conv1_b_0", 2, Width)
        .Node(
            "Conv", ["gpu_0/data_0", "gpu_0/conv1_w_0", "gpu_0/conv1_b_0"], ["gpu_0/conv1_1"], ("kernel_shape", new[] { 3, 3 }), ("pads", new[] { 1, 1, 1, 1 }),
            ("strides", new[] { 1, 1 })).Node("Relu", ["gpu_0/conv1_1"], ["gpu_0/conv1_2"])
        .Weights("gpu_0/conv2_w_0", 3, Width, Width / 2, 3, 3).Weights("gpu_0/conv2_b_0", 4, Width)
        .Node(
            "Conv", ["gpu_0/conv1_2", "gpu_0/conv2_w_0", "gpu_0/conv2_b_0"], ["gpu_0/conv2_1"], ("kernel_shape", new[] { 3, 3 }),
            ("pads", new[] { 1, 1, 1, 1 }), ("group", 2))
        .Node("Sum", ["gpu_0/conv2_1", "gpu_0/conv1_2"], ["gpu_0/sum_0"]).Node("Relu", ["gpu_0/sum_0"], ["gpu_0/sum_1"])
        .Node("AveragePool", ["gpu_0/sum_1"], ["gpu_0/pool_0"], ("kernel_shape", new[] { 4, 4 }), ("strides", new[] { 4, 4 }), ("pads", new[] { 0, 0, 0, 0 }))
        .Longs("gpu_0/shape_0", 1, Width * 9).Node("Reshape", ["gpu_0/pool_0", "gpu_0/shape_0"], ["gpu_0/flat_0"])
        .Weights("gpu_0/pred_w_0", 5, Classes, Width * 9).Weights("gpu_0/pred_b_0", 6, Classes)
        .Node("Gemm", ["gpu_0/flat_0", "gpu_0/pred_w_0", "gpu_0/pred_b_0"], ["gpu_0/pred_1"], ("transB", 1))
        .Node("Softmax", ["gpu_0/pred_1"], ["gpu_0/softmax_1"], ("axis", 1)).Output("gpu_0/softmax_1");

    /// <summary>
    /// Weights that are transposed and reshaped in the file, pads by name, a bias of three axes, a Reshape of weights of four axes to a matrix.
    /// </summary>
    private static OnnxFile Cntk() =>
        new OnnxFile(8).Input("Input3", 1, 3, Side, Side).Weights("Parameter5", 1, Width, 3, 5, 5)
            .Node(
                "Conv", ["Input3", "Parameter5"], ["Convolution28_Output_0"], ("kernel_shape", new[] { 5, 5 }), ("strides", new[] { 1, 1 }),
                ("auto_pad", "SAME_UPPER"), ("group", 1), ("dilations", new[] { 1, 1 }))
        .Weights("Parameter6", 2, Width, 1, 1).Node("Add", ["Convolution28_Output_0", "Parameter6"], ["Plus30_Output_0"])
        .Node("Relu", ["Plus30_Output_0"], ["ReLU32_Output_0"])
        .Node(
            "MaxPool", ["ReLU32_Output_0"], ["Pooling66_Output_0"], ("kernel_shape", new[] { 3, 3 }), ("strides", new[] { 3, 3 }),
            ("pads", new[] { 0, 0, 0, 0 }), ("auto_pad", "NOTSET"))
        .Longs("shape1", 1, Width * 16).Node("Reshape", ["Pooling66_Output_0", "shape1"], ["reshaped_0"]).Weights("Parameter193", 3, Width, 4, 4, Classes)
        .Longs("shape2", Width * 16, Classes).Node("Reshape", ["Parameter193", "shape2"], ["reshaped_1"])
        .Node("MatMul", ["reshaped_0", "reshaped_1"], ["Times212_Output_0"]).Weights("Parameter194", 4, 1, Classes)
        .Node("Add", ["Times212_Output_0", "Parameter194"], ["Plus214_Output_0"]).Output("Plus214_Output_0");

    /// <summary>Means taken off in the file, a product that is scaled, the classes' probabilities under "loss" and the label under "classLabel".</summary>
    private static OnnxFile CustomVision() =>
        new OnnxFile(7).Input("data", 0, 3, Side, Side).Floats("mean", [3, 1, 1], 0.1f, 0.2f, 0.3f).Node("Sub", ["data", "mean"], ["centered"])
            .Weights("w", 1, Width, 3, 3, 3).Weights("b", 2, Width)
        .Node("Conv", ["centered", "w", "b"], ["conv"], ("pads", new[] { 0, 0, 1, 1 }), ("strides", new[] { 2, 2 }), ("kernel_shape", new[] { 3, 3 }))
        .Node("LeakyRelu", ["conv"], ["leaky"], ("alpha", 0.1f)).Weights("w2", 3, Classes, Width, 1, 1).Weights("b2", 4, Classes)
        .Node("Conv", ["leaky", "w2", "b2"], ["map"])
        .Node("GlobalAveragePool", ["map"], ["pooled"]).Node("Flatten", ["pooled"], ["flat"]).Scalar("temperature", 1.5f)
        .Node("Mul", ["flat", "temperature"], ["scaled"]).Node("Softmax", ["scaled"], ["loss"]).Output("loss");
}
