using System;
using System.Collections.Generic;
using static System.FormattableString;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.Formats;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Cli.Output;

/// <summary>What a program that loads a written model has to know: sizes, types, value range, preprocessing as a line of code, what comes out.</summary>
internal static class Usage
{
    private const int NameColumns = 80;

    /// <summary>The facts of a model that was written to a file.</summary>
    /// <param name="model">What was saved.</param>
    /// <param name="output">The file.</param>
    /// <param name="options">How it was saved.</param>
    /// <param name="labelFile">The file with the class names, if one was written.</param>
    /// <param name="source">The file that the model came from, if it came from one.</param>
    public static UsageReport Of(Model model, string output, SaveOptions options, string? labelFile, string? source)
    {
        ModelFormat format = ModelFiles.FormatOf(output);
        Model written = WrittenBatch.Apply(model, format, options);
        ClassOutput meaning = ClassOutput.Find(model);
        Value input = written.Graph.Inputs[0], result = written.Graph.Outputs[meaning.Index];
        bool isNchw = format == ModelFormat.Onnx
            ? model.Info is not { SourceFormat: ModelFormat.Onnx, InputLayout: ImageLayout.Nhwc }
            : model.Info is { SourceFormat: ModelFormat.TfLite, InputLayout: ImageLayout.Nchw };
        Preprocessing? preprocessing = Input(model, out bool isGuess);
        isNchw &= input.Shape.Rank == 4;
        bool isOpen = written.Info.BatchIsSymbolic;
        long bytes = InputFile.LengthOf(output);
        long? sourceBytes = source is null ? null : InputFile.LengthOf(source);
        FakeQuantizeAttributes? fed = IntegerEndOf(written, input, format, options), given = IntegerEndOf(written, result, format, options);
        string type = fed is null ? "float32" : options.Ends == IntegerEnds.UInt8 ? "uint8" : "int8";
        return new UsageReport(
            new UsageTensorReport(input.Name, type, Dims(input.Shape, isNchw, isOpen), input.Shape.Rank == 4 ? isNchw ? "NCHW" : "NHWC" : null),
            new UsageTensorReport(result.Name, given is null ? "float32" : type, Dims(result.Shape, false, isOpen), null),
            meaning.Description + (given is null ? "" : Invariant($", {Real(given, options.Ends)}")),
            preprocessing is null ? null : PreprocessingFormat.Normalization(preprocessing) + (isGuess ? " (guessed)" : ""),
            preprocessing is null ? null : [PreprocessingFormat.Range(preprocessing).Low, PreprocessingFormat.Range(preprocessing).High],
            preprocessing is null ? null : preprocessing.Resize == ResizeMode.Stretch ? "stretch" : "center-crop",
            preprocessing is null
            ? null
            : Code(preprocessing, isNchw)
            + Rounded(fed, options.Ends)
            + (isOpen || input.Shape[0] == 1 ? "" : Invariant($"; x = np.repeat(x, {input.Shape[0]}, 0)  # room for {input.Shape[0]} images")),
            labelFile,
            bytes,
            sourceBytes,
            model.Info.IsQuantized && sourceBytes < bytes * 3 / 4 && FloatParts(model, format, options) is string parts
                ? $"the 8-bit source of {Format.Bytes(sourceBytes.Value)} became a file of {Format.Bytes(bytes)}: {parts} float32"
                : null);
    }

    /// <summary>Prints them as the last lines of a command.</summary>
    public static void Print(Terminal terminal, UsageReport usage, Model model, string output)
    {
        if (usage.SizeNote is not null) terminal.Field("size", usage.SizeNote);
        string layout = usage.Input.Layout is null ? "" : $" {usage.Input.Layout}";
        terminal.Field(
            "input",
            $"{VisibleText.Shorten(usage.Input.Name, NameColumns)}  "
            + $"{usage.Input.Type}[{string.Join(", ", usage.Input.Shape)}]{layout}{(usage.Normalization is null ? "" : $", {usage.Normalization}")}");
        if (Input(model, out _) is Preprocessing preprocessing)
        {
            terminal.Field("resize", PreprocessingFormat.Resizing(preprocessing, ModelFiles.FormatOf(output)));
        }

        if (usage.Code is not null) terminal.Field("in Python", usage.Code);
        terminal.Field(
            "output", $"{VisibleText.Shorten(usage.Output.Name, NameColumns)}  {usage.Output.Type}[{string.Join(", ", usage.Output.Shape)}], {usage.Meaning}");
        if (usage.LabelFile is not null) terminal.Field("labels", Format.Name(usage.LabelFile));
    }

