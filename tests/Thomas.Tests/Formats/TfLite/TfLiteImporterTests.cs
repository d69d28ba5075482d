using System;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>Operators as other exporters write them, in files made by hand.</summary>
public sealed class TfLiteImporterTests
{
    // Type numbers of options that Thomas reads but never writes.
    private const BuiltinOptions SqueezeOptions = (BuiltinOptions)30, BatchMatMulOptions = (BuiltinOptions)101;

    private static readonly float[] Six = TestGraphs.Noise(6, 7);
    private readonly FileGraph _file = new();

    [Fact]
    public void A_reshape_to_computed_sizes_is_worked_out_while_reading()
    {
        int x = Input([1, 2, 3]);
        int shape = Call(BuiltinOperator.SHAPE, [x], TfLiteType.INT32, [3]);
        int batch = Call(
            BuiltinOperator.STRIDED_SLICE, [shape, Ints(0), Ints(1), Ints(1)], TfLiteType.INT32, [], new OptionsTable(BuiltinOptions.StridedSlice).Int(4, 1));
        int rest = Call(BuiltinOperator.GATHER, [shape, Ints(1, 2)], TfLiteType.INT32, [2]);
        int product = Call(BuiltinOperator.REDUCE_PROD, [rest, Ints(0)], TfLiteType.INT32, []);
        int wanted = Call(BuiltinOperator.PACK, [batch, product], TfLiteType.INT32, [2]);
        Model model = Read(Call(BuiltinOperator.RESHAPE, [x, wanted], TfLiteType.FLOAT32, [1, 6]));
        Assert.Equal(new ReshapeAttributes(new IntList(0, 6)), Assert.Single(model.Graph.Nodes).Attributes);
    }

