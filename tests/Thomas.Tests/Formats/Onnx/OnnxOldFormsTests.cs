using System;
using System.Linq;
using Thomas.Formats.Onnx.Proto;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Forms that old exporters write, and what newer ones leave behind.</summary>
public sealed class OnnxOldFormsTests
{
    private static readonly float[] Six = [1, 2, 3, 4, 5, 6];

    [Fact]
    public void A_list_is_put_along_the_axis_that_is_named()
    {
        OnnxFile file = new OnnxFile(6).Input("x", 1, 2, 3).Floats("b", [2], 10, 20).Node("Add", ["x", "b"], ["y"], ("broadcast", 1), ("axis", 1)).Output("y");
        Assert.Equal([11f, 12, 13, 24, 25, 26], file.Run(Six));
    }

    [Fact]
    public void A_list_without_an_axis_lies_along_the_last()
    {
        OnnxFile file = new OnnxFile(6).Input("x", 1, 2, 3).Floats("b", [3], 2, 3, 4).Node("Mul", ["x", "b"], ["y"], ("broadcast", 1)).Output("y");
        Assert.Equal([2f, 6, 12, 8, 15, 24], file.Run(Six));
    }

    [Fact]
    public void Slopes_that_fit_the_channels_count_for_channels()
    {
        OnnxFile file = new OnnxFile(7).Input("x", 1, 2, 3).Floats("s", [2], 0.5f, 0.25f).Node("PRelu", ["x", "s"], ["y"]).Output("y");
        Assert.Equal([-2f, 4, -2, -1, 4, -1], file.Run([-4, 4, -4, -4, 4, -4]));
    }

    [Fact]
    public void Normalization_may_have_statistics_for_each_position()
    {
        OnnxFile file = new OnnxFile(7).Input("x", 1, 2, 2).Floats("g", [2, 2], 1, 2, 3, 4).Floats("b", [2, 2], 0, 1, 0, 1).Floats("m", [2, 2], 1, 1, 1, 1)
            .Floats("v", [2, 2], 1, 1, 4, 4)
            .Node("BatchNormalization", ["x", "g", "b", "m", "v"], ["y"], ("spatial", 0), ("epsilon", 0f)).Output("y");
        float[] actual = file.Run([3, 3, 3, 3]), expected = [2, 5, 3, 5];
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
    }

    [Fact]
    public void Images_may_be_scaled_in_the_file()
    {
        OnnxFile file = new OnnxFile(1).Input("x", 1, 3, 1, 1).Node("ImageScaler", ["x"], ["y"], ("scale", 2f), ("bias", new[] { 1f, 2, 3 })).Output("y");
        Assert.Equal([3f, 6, 9], file.Run([1, 2, 3]));
    }

    [Fact]
    public void Bytes_that_are_cast_are_the_image()
    {
        OnnxFile file = new OnnxFile().InputOf(DataType.Uint8, "x", 1, 4, 5, 3).Floats("half", [], 0.5f)
            .Node("Cast", ["x"], ["r"], ("to", (int)DataType.Float)).Node("Transpose", ["r"], ["t"], ("perm", new[] { 0, 3, 1, 2 }))
            .Node("GlobalMaxPool", ["t"], ["p"]).Node("Mul", ["p", "half"], ["y"]).Output("y");
        float[] image = new float[60];
        for (int i = 0; i < image.Length; i++) image[i] = 4 * i;
        Assert.Equal([114f, 116, 118], file.Run(image));
        Assert.Equal(
            (5, 4, 0f, 1f),
            (file.Load().Info.Preprocessing!.Width, file.Load().Info.Preprocessing!.Height, file.Load().Info.Preprocessing!.Mean.First,
                file.Load().Info.Preprocessing!.Std.First));
    }

    [Fact]
    public void A_fused_product_is_activated()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 2).Floats("w", [2, 2], 1, 2, -1, -2).Floats("c", [2], 1, 1)
            .Node("com.microsoft.FusedGemm", ["x", "w", "c"], ["y"], ("transB", 1), ("activation", "Relu")).Output("y");
        file.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        Assert.Equal([6f, 0], file.Run([1, 2]));
    }

    [Fact]
    public void The_best_class_is_left_out()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 2).Floats("w", [2, 3], 1, 2, 3, 4, 5, 6).Node("MatMul", ["x", "w"], ["scores"])
            .Node("ArgMax", ["scores"], ["y"], ("axis", 1), ("keepdims", 0)).Output("y");
        Assert.Equal([5f, 7, 9], file.Run([1, 1]));
        Assert.Contains(file.Load().Info.Notes, static note => note.Contains("is a decision", StringComparison.Ordinal));
    }

    // The pads of torch.nn.functional.pad: (left, right, top, bottom), filled up with zeros, turned back to front and put column by column.
    [Fact]
    public void Pads_are_turned_back_to_front_while_reading()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 2, 3).Longs("pads", 1, 0, 0, 2).Longs("rank", 2).Longs("pairs", -1, 2).Longs("zero", 0).Longs("minus", -1)
            .Longs("far", long.MinValue + 1)
            .Node("ConstantOfShape", ["rank"], ["rest"], ("value", ZeroLong())).Node("Concat", ["pads", "rest"], ["all"], ("axis", 0))
            .Node("Reshape", ["all", "pairs"], ["table"])
            .Node("Slice", ["table", "minus", "far", "zero", "minus"], ["turned"]).Node("Transpose", ["turned"], ["columns"], ("perm", new[] { 1, 0 }))
            .Node("Reshape", ["columns", "minus"], ["flat"])
            .Node("Cast", ["flat"], ["wide"], ("to", (int)DataType.Int64)).Node("Pad", ["x", "wide"], ["y"]).Output("y");
        Assert.Equal([0f, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0], file.Run(Six));
    }

    [Fact]
    public void What_was_exported_in_training_mode_is_read_for_inference()
    {
        OnnxFile file = new OnnxFile(15).Input("x", 1, 2, 2).Floats("g", [2], 1, 2).Floats("b", [2], 0, 1).Floats("m", [2], 1, 2).Floats("v", [2], 1, 4)
            .Floats("ratio", [], 0.5f).Raw("yes", DataType.Bool, [], [1])
            .Node("BatchNormalization", ["x", "g", "b", "m", "v"], ["n", "mean", "variance"], ("training_mode", 1), ("epsilon", 0f))
            .Node("Dropout", ["n", "ratio", "yes"], ["y"]).Output("y");
        float[] actual = file.Run([3, 1, 4, 6]), expected = [2, 0, 3, 5];
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
        Assert.Equal(1, file.Load().Info.Notes.Count(static note => note.Contains("training mode", StringComparison.Ordinal)));
    }

    private static TensorProto ZeroLong()
    {
        TensorProto tensor = new() { DataType = (int)DataType.Int64 };
        tensor.Dims.Add(1);
        tensor.Int64Data.Add(0);
        return tensor;
    }
}