    private static Preprocessing? Input(Model model, out bool isGuess)
    {
        isGuess = false;
        try
        {
            ImageInput input = ImageInput.Of(model);
            isGuess = input.IsGuess;
            return input.Preprocessing;
        }
        catch (ThomasException)
        {
            // Its input is no image.
            return null;
        }
    }

    private static List<string> Dims(Shape shape, bool isNchw, bool isOpen)
    {
        List<string> dims = [];
        for (int i = 0; i < shape.Rank; i++) dims.Add(i == 0 && isOpen ? "batch" : Invariant($"{shape[isNchw ? (i == 0 ? 0 : i == 1 ? 3 : i - 1) : i]}"));
        return dims;
    }

    /// <summary>One line of Python with Pillow and NumPy.</summary>
    private static string Code(Preprocessing p, bool isNchw)
    {
        string image = Invariant($"ImageOps.exif_transpose(Image.open(file)).convert(\"{(p.ColorOrder == ColorOrder.Gray ? "L" : "RGB")}\")");
        int fullWidth = (int)Math.Round(p.Width * p.CropMargin), fullHeight = (int)Math.Round(p.Height * p.CropMargin);
        int left = (fullWidth - p.Width) / 2, top = (fullHeight - p.Height) / 2;
        string sized = p.Resize == ResizeMode.Stretch
            ? Invariant($"{image}.resize(({p.Width}, {p.Height}), Image.BILINEAR)")
            : Invariant($"ImageOps.fit({image}, ({fullWidth}, {fullHeight}), Image.BILINEAR)")
            + (left == 0 && top == 0 ? "" : Invariant($".crop(({left}, {top}, {left + p.Width}, {top + p.Height}))"));
        string array = $"np.asarray({sized}, np.float32)";
        if (p.ColorOrder == ColorOrder.Bgr) array += "[:, :, ::-1]";
        if (p.Mean != default) array = $"({array} - {Numbers(p.Mean, p.Channels)})";
        if (p.Std != new ChannelValues(1)) array += $" / {Numbers(p.Std, p.Channels)}";
        string axes = p.ColorOrder == ColorOrder.Gray ? (isNchw ? "[None, None]" : "[None, :, :, None]") : isNchw ? ".transpose(2, 0, 1)[None]" : "[None]";
        return $"x = ({array}){axes}";
    }

    /// <summary>What of an 8-bit network is float32 in the file; null for nothing that makes it larger.</summary>
    private static string? FloatParts(Model model, ModelFormat format, SaveOptions options)
    {
        if (!(options.Integers ?? model.Info.WritesIntegers)) return format == ModelFormat.Onnx ? "input and output are" : "weights, input and output are";
        int layers = format == ModelFormat.Onnx ? 0 : IntegerPlan.Of(model.WithSignedGrids().Graph).FloatLayers().Count;
        return layers == 0 ? null : layers == 1 ? "one layer is" : Invariant($"{layers} layers are");
    }

    /// <summary>The grid of an end of the network that is of 8-bit integers in the file; null where it is of real numbers.</summary>
    private static FakeQuantizeAttributes? IntegerEndOf(Model written, Value value, ModelFormat format, SaveOptions options)
    {
        bool isInteger = format == ModelFormat.TfLite && options.Ends != IntegerEnds.Float && (options.Integers ?? written.Info.WritesIntegers);
        return isInteger ? IntegerPlan.Of(written.Graph).GridOf(value.IsInput && value.Consumers.Count == 1 ? value.Consumers[0].Output : value) : null;
    }

    private static int ZeroOf(FakeQuantizeAttributes grid, IntegerEnds ends) =>
        grid.Quantization.ZeroPoints[0] - grid.Minimum - (ends == IntegerEnds.UInt8 ? 0 : -sbyte.MinValue);

    private static string Real(FakeQuantizeAttributes grid, IntegerEnds ends) =>
        Invariant($"each q for {grid.Quantization.Scales[0]:G6} * (q - {ZeroOf(grid, ends)})");

    private static string Rounded(FakeQuantizeAttributes? grid, IntegerEnds ends)
    {
        if (grid is null) return "";
        string type = ends == IntegerEnds.UInt8 ? "uint8" : "int8", bounds = ends == IntegerEnds.UInt8 ? "0, 255" : "-128, 127";
        return Invariant($"; x = np.clip(np.round(x / {grid.Quantization.Scales[0]:G9}) + {ZeroOf(grid, ends)}, {bounds}).astype(np.{type})");
    }

    private static string Numbers(ChannelValues v, int channels) => channels == 1 || (v.First == v.Second && v.Second == v.Third)
        ? Invariant($"{v.First:G7}")
        : Invariant($"np.float32([{v.First:G7}, {v.Second:G7}, {v.Third:G7}])");
}
