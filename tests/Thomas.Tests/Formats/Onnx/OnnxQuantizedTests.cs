using System;
using System.Runtime.InteropServices;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>8-bit operators give the integers that integer arithmetic gives.</summary>
public sealed class OnnxQuantizedTests
{
    /// <summary>
    /// Two grids of a published MobileNetV2 and sums beside the middle between two steps. For 91 + 145 the real sum is 95.49999, which ONNX Runtime's
    /// order of operations makes 95.5, hence 96; for 183 + 115 it is 160.50001.
    /// </summary>
    [Theory]
    [InlineData(183, 115, 161)]
    [InlineData(91, 145, 96)]
    [InlineData(137, 130, 128)]
    [InlineData(0, 0, 0)]
    [InlineData(255, 255, 255)]
    [InlineData(200, 90, 161)]
    public void Sums_round_in_the_order_of_onnx_runtime(byte a, byte b, int expected)
    {
        const float ScaleA = 0.03178011f, ScaleB = 0.021092402f, ScaleC = 0.03524611f;
        OnnxFile file = Grid(Grid(Grid(new OnnxFile().Input("x", 1, 1), "a", ScaleA, 137), "b", ScaleB, 130), "c", ScaleC, 128)
            .Raw("constant", DataType.Uint8, [1, 1], [b]).Node("QuantizeLinear", ["x", "as", "az"], ["q"])
            .Node("com.microsoft.QLinearAdd", ["q", "as", "az", "constant", "bs", "bz", "cs", "cz"], ["sum"])
            .Node("DequantizeLinear", ["sum", "cs", "cz"], ["y"]).Output("y");
        Assert.Equal([expected], Steps(Run(file, [(a - 137) * ScaleA]), ScaleC, 128));
    }

    [Fact]
    public void Means_over_positions_round_ties_to_even_before_the_zero_point_is_added()
    {
        OnnxFile file = Grid(Grid(new OnnxFile().Input("x", 1, 3, 2, 2), "a", 0.25f, 7), "b", 0.25f, 3).Node("QuantizeLinear", ["x", "as", "az"], ["q"])
            .Node("com.microsoft.QLinearGlobalAveragePool", ["q", "as", "az", "bs", "bz"], ["p"]).Node("DequantizeLinear", ["p", "bs", "bz"], ["r"])
            .Node("Flatten", ["r"], ["y"]).Output("y");
        // Steps from zero by channel: 0 1 0 1, 1 2 1 2 and 2 3 2 3, whose means are 0.5, 1.5 and 2.5.
        float[] x = [0, 1, 2, 1, 2, 3, 0, 1, 2, 1, 2, 3];
        Assert.Equal([3, 5, 5], Steps(Run(file, Array.ConvertAll(x, static step => step * 0.25f)), 0.25f, 3));
    }

    [Fact]
    public void Convolutions_sum_integers_and_scale_them_once()
    {
        const int Channels = 3, Filters = 4, Side = 5;
        byte[] w = Bytes(Filters * Channels * 9, 1), pixels = Bytes(Channels * Side * Side, 2);
        int[] bias = [1500, -20000, 0, 7];
        OnnxFile file = Grid(Grid(Grid(new OnnxFile().Input("x", 1, Channels, Side, Side), "a", 0.02f, 120), "w", 0.003f, 131), "b", 0.011f, 114).Raw(
            "weights", DataType.Uint8, [Filters, Channels, 3, 3], w)
            .Raw("bias", DataType.Int32, [Filters], MemoryMarshal.AsBytes(bias.AsSpan())).Node("QuantizeLinear", ["x", "as", "az"], ["q"])
            .Node("QLinearConv", ["q", "as", "az", "weights", "ws", "wz", "bs", "bz", "bias"], ["c"], ("pads", new[] { 1, 1, 1, 1 }))
            .Node("DequantizeLinear", ["c", "bs", "bz"], ["r"]).Node("Flatten", ["r"], ["y"]).Output("y");
        int[] expected = new int[Filters * Side * Side];
        float factor = 0.02f * 0.003f / 0.011f;
        for (int i = 0; i < expected.Length; i++)
        {
            int filter = i / (Side * Side), sum = bias[filter];
            for (int k = 0; k < Channels * 9; k++)
            {
                int c = k / 9, y = (i / Side % Side) + (k / 3 % 3) - 1, x = (i % Side) + (k % 3) - 1;
                if (y is >= 0 and < Side && x is >= 0 and < Side)
                {
                    sum += (w[(filter * Channels * 9) + k] - 131) * (pixels[(((y * Side) + x) * Channels) + c] - 120);
                }
            }

            expected[i] = (int)Math.Clamp(MathF.Round(sum * factor) + 114, 0, 255);
        }

        Assert.Equal(expected, Steps(Run(file, Array.ConvertAll(pixels, static pixel => (pixel - 120) * 0.02f)), 0.011f, 114));
    }

