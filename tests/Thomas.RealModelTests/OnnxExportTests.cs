using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Exported files against ONNX Runtime and against a second import.</summary>
public sealed class OnnxExportTests
{
    [Theory]
    [InlineData("onnx", "mobilenet_v2_1.0_224.onnx")]
    [InlineData("onnx", "mobilenet_v2_1.0_224_bn_features.onnx")]
    [InlineData("onnx", "mobilenet_v1_0.25_224_bn.onnx")]
    [InlineData("onnx", "squeezenet1.1.onnx")]
    [InlineData("onnx", "resnet20_cifar10.onnx")]
    [InlineData("onnx", "mnist.onnx")]
    [InlineData("onnx", "SqueezeNet_fp16.onnx")]
    [InlineData("onnx", "mobilenet_v2_quant.onnx")]
    public void A_written_model_gives_the_same_outputs(string folder, string file)
    {
        Model model = Model.Load(Assets.PathOf("models", folder, file));
        byte[] exported = Ort.Export(model);
        Model again = Model.Load(new MemoryStream(exported), "exported.onnx");
        Assert.Equal(model.Graph.Inputs[0].Type, again.Graph.Inputs[0].Type);
        Assert.Equal(model.Graph.Inputs[0].Name, again.Graph.Inputs[0].Name);
        Assert.Equal(model.Graph.Outputs[0].Type, again.Graph.Outputs[0].Type);
        Assert.Equal(model.Graph.Outputs[0].Name, again.Graph.Outputs[0].Name);
        Assert.Equal(model.Info.BatchIsSymbolic, again.Info.BatchIsSymbolic);
        Assert.Equal(model.Graph.ParameterCount, again.Graph.ParameterCount);
        float[] input = Picture(model.Graph.Inputs[0].Shape);
        float[] expected = OnnxSweep.RunOurs(model.Graph, input)[0], reread = OnnxSweep.RunOurs(again.Graph, input)[0];
        OnnxSweep.AssertClose(expected, reread, 1e-5, file);
        using Ort ort = new(exported);
        OnnxSweep.AssertClose(expected, ort.Run(OnnxSweep.ToNchw(input, model.Graph.Inputs[0].Shape))[0], 1e-4, file);
    }

    [Theory]
    [InlineData("mobilenet_v2_1.0_224.onnx")]
    [InlineData("mobilenet_v2_1.0_224_bn_features.onnx")]
    [InlineData("mobilenet_v1_0.25_224_bn.onnx")]
    [InlineData("squeezenet1.1.onnx")]
    public void An_nchw_model_is_written_without_transposes(string file)
    {
        ModelProto exported = ModelProto.Parser.ParseFrom(Ort.Export(Model.Load(Assets.PathOf("models", "onnx", file))));
        Assert.DoesNotContain(exported.Graph.Node, node => node.OpType == "Transpose");
    }

    [Fact]
    public void A_written_model_takes_any_batch_where_the_original_did()
    {
        Model model = Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v1_0.25_224_bn.onnx"));
        Assert.True(model.Info.BatchIsSymbolic);
        ModelProto exported = ModelProto.Parser.ParseFrom(Ort.Export(model));
        Assert.Equal("batch", exported.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimParam);
        Assert.Equal("batch", exported.Graph.Output[0].Type.TensorType.Shape.Dim[0].DimParam);
    }

    public static TheoryData<string> SweepCases()
    {
        TheoryData<string> names = [];
        foreach (OnnxSweep.Case item in OnnxSweep.Cases) names.Add(item.Name);
        return names;
    }

    // Every operator with varied settings: what we write means the same to ONNX Runtime as to our own definition, and reads back to the same.
    [Theory]
    [MemberData(nameof(SweepCases))]
    public void Onnx_runtime_agrees_with_the_definition(string name)
    {
        OnnxSweep.Case item = OnnxSweep.Cases.Find(c => c.Name == name)!;
        Graph graph = item.Build();
        float[][] inputs = new float[graph.Inputs.Count][];
        float[][] inFileOrder = new float[inputs.Length][];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = item.Input(graph.Inputs[i].Shape, (uint)i);
            inFileOrder[i] = OnnxSweep.ToNchw(inputs[i], graph.Inputs[i].Shape);
        }

        float[] expected = OnnxSweep.RunOurs(graph, inputs)[0];
        byte[] exported = Ort.Export(new Model(graph, new ModelInfo { Name = name }));
        using Ort ort = new(exported);
        OnnxSweep.AssertClose(expected, ort.Run(inFileOrder)[0], 1e-4, $"{name}, ONNX Runtime");
        if (!item.ReadsBack) return;
        Model again = Model.Load(new MemoryStream(exported), name);
        OnnxSweep.AssertClose(expected, OnnxSweep.RunOurs(again.Graph, inputs)[0], 1e-5, $"{name}, read again");
    }

    [Fact]
    public void The_sweep_covers_every_operator()
    {
        HashSet<Op> covered = [];
        foreach (OnnxSweep.Case item in OnnxSweep.Cases)
        {
            foreach (Node node in item.Build().Nodes) covered.Add(node.Op);
        }

        Assert.All(Ops.OpCatalog.All, op => Assert.Contains(op, covered));
    }

    private static float[] Picture(Shape shape)
    {
        float[] crops = Array.ConvertAll(OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _), static v => (v - 118) / 60f);
        return crops[..shape.ElementCount];
    }
}
