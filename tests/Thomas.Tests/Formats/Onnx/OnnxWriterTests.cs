using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats.Onnx;

public sealed class OnnxWriterTests
{
    [Fact]
    public void Labels_preprocessing_and_other_pairs_survive()
    {
        Preprocessing preprocessing = Preprocessing.Preset("imagenet", 9, 7);
        ModelInfo info = new()
        {
            Name = "block",
            BatchIsSymbolic = true,
            Labels = ["rose", "tulip, \"red\"", "line\nbreak", "ünïcode 花", ""],
            Preprocessing = preprocessing,
            Metadata = new Dictionary<string, string> { ["author"] = "someone", ["license"] = "free" },
        };
        Model again = SaveAndLoad(new Model(TestGraphs.NchwBlock(), info));
        Assert.Equal(info.Labels, again.Info.Labels);
        Assert.Equal(preprocessing, again.Info.Preprocessing);
        Assert.Equal(info.Metadata, again.Info.Metadata);
        Assert.True(again.Info.BatchIsSymbolic);
        Assert.Equal("block", again.Info.Name);
        Assert.Equal(ImageLayout.Nchw, again.Info.InputLayout);
    }

    [Theory]
    [InlineData("labels", """["a","b"]""")]
    [InlineData("classes", """["a","b"]""")]
    [InlineData("names", """{"1":"b","0":"a"}""")]
    [InlineData("thomas.labels", "a\nb")]
    public void Labels_of_other_exporters_are_found(string key, string value)
    {
        ModelInfo info = new OnnxFile().Input("x", 1, 2).Node("Relu", ["x"], ["y"]).Output("y").Metadata(key, value).Load().Info;
        Assert.Equal(["a", "b"], info.Labels!);
        Assert.Empty(info.Metadata);
    }

    [Theory]
    [InlineData("names", """{"1":"b","2":"a"}""")]
    [InlineData("labels", "see labels.txt")]
    [InlineData("classes", "[1,2]")]
    public void Pairs_that_hold_no_labels_are_kept_as_they_are(string key, string value)
    {
        ModelInfo info = new OnnxFile().Input("x", 1, 2).Node("Relu", ["x"], ["y"]).Output("y").Metadata(key, value).Load().Info;
        Assert.Null(info.Labels);
        Assert.Equal(value, info.Metadata[key]);
    }

    [Fact]
    public void A_block_of_every_kind_survives_and_needs_one_reordering_before_its_flatten()
    {
        Graph graph = TestGraphs.NchwBlock();
        Model model = new(graph, new ModelInfo { Name = "block" });
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        Assert.Equal(
            TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(Model.Load(new MemoryStream(stream.ToArray()), "block").Graph, TestGraphs.Oracle));
        ModelProto proto = ModelProto.Parser.ParseFrom(stream.ToArray());
        // The graph itself flattens in NCHW order, which is what the file holds: nothing to reorder.
        Assert.DoesNotContain(proto.Graph.Node, node => node.OpType == "Transpose");
        Assert.Contains(proto.Graph.Initializer, tensor => tensor.Name == "fc.w");
    }

    [Fact]
    public void Weights_are_not_copied()
    {
        float[] weights = new float[16 * 1024 * 1024];
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4096)));
        Value y = b.Add(OpCatalog.Dense, [x, b.Constant("w", TensorData.FromFloats(new Shape(4096, 4096), weights))], new DenseAttributes(), "y");
        Model model = new(b.Build(y), new ModelInfo { Name = "large" });
        model.Save(Stream.Null, ModelFormat.Onnx);
        long before = GC.GetAllocatedBytesForCurrentThread();
        model.Save(Stream.Null, ModelFormat.Onnx);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void An_nhwc_file_stays_nhwc()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 6, 5, 3).Node("Relu", ["x"], ["y"]).Output("y");
        Model model = file.Load();
        Assert.Equal(ImageLayout.Nhwc, model.Info.InputLayout);
        Model again = SaveAndLoad(model);
        Assert.Equal(ImageLayout.Nhwc, again.Info.InputLayout);
        Assert.Equal(new Shape(1, 6, 5, 3), again.Graph.Inputs[0].Shape);
    }

    [Fact]
    public void Names_of_inputs_outputs_and_weights_are_kept()
    {
        OnnxFile file = new OnnxFile().Input("image", 0, 3, 6, 5).Floats("conv.weight", [2, 3, 1, 1], 1, 2, 3, 4, 5, 6)
            .Node("Conv", ["image", "conv.weight"], ["features"]).Node("GlobalAveragePool", ["features"], ["pooled"]).Node("Flatten", ["pooled"], ["logits"])
            .Output("logits");
        using MemoryStream stream = new();
        file.Load().Save(stream, ModelFormat.Onnx);
        ModelProto proto = ModelProto.Parser.ParseFrom(stream.ToArray());
        Assert.Equal("image", Assert.Single(proto.Graph.Input).Name);
        Assert.Equal("logits", Assert.Single(proto.Graph.Output).Name);
        TensorProto weight = Assert.Single(proto.Graph.Initializer, tensor => tensor.Name == "conv.weight");
        Assert.Equal([2L, 3, 1, 1], weight.Dims);
        Assert.DoesNotContain(proto.Graph.Node, node => node.OpType == "Transpose");
    }

    private static Model SaveAndLoad(Model model)
    {
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        return Model.Load(new MemoryStream(stream.ToArray()), "again.onnx");
    }
}