    [Fact]
    public void The_head_of_an_8_bit_model_is_found_behind_its_grids()
    {
        OnnxFile file = Grid(Grid(Grid(new OnnxFile().Input("x", 1, 4), "a", 0.1f, 9), "w", 0.01f, 131), "b", 0.1f, 94).Raw(
            "weights", DataType.Uint8, [4, 3], Bytes(12, 3))
            .Raw("bias", DataType.Uint8, [3], [90, 100, 110]).Node("QuantizeLinear", ["x", "as", "az"], ["q"])
            .Node("QLinearMatMul", ["q", "as", "az", "weights", "ws", "wz", "bs", "bz"], ["m"])
            .Node("com.microsoft.QLinearAdd", ["m", "bs", "bz", "bias", "bs", "bz", "bs", "bz"], ["s"]).Node("DequantizeLinear", ["s", "bs", "bz"], ["y"])
            .Output("y");
        HeadSplit split = HeadSplit.Find(file.Load());
        Assert.Equal(4, split.FeatureCount);
        Assert.Contains("4 features to 3 classes", split.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void The_head_of_an_8_bit_model_is_found_before_its_pooling()
    {
        OnnxFile file = Grid(Grid(Grid(new OnnxFile().Input("x", 1, 3, 2, 2), "a", 0.1f, 9), "w", 0.01f, 131), "b", 0.1f, 94).Raw(
            "weights", DataType.Uint8, [4, 3, 1, 1], Bytes(12, 3))
            .Node("QuantizeLinear", ["x", "as", "az"], ["q"]).Node("QLinearConv", ["q", "as", "az", "weights", "ws", "wz", "bs", "bz"], ["c"])
            .Node("com.microsoft.QLinearGlobalAveragePool", ["c", "bs", "bz", "bs", "bz"], ["p"]).Node("DequantizeLinear", ["p", "bs", "bz"], ["r"])
            .Node("Flatten", ["r"], ["y"]).Output("y");
        Model model = file.Load();
        model = new Model(model.Graph, model.Info with { Labels = ["a", "b", "c", "d"] });
        Assert.Contains("3 features to 4 classes", HeadSplit.Find(model).Description, StringComparison.Ordinal);
    }

    private static OnnxFile Grid(OnnxFile file, string name, float scale, byte zero) =>
        file.Floats($"{name}s", [], scale).Raw($"{name}z", DataType.Uint8, [], [zero]);

    private static byte[] Bytes(int count, uint seed) =>
        Array.ConvertAll(TestGraphs.Noise(count, seed), static value => (byte)Math.Clamp(128 + (value * 100), 0, 255));

    private static int[] Steps(float[] real, float scale, int zero) => Array.ConvertAll(real, value => (int)MathF.Round(value / scale) + zero);

    private static float[] Run(OnnxFile file, float[] input)
    {
        using Executable executable = Executable.Compile(file.Load().Graph);
        input.CopyTo(executable.Input());
        executable.Run();
        return executable.Output().ToArray();
    }
}
