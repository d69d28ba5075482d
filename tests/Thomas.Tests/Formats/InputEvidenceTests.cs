using System;
using System.IO;
using Thomas.Formats;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Formats.Onnx;
using Xunit;
using static Thomas.Formats.Onnx.Proto.TensorProto.Types;

namespace Thomas.Tests.Formats;

public sealed class InputEvidenceTests
{
    private static readonly float[] TorchMean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] TorchStd = [0.229f, 0.224f, 0.225f];

    // MLPerf Tiny's exports, Edge Impulse's (0 to 1, not quite filled by the calibration images), TFLite Micro's, and PyTorch's normalization.
    [Theory]
    [InlineData(nameof(TfLiteType.INT8), 1f / 255, -128, 0f, 255f)]
    [InlineData(nameof(TfLiteType.INT8), 1f, -128, 0f, 1f)]
    [InlineData(nameof(TfLiteType.INT8), 1f, 0, 128f, 1f)]
    [InlineData(nameof(TfLiteType.INT8), 0.00784314f, -1, 127f, 127.5f)]
    [InlineData(nameof(TfLiteType.INT8), 0.0078125f, 0, 128f, 128f)]
    [InlineData(nameof(TfLiteType.INT8), 0.0037f, -128, 0f, 255f)]
    [InlineData(nameof(TfLiteType.INT8), 0.0076f, 0, 127.5f, 127.5f)]
    [InlineData(nameof(TfLiteType.UINT8), 1f / 255, 0, 0f, 255f)]
    [InlineData(nameof(TfLiteType.UINT8), 1f, 0, 0f, 1f)]
    [InlineData(nameof(TfLiteType.UINT8), 0.0078125f, 128, 128f, 128f)]
    [InlineData(nameof(TfLiteType.UINT8), 0.0155f, 100, 100f, 64.516f)]
    [InlineData(nameof(TfLiteType.INT16), 255f / 32767, 0, 0f, 1f)]
    [InlineData(nameof(TfLiteType.INT16), 1f / 32768, 0, 127.5f, 127.5f)]
    public void The_grid_of_an_integer_input_tells_the_normalization(string type, float scale, int zero, float mean, float std)
    {
        Model model = ModelFiles.Load(QuantizedFile(Enum.Parse<TfLiteType>(type), scale, zero, 3), "small.tflite");
        ImageInput input = ImageInput.Of(model);
        Assert.False(input.IsGuess);
        Assert.Equal((mean, std), (input.Preprocessing.Mean.Second, float.Round(input.Preprocessing.Std.Second, 3)));
        Assert.Equal(ColorOrder.Rgb, input.Preprocessing.ColorOrder);
        Assert.StartsWith($"from its {type.ToLowerInvariant()} input: scale", input.Source, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(TfLiteType.INT8), -14)]
    [InlineData(nameof(TfLiteType.UINT8), 114)]
    public void An_integer_grid_of_torch_s_normalization_gives_its_means(string type, int zero)
    {
        Preprocessing found = ImageInput.Of(ModelFiles.Load(QuantizedFile(Enum.Parse<TfLiteType>(type), 0.0186311f, zero, 3), "small.tflite")).Preprocessing;
        Assert.Equal(Small("imagenet"), found);
    }

    [Fact]
    public void A_gray_integer_input_is_gray()
    {
        ImageInput input = ImageInput.Of(ModelFiles.Load(QuantizedFile(TfLiteType.INT8, 0.00784314f, -1, 1), "small.tflite"));
        Assert.Equal((ColorOrder.Gray, 127f), (input.Preprocessing.ColorOrder, input.Preprocessing.Mean.First));
    }

    [Fact]
    public void Commands_say_what_is_believed_and_why()
    {
        using Cli.CliFixture files = new();
        File.WriteAllBytes(files["int8.tflite"], QuantizedFile(TfLiteType.INT8, 1f / 255, -128, 3));
        Cli.CliFixture.Image(files["image.png"], 0, 1);
        const string Why = "from its int8 input: scale 0.003922, zero point -128, real numbers 0 to 1; the bytes of an image are its steps";
        Assert.Contains(
            $"note: int8.tflite is fed RGB, x / 255 for bytes x: 0 to 1; {Why}", Cli.CliRun.Of("classify", files["int8.tflite"], files["image.png"]).Error,
            StringComparison.Ordinal);
        Assert.DoesNotContain("is fed", Cli.CliRun.Of("classify", files["int8.tflite"], files["image.png"], "--quiet").Error, StringComparison.Ordinal);
        Assert.Contains(Why, Cli.CliRun.Of("inspect", files["int8.tflite"]).Out, StringComparison.Ordinal);
        Assert.Equal(
            Why,
            Cli.CliRun.Of("classify", files["int8.tflite"], files["image.png"], "--json").Json().GetProperty("preprocessing").GetProperty("source")
                .GetString());
    }

    [Fact]
    public void What_Thomas_wrote_goes_before_the_grid()
    {
        Preprocessing written = Preprocessing.Preset("tf", 6, 5) with { Resize = ResizeMode.Stretch };
        ImageInput input = ImageInput.Of(ModelFiles.Load(QuantizedFile(TfLiteType.INT8, 1f / 255, -128, 3, written), "small.tflite"));
        Assert.Equal((written, "read from the model file"), (input.Preprocessing, input.Source));
    }

    [Theory]
    [InlineData(true, 1f / 255, 0x80, 0f, 255f)]
    [InlineData(false, 1f / 255, 0, 0f, 255f)]
    [InlineData(true, 0.0078431f, 0, 128f, 127.501f)]
    public void Onnx_integer_inputs_are_told_by_their_first_reader(bool isSigned, float scale, byte zero, float mean, float std)
    {
        DataType type = isSigned ? DataType.Int8 : DataType.Uint8;
        OnnxFile file = new OnnxFile().InputOf(type, "x", 1, 3, 5, 6).Floats("s", [], scale).Raw("z", type, [], [zero])
            .Node("DequantizeLinear", ["x", "s", "z"], ["r"]).Node("Relu", ["r"], ["y"]).Output("y");
        ImageInput input = ImageInput.Of(file.Load());
        Assert.Equal((mean, std), (input.Preprocessing.Mean.First, float.Round(input.Preprocessing.Std.First, 3)));
        Assert.False(input.IsGuess);
    }

    [Theory]
    [InlineData(1f / 255, 0x80, "unit")]
    [InlineData(1f, 0x80, "raw")]
    [InlineData(0.0078431f, 0, "tf")]
    [InlineData(0.0186584f, 0xF2, "imagenet")]
    public void A_float_input_that_is_quantized_at_once_is_told_by_that_grid(float scale, byte zero, string preset)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 3, 5, 6).Floats("s", [], scale).Raw("z", DataType.Int8, [], [zero])
            .Node("QuantizeLinear", ["x", "s", "z"], ["q"]).Node("DequantizeLinear", ["q", "s", "z"], ["r"]).Node("Relu", ["r"], ["y"]).Output("y");
        ImageInput input = ImageInput.Of(file.Load());
        Assert.Equal(Small(preset), input.Preprocessing);
        Assert.StartsWith("from the 8-bit grid that the graph rounds its input to", input.Source, StringComparison.Ordinal);
    }

    // Keras' Rescaling layers, mean subtraction as Caffe's, normalization as torchvision's put into the graph.
    [Theory]
    [InlineData("x * 0.00392157", "raw")]
    [InlineData("x / 127.5 - 1", "raw")]
    [InlineData("x * 2 - 1", "unit")]
    [InlineData("x / 2 + 0.5", "tf")]
    [InlineData("x - 127.5 / 127.5", "raw")]
    [InlineData("x / 64", "raw")]
    [InlineData("x * 3.3 - 1.2", "unit")]
    public void Rescaling_at_the_head_of_the_graph_tells_what_comes_in(string arithmetic, string preset)
    {
        (Preprocessing found, string source) = InputEvidence.Find(Rescaled(arithmetic), default)!.Value;
        Assert.Equal(Small(preset), found);
        Assert.StartsWith("from the graph, which turns", source, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, ColorOrder.Rgb)]
    [InlineData(true, ColorOrder.Bgr)]
    public void Means_per_channel_tell_the_order_of_colors(bool flipped, ColorOrder order)
    {
        float[] mean = [.. TorchMean], std = [.. TorchStd];
        if (flipped)
        {
            Array.Reverse(mean);
            Array.Reverse(std);
        }

        Assert.Equal(Small("unit") with { ColorOrder = order }, InputEvidence.Find(Normalized(mean, std), default)!.Value.Preprocessing);
        Assert.Equal(
            Small("raw") with { ColorOrder = order },
            InputEvidence.Find(Normalized(Array.ConvertAll(mean, m => m * 255), Array.ConvertAll(std, s => s * 255)), default)!.Value.Preprocessing);
        float[] caffe = flipped ? [103.94f, 116.78f, 123.68f] : [123.68f, 116.78f, 103.94f];
        Assert.Equal(Small("raw") with { ColorOrder = order }, InputEvidence.Find(Normalized(caffe, [1, 1, 1]), default)!.Value.Preprocessing);
    }

    [Theory]
    [InlineData(0.456f, 0.05f, "unit")]
    [InlineData(118f, 4000f, "raw")]
    [InlineData(-0.08f, 0.27f, "tf")]
    [InlineData(0.01f, 1.2f, "imagenet")]
    public void Batch_normalization_of_the_input_tells_the_images_it_was_trained_on(float mean, float variance, string preset)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 3)));
        Value[] operands = [x, Per("scale", 1), Per("shift", 0), Per("mean", mean), Per("variance", variance)];
        Graph graph = builder.Build(builder.Add(OpCatalog.BatchNorm, operands, new BatchNormAttributes(1e-5f), "y"));
        Assert.Equal(Small(preset), InputEvidence.Find(graph, default)!.Value.Preprocessing);

        Value Per(string name, float value) => builder.Constant(name, TensorData.FromFloats(new Shape(3), [value, value, value]));
    }

    [Fact]
    public void Metadata_is_used_where_the_graph_is_silent_and_not_where_it_says_otherwise()
    {
        (ChannelValues, ChannelValues) signed = (new ChannelValues(127.5f), new ChannelValues(127.5f));
        (Preprocessing found, string source) = InputEvidence.Find(Rescaled(""), new InputClaims(Metadata: signed))!.Value;
        Assert.Equal((Small("tf"), "from the normalization in the file's metadata"), (found, source));
        (found, source) = InputEvidence.Find(Rescaled("x * 2 - 1"), new InputClaims(Metadata: signed))!.Value;
        Assert.Equal(Small("unit"), found);
        Assert.Equal("from the graph, which turns 0 to 1 into -1 to 1 itself; the file's metadata says -1 to 1, which does not fit and is not used", source);
        (found, source) = InputEvidence.Find(Rescaled(""), new InputClaims(InputNumbers.Int8, new Quantization([1f / 255], [-128]), signed))!.Value;
        Assert.Equal((0f, 255f), (found.Mean.First, float.Round(found.Std.First, 2)));
        Assert.Contains("is not used", source, StringComparison.Ordinal);
        (_, source) = InputEvidence.Find(Rescaled(""), new InputClaims(InputNumbers.UInt8, new Quantization([1f / 128], [128]), signed))!.Value;
        Assert.EndsWith("the file's metadata agrees", source, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NominalRange_0_255", "Bgr8", "raw", ColorOrder.Bgr)]
    [InlineData("Normalized_0_1", "Rgb8", "unit", ColorOrder.Rgb)]
    [InlineData("Normalized_1_1", null, "tf", ColorOrder.Rgb)]
    public void Onnx_names_the_range_of_pixels_and_their_order(string range, string? format, string preset, ColorOrder order)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 3, 5, 6).Node("Relu", ["x"], ["y"]).Output("y").Metadata("Image.NominalPixelRange", range);
        if (format is not null) file.Metadata("Image.BitmapPixelFormat", format);
        ImageInput input = ImageInput.Of(file.Load());
        Assert.Equal(Small(preset) with { ColorOrder = order }, input.Preprocessing);
        Assert.Equal("from the normalization in the file's metadata", input.Source);
    }

    [Fact]
    public void Metadata_for_numbers_from_0_to_1_is_understood()
    {
        Preprocessing found =
            InputEvidence.Find(Rescaled(""), new InputClaims(Metadata: (new(0.485f, 0.456f, 0.406f), new(0.229f, 0.224f, 0.225f))))!.Value.Preprocessing;
        Assert.Equal((123.675f, 57.375f), (float.Round(found.Mean.First, 3), float.Round(found.Std.Third, 3)));
        Assert.Equal(new ChannelValues(1), InputEvidence.Find(Rescaled(""), new InputClaims(Metadata: (new(0), new(1))))!.Value.Preprocessing.Std);
    }

    [Fact]
    public void Without_evidence_there_is_none()
    {
        Assert.Null(InputEvidence.Find(Rescaled(""), default));
        GraphBuilder builder = new();
        Graph vector = builder.Build(builder.Add(OpCatalog.Abs, [builder.Input("x", new TensorType(DType.F32, new Shape(1, 8)))], null, "y"));
        Assert.Null(InputEvidence.Find(vector, new InputClaims(InputNumbers.Int8, new Quantization([1], [0]))));
        Assert.Null(InputEvidence.Find(Rescaled(""), new InputClaims(InputNumbers.Int8, new Quantization([1e-39f], [0]))));
    }

    // Batch normalization folded into the first layer: results of about 1, whatever comes in.
    [Theory]
    [InlineData(0.004f, 0f, "raw")]
    [InlineData(0.5f, -0.45f, "unit")]
    [InlineData(0.5f, 0.1f, "tf")]
    public void Without_evidence_the_first_layer_s_weights_make_the_guess(float size, float biasForMean, string preset)
    {
        const int Filters = 8;
        float[] filter = new float[Filters * 27], bias = new float[Filters];
        for (int i = 0; i < filter.Length; i++) filter[i] = size * (1 + MathF.Sin(i));
        for (int f = 0; f < Filters; f++)
        {
            float sum = 0;
            for (int i = 0; i < 27; i++) sum += filter[(f * 27) + i];
            bias[f] = sum * biasForMean;
        }

        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 3)));
        Value w = builder.Constant("w", TensorData.FromFloats(new Shape(Filters, 3, 3, 3), filter)),
            b = builder.Constant("b", TensorData.FromFloats(new Shape(Filters), bias));
        Graph graph = builder.Build(builder.Add(OpCatalog.Conv2d, [x, w, b], new Conv2dAttributes(new Window2d(3, 3), HasBias: true), "y"));
        ImageInput input = ImageInput.Of(new Model(graph, new ModelInfo { Name = "net", InputLayout = ImageLayout.Nhwc }));
        Assert.True(input.IsGuess);
        Assert.Equal(Small(preset), input.Preprocessing);
        Assert.StartsWith($"GUESSED '{preset}' ", input.Source, StringComparison.Ordinal);
    }

    // The layout that spoke for the guess is another one in the copy.
    [Theory]
    [InlineData(ImageLayout.Nchw, "imagenet")]
    [InlineData(ImageLayout.Nhwc, "tf")]
    public void A_guess_goes_with_the_network_into_every_file_that_is_made_of_it(ImageLayout layout, string preset)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 3)));
        Model model = new(builder.Build(builder.Add(OpCatalog.Abs, [x], null, "y")), new ModelInfo
        {
            Name = "net",
            SourceFormat = ModelFormat.Onnx,
            InputLayout = layout,
        });
        foreach (ModelFormat format in (ModelFormat[])[ModelFormat.TfLite, ModelFormat.Onnx, ModelFormat.Onnx, ModelFormat.TfLite, ModelFormat.TfLite])
        {
            using MemoryStream file = new();
            model.Save(file, format);
            file.Position = 0;
            model = Model.Load(file, "net");
            ImageInput input = ImageInput.Of(model);
            Assert.Null(model.Info.Preprocessing);
            Assert.True(input.IsGuess);
            Assert.Equal(Small(preset), input.Preprocessing);
            Assert.StartsWith($"GUESSED '{preset}' as for the file that it was converted from", input.Source, StringComparison.Ordinal);
            Assert.DoesNotContain("thomas.guess", model.Info.Metadata.Keys);
        }
    }

    /// <summary>A preset as small images have it: they are not cut.</summary>
    private static Preprocessing Small(string preset) => Preprocessing.Preset(preset, 6, 5) with { CropMargin = 1 };

    /// <summary>A file with an integer input that RESHAPE passes on.</summary>
    private static byte[] QuantizedFile(TfLiteType type, float scale, int zero, int channels, Preprocessing? written = null)
    {
        FileGraph graph = new();
        Quantization grid = new([scale], [zero]);
        int x = graph.AddTensor(new FileTensor("x", type, [1, 5, 6, channels], default, grid));
        int shape = graph.AddInts("shape", [1, 30 * channels]);
        int y = graph.AddTensor(new FileTensor("y", type, [1, 30 * channels], default, grid));
        graph.Inputs.Add(x);
        graph.Outputs.Add(y);
        graph.Operators.Add(
            new FileOperator(BuiltinOperator.RESHAPE, 1, [x, shape], [y], new OptionsTable(BuiltinOptions.Reshape).Ints(0, [1, 30 * channels])));
        using MemoryStream stream = new();
        FileSerializer.Write(
            graph, written is null ? [] : MetadataSerializer.Entries(new ModelInfo { Name = "small", Preprocessing = written }, null, 1, 1), stream);
        return stream.ToArray();
    }

    /// <summary>A graph that computes what is written, from left to right.</summary>
    private static Graph Rescaled(string arithmetic)
    {
        GraphBuilder builder = new();
        Value value = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 3)));
        string[] words = arithmetic.Split(' ');
        for (int i = 1; i < words.Length; i += 2)
        {
            Value operand = builder.Constant(
                $"c{i}", TensorData.FromFloats(new Shape(1), [float.Parse(words[i + 1], System.Globalization.CultureInfo.InvariantCulture)]));
            Op op = words[i] switch { "*" => OpCatalog.Multiply, "/" => OpCatalog.Divide, "+" => OpCatalog.Add, _ => OpCatalog.Subtract };
            value = builder.Add(op, [value, operand], null, $"v{i}");
        }

        return builder.Build(builder.Add(OpCatalog.Abs, [value], null, "y"));
    }

    /// <summary>A graph that subtracts means and divides by deviations, channels first as in PyTorch.</summary>
    private static Graph Normalized(float[] mean, float[] std)
    {
        GraphBuilder builder = new();
        Value value = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 3)));
        value = builder.Add(OpCatalog.Transpose, [value], new TransposeAttributes(Transpose.NhwcToNchw), "nchw");
        value = builder.Add(OpCatalog.Subtract, [value, builder.Constant("mean", TensorData.FromFloats(new Shape(1, 3, 1, 1), mean))], null, "centered");
        value = builder.Add(OpCatalog.Divide, [value, builder.Constant("std", TensorData.FromFloats(new Shape(3, 1, 1), std))], null, "scaled");
        return builder.Build(builder.Add(OpCatalog.Abs, [value], null, "y"));
    }
}
