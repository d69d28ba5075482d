using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Formats;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Quantizing;

namespace Thomas.Cli.Options;

/// <summary>Fewer bits for what a file holds.</summary>
internal sealed class QuantizeOptions
{
    private const int DefaultImages = 100;

    private readonly Option<bool> _int8 = new("--int8")
    {
        Description = "Write 8-bit integers: a quarter of the size, for the integer arithmetic of other runtimes. A float network needs --calibration; an "
            + "8-bit one keeps its grids",
    };

    private readonly Option<bool> _fp16 =
        new("--fp16") { Description = "Write the weights of layers as 16-bit floats: half the size, nearly the same results" };

    private readonly Option<string[]> _calibration = new("--calibration")
    {
        Description = "With --int8: images like those that the model will see, to measure the ranges of activations on. A folder with images in it or below, "
            + "or a data set as --data takes it elsewhere; classes do not matter. May be given several times",
        HelpName = "folder|file",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<int?> _images = Parse.Number(
        "--calibration-images", $"Most images to take, spread over all places (default {DefaultImages})", 1, 100_000);
    private readonly Option<string> _ranges = Parse.Word(
        "--ranges", "How the range of an activation is chosen (default output)", "output", "least-error", "min-max", "percentile");
    private readonly Option<double?> _percentile = Parse.Number(
        "--percentile", "With --ranges percentile: share of the numbers below the upper end, and above the lower one (default 99.99)", 90.0, 100.0);
    private readonly Option<bool> _noEqualization =
        new("--no-equalization") { Description = "Do not scale channels between layers so that they share their grid better" };
    private readonly Option<bool> _nearestWeights =
        new("--nearest-weights") { Description = "Round each weight to the nearest 8-bit number, not so that the layers' results stay closest" };
    private readonly Option<bool> _noBiasCorrection =
        new("--no-bias-correction") { Description = "Do not change biases to make up for the mean error of rounded weights" };
    private readonly Option<string> _io = Parse.Word("--io", "With --int8: what a .tflite file takes and gives (default float)", "float", "int8", "uint8");

    public void AddTo(Command command)
    {
        command.Add(_int8);
        command.Add(_calibration);
        command.Add(_images);
        command.Add(_ranges);
        command.Add(_percentile);
        command.Add(_noEqualization);
        command.Add(_nearestWeights);
        command.Add(_noBiasCorrection);
        command.Add(_io);
        command.Add(_fp16);
    }

    public bool IsInt8(ParseResult parsed) => parsed.GetValue(_int8);

    /// <summary>Refuses options that do not go together, before anything is read.</summary>
    public void Check(ParseResult parsed, string output)
    {
        if (IsInt8(parsed) && parsed.GetValue(_fp16)) throw new UsageException("--int8 and --fp16 exclude each other.");
        if (!IsInt8(parsed))
        {
            string? alone = parsed.GetValue(_calibration) is { Length: > 0 } ? "--calibration" : parsed.GetValue(_images) is not null ? "--calibration-images"
                : parsed.GetValue(_ranges) is not null ? "--ranges" : parsed.GetValue(_percentile) is not null ? "--percentile"
                : parsed.GetValue(_noEqualization) ? "--no-equalization" : parsed.GetValue(_nearestWeights) ? "--nearest-weights"
                : parsed.GetValue(_noBiasCorrection) ? "--no-bias-correction"
                : parsed.GetValue(_io) is not null ? "--io" : null;
            if (alone is not null) throw new UsageException($"{alone} needs --int8.");
        }

        if (parsed.GetValue(_percentile) is not null && parsed.GetValue(_ranges) != "percentile")
        {
            throw new UsageException("--percentile needs --ranges percentile.");
        }

        if (parsed.GetValue(_io) is "int8" or "uint8" && ModelFiles.FormatOf(output) != ModelFormat.TfLite)
        {
            throw new UsageException("--io is for .tflite output; .onnx files in QDQ form take and give float32.");
        }
    }

    /// <summary>How the file is written.</summary>
    public SaveOptions Apply(ParseResult parsed, SaveOptions options) => !IsInt8(parsed) ? options : options with
    {
        Integers = true,
        Ends = parsed.GetValue(_io) switch
        {
            "int8" => IntegerEnds.Int8,
            "uint8" => IntegerEnds.UInt8,
            _ => IntegerEnds.Float,
        },
    };

    /// <summary>The model with fewer bits; with --int8 also what a report says of it.</summary>
    public (Model Model, QuantizedModel? Result) Apply(ParseResult parsed, Model model, Preprocessing? preprocessing, Terminal terminal)
    {
        if (parsed.GetValue(_fp16)) return (model.WithHalfWeights(), null);
        if (!IsInt8(parsed)) return (model, null);
        string[] places = parsed.GetValue(_calibration) ?? [];
        if (places.Length == 0)
        {
            if (Quantizer.IsQuantized(model)) return (model, null);
            throw new UsageException(
                "--int8 measures the ranges of activations on images: give some with --calibration FOLDER, "
                + "a hundred photos like those that the model will see. Their classes do not matter.");
        }

        Dataset images = CalibrationImages.Load(places, parsed.GetValue(_images) ?? DefaultImages);
        QuantizerOptions options = new()
        {
            Range = parsed.GetValue(_ranges) switch
            {
                "min-max" => CalibrationRange.MinMax,
                "percentile" => CalibrationRange.Percentile,
                "least-error" => CalibrationRange.LeastError,
                null or "output" => CalibrationRange.Output,
                string other => throw new UnreachableException($"Unknown {other}."),
            },
            Percentile = parsed.GetValue(_percentile) ?? new QuantizerOptions().Percentile,
            Equalize = !parsed.GetValue(_noEqualization),
            FitWeights = !parsed.GetValue(_nearestWeights),
            CorrectBiases = !parsed.GetValue(_noBiasCorrection),
            Preprocessing = preprocessing,
        };
        terminal.Decoder();
        QuantizedModel result = ProgressDisplay.Run(
            terminal, [], progress => Quantizer.Quantize(model, images, ImageDecoders.Best(), options, progress, terminal.Cancellation));
        terminal.Broken(result.Broken);
        return (result.Model, result);
    }

    /// <summary>What --int8 did, for the report; null without it.</summary>
    public Int8Report? Report(ParseResult parsed, Model model, QuantizedModel? result, SaveOptions save, string output)
    {
        if (!IsInt8(parsed)) return null;
        List<string> floats = [];
        if (ModelFiles.FormatOf(output) == ModelFormat.TfLite)
        {
            Model written = WrittenBatch.Apply(model, ModelFormat.TfLite, save).WithSignedGrids();
            foreach (Node layer in IntegerPlan.Of(written.Graph).FloatLayers()) floats.Add(layer.Name);
        }

        return new Int8Report(result?.Images, result?.Agreement, result?.SignalToNoise, floats, result?.Notes ?? []);
    }

    /// <summary>Prints that report.</summary>
    public static void Print(Terminal terminal, Int8Report report)
    {
        const int Shown = 3;
        if (report.CalibrationImages is int images)
        {
            string same = report.Agreement is double agreement ? $"the same class as the float network for {Format.Percent(agreement)}, " : "";
            terminal.Field(
                "8 bits",
                Format.Invariant($"{same}signal to noise {report.SignalToNoise:0.0} dB, on the {images} calibration images; measure the accuracy on others"));
        }
        else terminal.Field("8 bits", "the network keeps the grids that it has");
        foreach (string note in report.Notes) terminal.Note($"note: {note}");
        if (report.FloatLayers.Count == 0) return;
        List<string> names = [];
        for (int i = 0; i < report.FloatLayers.Count && i < Shown; i++) names.Add(Format.Name(report.FloatLayers[i]));
        string more = report.FloatLayers.Count > Shown ? $" and {report.FloatLayers.Count - Shown} more" : "";
        string remedy = report.CalibrationImages is null ? "; --calibration puts what was trained on grids, in signed 8-bit networks" : "";
        string compute = report.FloatLayers.Count == 1 ? "computes" : "compute";
        terminal.Note($"note: {Format.Plural(report.FloatLayers.Count, "layer")} {compute} in float32: {string.Join(", ", names)}{more}{remedy}");
    }
}
