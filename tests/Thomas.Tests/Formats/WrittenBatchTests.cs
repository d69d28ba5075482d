using System;
using System.IO;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Formats;

public sealed class WrittenBatchTests
{
    [Theory]
    [InlineData(ModelFormat.TfLite, null, false)]
    [InlineData(ModelFormat.Onnx, null, true)]
    [InlineData(ModelFormat.TfLite, SaveOptions.OpenBatch, true)]
    [InlineData(ModelFormat.Onnx, 1, false)]
    [InlineData(ModelFormat.Onnx, 4, false)]
    public void The_format_decides_unless_the_caller_does(ModelFormat format, int? batch, bool isOpen)
    {
        foreach (bool wasOpen in (bool[])[false, true])
        {
            Model read = Load(Saved(new Model(Flattened(batchIsFree: true), new ModelInfo { Name = "net", BatchIsSymbolic = wasOpen }), format, batch));
            Assert.Equal(isOpen, read.Info.BatchIsSymbolic);
            Assert.Equal(batch == 4, read.Info.Notes.Count == 1);
        }
    }

    [Fact]
    public void A_network_for_one_image_is_written_for_one_image()
    {
        Model model = new(Flattened(batchIsFree: false), new ModelInfo { Name = "net" });
        Assert.False(Load(Saved(model, ModelFormat.Onnx, null)).Info.BatchIsSymbolic);
        foreach (int batch in (int[])[SaveOptions.OpenBatch, 2])
        {
            ThomasException e = Assert.Throws<ThomasException>(() => Saved(model, ModelFormat.Onnx, batch));
            Assert.Contains("net works for one image at a time", e.Message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Saved(model, ModelFormat.Onnx, -1));
    }

    /// <summary>A network whose reshape keeps the batch, or one that makes a single number of all images.</summary>
    private static Graph Flattened(bool batchIsFree)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 2, 3, 3)));
        return builder.Build(batchIsFree
            ? builder.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 18)), "y")
            : builder.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(0, 1, 2, 3), KeepDims: false), "y"));
    }

    private static byte[] Saved(Model model, ModelFormat format, int? batch)
    {
        using MemoryStream stream = new();
        model.Save(stream, format, new SaveOptions { BatchSize = batch });
        return stream.ToArray();
    }

    private static Model Load(byte[] file) => Model.Load(new MemoryStream(file), "net");
}
