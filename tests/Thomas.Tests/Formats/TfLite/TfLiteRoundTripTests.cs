using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Formats.TfLite;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Formats.TfLite;

public sealed class TfLiteRoundTripTests
{
    public static TheoryData<string> Names => [.. WrittenGraphs.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Written_graphs_compute_the_same_when_read_back(string name)
    {
        Graph graph = WrittenGraphs.All[name]();
        byte[] file = Write(new Model(graph, new ModelInfo { Name = name, BatchIsSymbolic = true }));
        TfLiteFileChecks.Check(file);
        Model read = TfLiteReader.Read(file, name);
        GraphVerifier.Verify(read.Graph);
        Assert.True(read.Info.BatchIsSymbolic);
        Assert.Equal(graph.Outputs[0].Name, read.Graph.Outputs[0].Name);
        float[] expected = TestGraphs.Run(graph, TestGraphs.Oracle), actual = TestGraphs.Run(read.Graph, TestGraphs.Oracle);
        Assert.Equal(expected.Length, actual.Length);
        float range = 0;
        foreach (float value in expected) range = Math.Max(range, Math.Abs(value));
        for (int i = 0; i < expected.Length; i++)
            Expect.True(Math.Abs(expected[i] - actual[i]) <= 1e-5f * range, $"{name}: element {i} is {actual[i]}, expected {expected[i]}");
    }

    [Fact]
    public void Every_operator_of_the_catalog_is_written_and_read()
    {
        HashSet<Op> seen = [];
        foreach (Func<Graph> make in WrittenGraphs.All.Values)
        {
            foreach (Node node in make().Nodes) seen.Add(node.Op);
        }

        foreach (Op op in OpCatalog.All) Expect.True(op.IsTrainingOnly != seen.Contains(op), $"{op.Name} must be in a written graph, or for training only");
    }

    public static TheoryData<string> TrainingOnly => [.. OpCatalog.All.Where(op => op.IsTrainingOnly).Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(TrainingOnly))]
    public void Operators_of_training_steps_are_refused_by_both_formats(string name)
    {
        OpCase test = OpCases.All().First(test => test.Op.Name == name);
        GraphBuilder builder = new();
        Model model = new(builder.Build(builder.Add(test.Op, test.Inputs(builder), test.Attributes)), new ModelInfo { Name = "step" });
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            ThomasException e = Assert.Throws<ThomasException>(() => model.Save(Stream.Null, format));
            Assert.Contains(name, e.Message, StringComparison.Ordinal);
            Assert.Contains("it belongs to training steps, not to models", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_model_gives_the_same_bytes(string name)
    {
        Model model = new(WrittenGraphs.All[name](), new ModelInfo { Name = name, Labels = ["a", "b"] });
        Assert.Equal(Write(model), Write(model));
    }

    [Fact]
    public void Labels_preprocessing_and_metadata_survive()
    {
        ModelInfo info = new()
        {
            Name = "Pets",
            Labels = ["Hund", "猫", "with, comma", ""],
            Preprocessing = Preprocessing.Preset("caffe-bgr", 7, 5) with { Resize = ResizeMode.Stretch, CropMargin = 1.25 },
            Metadata = new Dictionary<string, string> { ["author"] = "Ada", ["license"] = "CC0", ["producer"] = "a\nb", ["empty"] = "" },
        };
        ModelInfo read = TfLiteReader.Read(Write(new Model(WrittenGraphs.All["Conv2d same"](), info)), "pets.tflite").Info;
        Assert.Equal(info.Name, read.Name);
        Assert.Equal(info.Labels, read.Labels);
        Assert.Equal(info.Preprocessing, read.Preprocessing);
        Assert.Equal(info.Metadata, read.Metadata);
        Assert.Equal(ModelFormat.TfLite, read.SourceFormat);
        Assert.False(read.BatchIsSymbolic);
        Assert.False(read.IsQuantized);
    }

    [Fact]
    public void Normalization_is_told_to_other_readers_as_well()
    {
        ModelInfo info = new() { Name = "x", Preprocessing = Preprocessing.Preset("imagenet", 7, 5) };
        byte[] file = Write(new Model(WrittenGraphs.All["Conv2d same"](), info));

        // Without Thomas' own entries only the table of TFLite Support is left.
        int renamed = 0;
        for (int at; (at = file.AsSpan().IndexOf("thomas."u8)) >= 0; renamed++) file[at] = (byte)'x';
        Assert.Equal(7, renamed);
        Preprocessing? read = TfLiteReader.Read(file, "x").Info.Preprocessing;
        Assert.Equal(info.Preprocessing.Mean, read?.Mean);
        Assert.Equal(info.Preprocessing.Std, read?.Std);
    }

    [Fact]
    public void An_image_layout_of_channels_first_is_kept()
    {
        ModelInfo info = new() { Name = "x", SourceFormat = ModelFormat.TfLite, InputLayout = ImageLayout.Nchw };
        Graph graph = WrittenGraphs.All["NchwBlock"]();
        Model read = TfLiteReader.Read(Write(new Model(graph, info)), "x");
        Assert.Equal(ImageLayout.Nchw, read.Info.InputLayout);
        Assert.Equal(graph.Inputs[0].Shape, read.Graph.Inputs[0].Shape);
        Assert.Equal(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(read.Graph, TestGraphs.Oracle), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void A_model_read_with_an_open_batch_runs_for_other_batches()
    {
        Graph graph = WrittenGraphs.All["NchwBlock"]();
        Model read = TfLiteReader.Read(Write(new Model(graph, new ModelInfo { Name = "x", BatchIsSymbolic = true })), "x");
        float[] expected = TestGraphs.Run(graph, batch: 3), actual = TestGraphs.Run(read.Graph, batch: 3);
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void A_grid_of_more_than_16_bits_is_refused()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 2)));
        Graph graph = builder.Build(builder.Add(OpCatalog.FakeQuantize, [x], new FakeQuantizeAttributes(new Quantization([1], [0]), -40000, 40000)));
        ThomasException e = Assert.Throws<ThomasException>(() => Write(new Model(graph, new ModelInfo { Name = "x" })));
        Assert.Contains("80001 steps", e.Message, StringComparison.Ordinal);
    }

    internal static byte[] Write(Model model)
    {
        using MemoryStream stream = new();
        TfLiteWriter.Write(model, stream);
        return stream.ToArray();
    }
}
