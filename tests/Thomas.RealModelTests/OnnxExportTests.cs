using System.Collections.Generic;
using System.IO;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Exported files of single operators against ONNX Runtime and against a second import.</summary>
public sealed class OnnxExportTests
{
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
        foreach (bool optimized in (bool[])[true, false])
        {
            using Ort ort = new(exported, optimized);
            OnnxSweep.AssertClose(expected, ort.Run(inFileOrder)[0], 1e-4, $"{name}, ONNX Runtime, optimized: {optimized}");
        }

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

        foreach (Op op in Ops.OpCatalog.All) Assert.True(op.IsTrainingOnly != covered.Contains(op), $"{op.Name} must be in the sweep, or for training only");
    }
}