    [Fact]
    public void A_fully_connected_layer_may_keep_leading_axes()
    {
        int x = Input([1, 2, 3]), weights = Floats([2, 3], 1, 0, 0, 0, 0, 2);
        Model model = Read(
            Call(
                BuiltinOperator.FULLY_CONNECTED, [x, weights, -1], TfLiteType.FLOAT32, [1, 2, 2],
                new OptionsTable(BuiltinOptions.FullyConnected).Bool(2, true)));
        Assert.Equal(new Shape(1, 2, 2), model.Graph.Outputs[0].Shape);
        AssertOutput(model, [Six[0], 2 * Six[2], Six[3], 2 * Six[5]]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_product_with_a_constant_matrix_is_a_dense_layer(bool isTransposed)
    {
        int x = Input([1, 2, 3]), matrix = isTransposed ? Floats([2, 3], 1, 0, 0, 0, 0, 2) : Floats([3, 2], 1, 0, 0, 0, 0, 2);
        Model model = Read(
            Call(BuiltinOperator.BATCH_MATMUL, [x, matrix], TfLiteType.FLOAT32, [1, 2, 2], new OptionsTable(BatchMatMulOptions).Bool(1, isTransposed)));
        AssertOutput(model, [Six[0], 2 * Six[2], Six[3], 2 * Six[5]]);
    }

    [Fact]
    public void Axes_of_size_one_come_and_go()
    {
        int x = Input([1, 2, 1, 3]);
        int squeezed = Call(BuiltinOperator.SQUEEZE, [x], TfLiteType.FLOAT32, [1, 2, 3], new OptionsTable(SqueezeOptions).Ints(0, [-2]));
        Model model = Read(Call(BuiltinOperator.EXPAND_DIMS, [squeezed, Ints(-1)], TfLiteType.FLOAT32, [1, 2, 3, 1]));
        Assert.Equal(new Shape(1, 2, 3, 1), model.Graph.Outputs[0].Shape);
        AssertOutput(model, Six);
    }

    [Fact]
    public void Splits_become_slices()
    {
        int x = Input([1, 6]);
        int a = Tensor("a", TfLiteType.FLOAT32, [1, 3]), b = Tensor("b", TfLiteType.FLOAT32, [1, 3]), c = Tensor("c", TfLiteType.FLOAT32, [1, 1]),
            d = Tensor("d", TfLiteType.FLOAT32, [1, 2]);
        _file.Operators.Add(new FileOperator(BuiltinOperator.SPLIT, 1, [Ints(1), x], [a, b], OptionsTable.None));
        _file.Operators.Add(new FileOperator(BuiltinOperator.SPLIT_V, 1, [b, Ints(1, -1), Ints(-1)], [c, d], OptionsTable.None));
        AssertOutput(Read(d, a), [Six[4], Six[5], Six[0], Six[1], Six[2]]);
    }

    [Fact]
    public void Vectors_are_brought_to_length_one()
    {
        int x = Input([1, 6]);
        double length = 0;
        foreach (float value in Six) length += value * value;
        AssertOutput(
            Read(Call(BuiltinOperator.L2_NORMALIZATION, [x], TfLiteType.FLOAT32, [1, 6])), Array.ConvertAll(Six, value => (float)(value / Math.Sqrt(length))));
    }

    [Fact]
    public void Squares_and_squared_differences()
    {
        int x = Input([1, 6]);
        int square = Call(BuiltinOperator.SQUARE, [x], TfLiteType.FLOAT32, [1, 6]);
        AssertOutput(
            Read(Call(BuiltinOperator.SQUARED_DIFFERENCE, [square, x], TfLiteType.FLOAT32, [1, 6])),
            Array.ConvertAll(Six, value => ((value * value) - value) * ((value * value) - value)));
    }

    [Fact]
    public void Fused_activations_become_nodes_and_keep_the_result_name()
    {
        int x = Input([1, 6]);
        Model model = Read(
            Call(BuiltinOperator.ADD, [x, x], TfLiteType.FLOAT32, [1, 6], new OptionsTable(BuiltinOptions.Add).Byte(0, (byte)FusedActivation.RELU)));
        Assert.Equal("ADD", model.Graph.Outputs[0].Name);
        AssertOutput(model, Array.ConvertAll(Six, value => Math.Max(0, 2 * value)));
    }

    [Fact]
    public void Half_precision_weights_are_widened()
    {
        int x = Input([1, 3]);
        Half[] stored = [(Half)1.5f, (Half)(-2), (Half)0.25f];
        int halves = _file.AddTensor(new FileTensor("halves", TfLiteType.FLOAT16, [3], MemoryMarshal.AsBytes(stored.AsSpan()).ToArray()));
        int weights = Call(BuiltinOperator.DEQUANTIZE, [halves], TfLiteType.FLOAT32, [3]);
        Model model = Read(Call(BuiltinOperator.MUL, [x, weights], TfLiteType.FLOAT32, [1, 3], new OptionsTable(BuiltinOptions.Mul)));
        Assert.Equal(new float[] { 1.5f, -2, 0.25f }, model.Graph.Nodes[0].Inputs[1].Constant!.Floats.ToArray());
        Assert.Contains(model.Info.Notes, note => note.Contains("16-bit weights", StringComparison.Ordinal));
    }

    [Fact]
    public void Eight_bit_weights_are_dequantized_along_their_axis()
    {
        int x = Input([1, 2]);
        int weights = _file.AddTensor(new FileTensor("w", TfLiteType.INT8, [2, 2], new byte[] { 1, 2, 255, 4 }, new Quantization([0.5f, 0.25f], [0, 1], 0)));
        Model model = Read(Call(BuiltinOperator.FULLY_CONNECTED, [x, weights], TfLiteType.FLOAT32, [1, 2], new OptionsTable(BuiltinOptions.FullyConnected)));
        Assert.Equal(new float[] { 0.5f, 1, -0.5f, 0.75f }, model.Graph.Nodes[0].Inputs[1].Constant!.Floats.ToArray());
        Assert.True(model.Info.IsQuantized);
    }

    [Fact]
    public void A_one_dimensional_bias_may_carry_the_axis_of_its_filter()
    {
        int x = Input([1, 2]), weights = Floats([2, 2], 1, 0, 0, 1);
        byte[] stored = MemoryMarshal.AsBytes(new int[] { 4, -8 }.AsSpan()).ToArray();
        int bias = _file.AddTensor(new FileTensor("b", TfLiteType.INT32, [2], stored, new Quantization([0.5f, 0.25f], [0, 0], 3)));
        Model model = Read(
            Call(BuiltinOperator.FULLY_CONNECTED, [x, weights, bias], TfLiteType.FLOAT32, [1, 2], new OptionsTable(BuiltinOptions.FullyConnected)));
        AssertOutput(model, [Six[0] + 2, Six[1] - 2]);
    }

    [Fact]
    public void Moving_numbers_on_one_grid_rounds_once()
    {
        Quantization grid = new([0.1f], [3]);
        int x = _file.AddTensor(new FileTensor("x", TfLiteType.INT8, [1, 6], default, grid));
        _file.Inputs.Add(x);
        int reshaped = _file.AddTensor(new FileTensor("reshaped", TfLiteType.INT8, [1, 2, 3], default, grid));
        _file.Operators.Add(new FileOperator(BuiltinOperator.RESHAPE, 1, [x, Ints(1, 2, 3)], [reshaped], OptionsTable.None));
        Model model = Read(Call(BuiltinOperator.DEQUANTIZE, [reshaped], TfLiteType.FLOAT32, [1, 2, 3]));
        Assert.Collection(model.Graph.Nodes, node => Assert.Same(OpCatalog.FakeQuantize, node.Op), node => Assert.Same(OpCatalog.Reshape, node.Op));
        Assert.Equal("DEQUANTIZE", model.Graph.Outputs[0].Name);
    }

    [Fact]
    public void Everything_that_is_not_supported_is_listed_at_once()
    {
        int x = Input([1, 6]);
        int a = Call(BuiltinOperator.CUMSUM, [x], TfLiteType.FLOAT32, [1, 6]), b = Call(BuiltinOperator.CUMSUM, [a], TfLiteType.FLOAT32, [1, 6]);
        int c = Call(BuiltinOperator.ADD, [x, x], TfLiteType.FLOAT32, [1, 6], new OptionsTable(BuiltinOptions.Add).Byte(0, (byte)FusedActivation.SIGN_BIT));
        int d = Call(BuiltinOperator.SIN, [x], TfLiteType.FLOAT32, [1, 6]);
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => Read(b, c, d));
        Assert.Equal(["CUMSUM (2 times, first at 'CUMSUM')", "ADD with the fused activation SIGN_BIT (at 'ADD')", "SIN (at 'SIN')"], e.Operators);
    }

    [Fact]
    public void An_open_size_is_asked_for()
    {
        int x = _file.AddTensor(new FileTensor("image", TfLiteType.FLOAT32, [1, -1, -1, 3], default));
        _file.Inputs.Add(x);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Read(Call(BuiltinOperator.EXP, [x], TfLiteType.FLOAT32, [1, -1, -1, 3])));
        Assert.Contains("--size N", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Channels_that_are_open_are_refused()
    {
        int x = _file.AddTensor(new FileTensor("image", TfLiteType.FLOAT32, [1, 8, 8, -1], default));
        _file.Inputs.Add(x);
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => Read(Call(BuiltinOperator.EXP, [x], TfLiteType.FLOAT32, [1, 8, 8, -1])));
        Assert.Contains("only the batch and the image size may be open", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exponential_and_gaussian_units_are_spelled_out()
    {
        Model elu = Read(Call(BuiltinOperator.ELU, [Input([1, 6])], TfLiteType.FLOAT32, [1, 6]));
        AssertOutput(elu, Array.ConvertAll(Six, static v => v > 0 ? v : MathF.Exp(v) - 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gelu_is_exact_or_by_tanh(bool approximate)
    {
        Model model = Read(Call(BuiltinOperator.GELU, [Input([1, 6])], TfLiteType.FLOAT32, [1, 6], new OptionsTable((BuiltinOptions)123).Bool(0, approximate)));
        AssertOutput(
            model,
            Array.ConvertAll(
                Six,
                v => approximate
                ? 0.5f * v * (1 + MathF.Tanh(0.797884561f * (v + (0.044715f * v * v * v))))
                : 0.5f * v * (1 + ErrorFunction(v * 0.707106781f))));
    }

    /// <summary>By the trapezoid rule.</summary>
    private static float ErrorFunction(double x)
    {
        const int steps = 20_000;
        double sum = 0.5 * (1 + Math.Exp(-x * x));
        for (int i = 1; i < steps; i++) sum += Math.Exp(-x * x * i * i / steps / steps);
        return (float)(2 / Math.Sqrt(Math.PI) * sum * x / steps);
    }

    [Fact]
    public void A_convolution_that_is_spread_over_the_batch_is_a_dilated_one()
    {
        int x = Input([1, 6, 1, 1]), filter = Floats([1, 3, 1, 1], 1, 10, 100);
        int spread = Call(BuiltinOperator.SPACE_TO_BATCH_ND, [x, Ints(2, 1), Pairs(2, 2, 0, 0)], TfLiteType.FLOAT32, [2, 5, 1, 1]);
        int product = Call(
            BuiltinOperator.CONV_2D, [spread, filter], TfLiteType.FLOAT32, [2, 3, 1, 1],
            new OptionsTable(BuiltinOptions.Conv2D).Byte(0, 1).Int(1, 1).Int(2, 1));
        Model model = Read(Call(BuiltinOperator.BATCH_TO_SPACE_ND, [product, Ints(2, 1), Pairs(0, 0, 0, 0)], TfLiteType.FLOAT32, [1, 6, 1, 1]));
        float At(int i) => i is >= 0 and < 6 ? Six[i] : 0;
        float[] expected = new float[6];
        for (int i = 0; i < 6; i++) expected[i] = At(i - 2) + (10 * At(i)) + (100 * At(i + 2));
        AssertOutput(model, expected);
    }

    [Fact]
    public void Repeated_mirrored_and_regrouped_elements_are_where_they_belong()
    {
        Model nearest = Read(Call(BuiltinOperator.RESIZE_NEAREST_NEIGHBOR, [Input([1, 2, 3, 1]), Ints(2, 6)], TfLiteType.FLOAT32, [1, 2, 6, 1]));
        AssertOutput(nearest, [Six[0], Six[0], Six[1], Six[1], Six[2], Six[2], Six[3], Six[3], Six[4], Six[4], Six[5], Six[5]]);
    }

    [Fact]
    public void Resizing_is_to_any_size()
    {
        int x = Input([1, 2, 3, 1]);
        int centers = Call(
            BuiltinOperator.RESIZE_BILINEAR, [x, Ints(2, 6)], TfLiteType.FLOAT32, [1, 2, 6, 1], new OptionsTable((BuiltinOptions)15).Bool(3, true));
        int corners = Call(
            BuiltinOperator.RESIZE_BILINEAR, [x, Ints(2, 5)], TfLiteType.FLOAT32, [1, 2, 5, 1], new OptionsTable((BuiltinOptions)15).Bool(2, true));
        int edges = Call(BuiltinOperator.RESIZE_BILINEAR, [x, Ints(2, 6)], TfLiteType.FLOAT32, [1, 2, 6, 1]);
        int nearest = Call(BuiltinOperator.RESIZE_NEAREST_NEIGHBOR, [x, Ints(1, 2)], TfLiteType.FLOAT32, [1, 1, 2, 1]);
        Model model = Read(centers, corners, edges, nearest);
        AssertOutput(
            model, 0,
            Rows(static (a, b, c) => [a, (0.75f * a) + (0.25f * b), (0.25f * a) + (0.75f * b), (0.75f * b) + (0.25f * c), (0.25f * b) + (0.75f * c), c]));
        AssertOutput(model, 1, Rows(static (a, b, c) => [a, (a + b) / 2, b, (b + c) / 2, c]));
        AssertOutput(model, 2, Rows(static (a, b, c) => [a, (a + b) / 2, b, (b + c) / 2, c, c]));
        AssertOutput(model, 3, [Six[0], Six[1]]);

        static float[] Rows(Func<float, float, float, float[]> row) => [.. row(Six[0], Six[1], Six[2]), .. row(Six[3], Six[4], Six[5])];
    }

    [Fact]
    public void Pieces_are_taken_apart_and_put_together()
    {
        int x = Input([1, 2, 3]), upper = Tensor("upper", TfLiteType.FLOAT32, [1, 3]), lower = Tensor("lower", TfLiteType.FLOAT32, [1, 3]);
        _file.Operators.Add(new FileOperator(BuiltinOperator.UNPACK, 1, [x], [upper, lower], new OptionsTable((BuiltinOptions)64).Int(0, 2).Int(1, 1)));
        int turned = Call(BuiltinOperator.PACK, [lower, upper], TfLiteType.FLOAT32, [1, 2, 3], new OptionsTable((BuiltinOptions)59).Int(0, 2).Int(1, 1));
        int picked = Call(BuiltinOperator.GATHER, [x, Ints(2, 0)], TfLiteType.FLOAT32, [1, 2, 2], new OptionsTable((BuiltinOptions)23).Int(0, 2));
        int tiled = Call(BuiltinOperator.TILE, [upper, Ints(1, 2)], TfLiteType.FLOAT32, [1, 6]);
        int least = Call(BuiltinOperator.REDUCE_MIN, [x, Ints(2)], TfLiteType.FLOAT32, [1, 2], new OptionsTable((BuiltinOptions)27).Bool(0, false));
        int stretched = Call(BuiltinOperator.BROADCAST_TO, [upper, Ints(1, 2, 3)], TfLiteType.FLOAT32, [1, 2, 3]);
        int sum = Call(BuiltinOperator.ADD_N, [x, turned, x], TfLiteType.FLOAT32, [1, 2, 3]);
        Model model = Read(turned, picked, tiled, least, stretched, sum);
        AssertOutput(model, 0, [.. Six[3..], .. Six[..3]]);
        AssertOutput(model, 1, [Six[2], Six[0], Six[5], Six[3]]);
        AssertOutput(model, 2, [.. Six[..3], .. Six[..3]]);
        AssertOutput(model, 3, [Math.Min(Six[0], Math.Min(Six[1], Six[2])), Math.Min(Six[3], Math.Min(Six[4], Six[5]))]);
        AssertOutput(model, 4, [.. Six[..3], .. Six[..3]]);
        float[] expected = new float[6];
        for (int i = 0; i < 6; i++) expected[i] = (2 * Six[i]) + Six[(i + 3) % 6];
        AssertOutput(model, 5, expected);
    }

    [Fact]
    public void Padding_may_mirror()
    {
        Model model = Read(Call(BuiltinOperator.MIRROR_PAD, [Input([1, 6]), Pairs(0, 0, 2, 1)], TfLiteType.FLOAT32, [1, 9]));
        AssertOutput(model, [Six[2], Six[1], .. Six, Six[4]]);
    }

    [Fact]
    public void Depth_becomes_space()
    {
        Model model = Read(
            Call(BuiltinOperator.DEPTH_TO_SPACE, [Input([1, 1, 1, 4])], TfLiteType.FLOAT32, [1, 2, 2, 1], new OptionsTable((BuiltinOptions)94).Int(0, 2)));
        Assert.Equal(new Shape(1, 2, 2, 1), model.Graph.Outputs[0].Shape);
    }

    [Fact]
    public void The_best_class_is_left_out()
    {
        int x = Input([1, 6]), scores = Call(BuiltinOperator.EXP, [x], TfLiteType.FLOAT32, [1, 6]);
        Model model = Read(Call(BuiltinOperator.ARG_MAX, [scores, Ints(1)], TfLiteType.INT64, [1]));
        Assert.Equal("EXP", Assert.Single(model.Graph.Outputs).Name);
        Assert.Contains(model.Info.Notes, static note => note.Contains("is a decision", StringComparison.Ordinal));
    }

    [Fact]
    public void An_activation_beyond_reason_is_refused()
    {
        int x = Input([1, 6]), pads = _file.AddInts("pads", [0, 0, 1 << 29, 0], [2, 2]);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Read(Call(BuiltinOperator.PAD, [x, pads], TfLiteType.FLOAT32, [1, 6])));
        Assert.Contains("the limit for one activation", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_a_value_before_it_exists_is_an_error_that_names_the_operator()
    {
        int x = Input([1, 6]), later = Tensor("later", TfLiteType.FLOAT32, [1, 6]);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Read(Call(BuiltinOperator.ADD, [x, later], TfLiteType.FLOAT32, [1, 6])));
        Assert.Contains("operator 0", e.Message, StringComparison.Ordinal);
        Assert.Contains("'later'", e.Message, StringComparison.Ordinal);
    }

    private int Input(int[] dims)
    {
        int tensor = Tensor("x", TfLiteType.FLOAT32, dims);
        _file.Inputs.Add(tensor);
        return tensor;
    }

    private int Tensor(string name, TfLiteType type, int[] dims) => _file.AddTensor(new FileTensor(name, type, dims, default));

    private int Ints(params ReadOnlySpan<int> values) => _file.AddInts("ints", values);

    private int Pairs(params ReadOnlySpan<int> values) => _file.AddInts("pairs", values, [values.Length / 2, 2]);

    private int Floats(int[] dims, params float[] values) => _file.AddFloats("floats", dims, values);

    private int Call(BuiltinOperator code, int[] inputs, TfLiteType type, int[] dims, OptionsTable? options = null)
    {
        int result = Tensor(code.ToString(), type, dims);
        _file.Operators.Add(new FileOperator(code, 1, inputs, [result], options ?? OptionsTable.None));
        return result;
    }

    private Model Read(params ReadOnlySpan<int> outputs)
    {
        foreach (int output in outputs) _file.Outputs.Add(output);
        using MemoryStream stream = new();
        FileSerializer.Write(_file, [], stream);
        Model model = TfLiteReader.Read(stream.ToArray(), "made by hand");
        GraphVerifier.Verify(model.Graph);
        return model;
    }

    /// <summary>The input is the noise of seed 7, as <see cref="TestGraphs.Run"/> feeds it.</summary>
    private static void AssertOutput(Model model, float[] expected) => AssertClose(expected, TestGraphs.Run(model.Graph, TestGraphs.Oracle));

    private static void AssertOutput(Model model, int output, float[] expected)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, TestGraphs.Oracle);
        Six.CopyTo(executable.Input());
        executable.Run();
        AssertClose(expected, executable.Output(output).ToArray());
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
    }
}
