using System;
using Thomas.Formats.Onnx.Proto;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Constants in every form of storage, and the arithmetic on integers that exporters leave in a file.</summary>
public sealed class OnnxConstantsTests
{
    private static readonly float[] Zeros = new float[3];

    private static TensorProto Tensor(DataType type)
    {
        TensorProto tensor = new() { Name = "c", DataType = (int)type };
        tensor.Dims.Add(3);
        return tensor;
    }

    private static float[] AddedToZeros(TensorProto tensor, bool isInteger)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 3);
        file.Proto.Graph.Initializer.Add(tensor);
        if (isInteger) file.Node("Cast", ["c"], ["real"], ("to", (int)DataType.Float));
        return file.Node("Add", ["x", isInteger ? "real" : "c"], ["y"]).Output("y").Run(Zeros);
    }

    [Fact]
    public void Floats_of_any_width_are_read_from_typed_fields()
    {
        float[] expected = [1.5f, -2, 0.25f];
        TensorProto single = Tensor(DataType.Float), twice = Tensor(DataType.Double), half = Tensor(DataType.Float16), brain = Tensor(DataType.Bfloat16);
        foreach (float value in expected)
        {
            single.FloatData.Add(value);
            twice.DoubleData.Add(value);
            half.Int32Data.Add(BitConverter.HalfToUInt16Bits((Half)value));
            brain.Int32Data.Add(BitConverter.SingleToInt32Bits(value) >>> 16);
        }

        Assert.All([single, twice, half, brain], tensor => Assert.Equal(expected, AddedToZeros(tensor, isInteger: false)));
    }

    [Fact]
    public void Integers_of_any_width_are_read_from_typed_fields()
    {
        foreach (DataType type in (DataType[])[DataType.Int8, DataType.Uint8, DataType.Int16, DataType.Uint16, DataType.Int32])
        {
            bool isSigned = type is DataType.Int8 or DataType.Int16 or DataType.Int32;
            TensorProto tensor = Tensor(type);
            tensor.Int32Data.Add([3, isSigned ? -4 : 200, 100]);
            Assert.Equal([3, isSigned ? -4f : 200, 100], AddedToZeros(tensor, isInteger: true));
        }

        TensorProto wide = Tensor(DataType.Int64), unsigned = Tensor(DataType.Uint32);
        wide.Int64Data.Add([3, -4, 100]);
        unsigned.Uint64Data.Add([3, 4, 3_000_000_000]);
        Assert.Equal([3, -4, 100f], AddedToZeros(wide, isInteger: true));
        Assert.Equal([3, 4, 3e9f], AddedToZeros(unsigned, isInteger: true));
    }

    [Theory]
    [InlineData("Add", 5, 7, 9)]
    [InlineData("Sub", -3, -1, 1)]
    [InlineData("Mul", 4, 12, 20)]
    [InlineData("Div", 0, 0, 1)]
    public void Integers_are_computed_while_reading(string op, float first, float second, float third)
    {
        // 1, 3, 5 and 4, broadcast.
        float[] y = new OnnxFile().Input("x", 1, 3).Raw("start", DataType.Int64, [], BitConverter.GetBytes(1L))
            .Raw("end", DataType.Int64, [], BitConverter.GetBytes(7L))
            .Raw("step", DataType.Int64, [], BitConverter.GetBytes(2L)).Longs("four", 4).Node("Range", ["start", "end", "step"], ["r"])
            .Node(op, ["r", "four"], ["z"])
            .Node("Cast", ["z"], ["real"], ("to", (int)DataType.Float)).Node("Add", ["x", "real"], ["y"]).Output("y").Run(Zeros);
        Assert.Equal([first, second, third], y);
    }

    [Fact]
    public void A_division_by_zero_is_refused()
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 3).Longs("one", 1).Longs("zero", 0).Node("Div", ["one", "zero"], ["q"]).Node("Reshape", ["x", "q"], ["y"])
            .Output("y");
        Assert.Contains("divides 1 by 0", Assert.Throws<ModelFormatException>(file.Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constants_are_stretched_filled_and_picked_from()
    {
        float[] y = new OnnxFile().Input("x", 1, 3).Floats("table", [2, 3], 1, 2, 3, 4, 5, 6).Longs("row", -1).Longs("shape", 1, 3).Floats("one", [1], 10)
            .Node("Gather", ["table", "row"], ["picked"], ("axis", 0)).Node("Expand", ["one", "shape"], ["wide"]).Node("ConstantOfShape", ["shape"], ["filled"])
            .Node("Sum", ["x", "picked", "wide", "filled"], ["y"]).Output("y").Run(Zeros);
        Assert.Equal([14f, 15, 16], y);
    }

    [Fact]
    public void Round_goes_to_even()
    {
        Assert.Equal([2f, -2, 0], new OnnxFile().Input("x", 1, 3).Node("Round", ["x"], ["y"]).Output("y").Run([2.5f, -1.5f, -0.5f]));
    }
}
