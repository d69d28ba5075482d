using System;
using System.IO;
using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class ClassifyTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void It_lists_the_best_classes_with_probabilities()
    {
        string image = Path.Combine(_files.Data(perClass: 1), "red", "00.png");
        CliRun run = CliRun.Of("classify", _files.Model(labels: ["ant", "bee", "cat", "dog"]), image, "--top", "2");
        Assert.Equal(0, run.Code);
        Assert.Empty(run.Error);
        string[] lines = run.Out.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal(image, lines[0].Trim());
        Assert.Matches("^  (ant|bee|cat|dog) +[0-9]+\\.[0-9]%$", lines[1].TrimEnd());
    }

    [Fact]
    public void A_cache_folder_that_cannot_be_made_is_an_error_before_anything_is_computed()
    {
        string model = _files.Model();
        CliRun run = CliRun.Of("classify", model, _files.Data(perClass: 1), "--cache-dir", Path.Combine(model, "cache"));
        Assert.Equal(5, run.Code);
        Assert.Contains("The cache folder '", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Fact]
    public void Its_json_holds_probabilities_that_sum_to_one()
    {
        CliRun run = CliRun.Of("classify", _files.Model(), _files.Data(perClass: 2), "--json", "--verbose", "--threads", "1");
        Assert.Equal(0, run.Code);
        JsonElement json = run.Json();
        Assert.Equal(6, json.GetProperty("images").GetArrayLength());
        foreach (JsonElement image in json.GetProperty("images").EnumerateArray())
        {
            float sum = 0;
            foreach (JsonElement c in image.GetProperty("classes").EnumerateArray()) sum += c.GetProperty("probability").GetSingle();
            Assert.Equal(1, sum, 1e-5f);
        }

        Assert.True(json.GetProperty("kernels").GetArrayLength() >= 3);
        Assert.Contains("1 thread", json.GetProperty("device").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Serial_and_cpu_agree()
    {
        string model = _files.Model(), data = _files.Data(perClass: 1);
        Assert.Equal(CliRun.Of("classify", model, data).Out, CliRun.Of("classify", model, data, "--device", "serial").Out);
        Assert.Contains("f32_", CliRun.Of("classify", model, data, "-v").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_image_is_named_and_the_others_are_classified()
    {
        string data = _files.Data(perClass: 1), broken = Path.Combine(data, "red", "broken.jpg");
        File.WriteAllText(broken, "no image");
        CliRun run = CliRun.Of("classify", _files.Model(), data, _files["missing.png"]);
        Assert.Equal(6, run.Code);
        Assert.Contains($"thomas: error: {broken}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("missing.png: there is no such file", run.Error, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("blue", "00.png"), run.Out, StringComparison.Ordinal);
        Assert.Equal(4, CliRun.Of("classify", _files.Model(), broken).Code);
    }

    [Fact]
    public void A_folder_without_images_is_an_error()
    {
        Directory.CreateDirectory(_files["empty"]);
        CliRun run = CliRun.Of("classify", _files.Model(), _files["empty"]);
        Assert.Equal(4, run.Code);
        Assert.Contains("contains no images", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_come_from_a_file_on_request()
    {
        File.WriteAllText(_files["names.txt"], "un\r\ndeux\r\ntrois\r\nquatre\r\n");
        CliRun run = CliRun.Of("classify", _files.Model(), _files.Data(perClass: 1), "--labels", _files["names.txt"]);
        Assert.Equal(0, run.Code);
        Assert.Contains("quatre", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_file_of_another_length_is_refused()
    {
        File.WriteAllText(_files["names.txt"], "un\ndeux\n");
        CliRun run = CliRun.Of("classify", _files.Model(), _files.Data(perClass: 1), "--labels", _files["names.txt"]);
        Assert.Equal(4, run.Code);
        Assert.Contains("has 2 lines, but tiny.onnx has 4 outputs", run.Error, StringComparison.Ordinal);
        Assert.Equal(4, CliRun.Of("classify", _files.Model(), _files.Data(perClass: 1), "--labels", _files["none.txt"]).Code);
    }

    [Fact]
    public void Labels_of_another_number_than_outputs_are_refused()
    {
        CliRun run = CliRun.Of("classify", _files.Model(labels: ["a", "b"]), _files.Data(perClass: 1));
        Assert.Equal(3, run.Code);
        Assert.Contains("2 labels for 4 outputs", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guess_of_the_preprocessing_is_a_warning_with_the_way_out()
    {
        string model = _files.Model(withPreprocessing: false), data = _files.Data(perClass: 1);
        CliRun guessed = CliRun.Of("classify", model, data, "--quiet");
        Assert.Equal(0, guessed.Code);
        Assert.Contains("thomas: warning: tiny.onnx does not say how its images are normalized; guessed", guessed.Error, StringComparison.Ordinal);
        Assert.Contains("--preset imagenet|tf|unit|raw|caffe-bgr", guessed.Error, StringComparison.Ordinal);
        CliRun given = CliRun.Of("classify", model, data, "--preset", "unit", "--quiet");
        Assert.Empty(given.Error);
        Assert.NotEqual(guessed.Out, given.Out);
        Assert.Equal(given.Out, CliRun.Of("classify", model, data, "--mean", "0", "--std", "255", "-q").Out);
        Assert.Equal(given.Out, CliRun.Of("classify", _files.Model("said.onnx"), data, "--crop-margin", "1", "-q").Out);

        // The command that settles it does.
        Match advice = Regex.Match(guessed.Error, "thomas (convert) (tiny.onnx) (--preset) ([a-z-]+) (-o) (\\S+)");
        Assert.True(advice.Success, guessed.Error);
        string copy = _files[advice.Groups[6].Value];
        Assert.Equal(0, CliRun.Of("convert", model, "--preset", advice.Groups[4].Value, "-o", copy).Code);
        CliRun settled = CliRun.Of("classify", copy, data, "--quiet");
        Assert.Empty(settled.Error);
        Assert.Equal(guessed.Out, settled.Out);
    }

    [Fact]
    public void Preprocessing_options_change_what_the_file_says()
    {
        string model = _files.Model();
        JsonElement json = CliRun.Of("classify", model, _files.Data(perClass: 1), "--json", "--color", "bgr", "--resize", "stretch", "--mean", "1,2,3").Json();
        JsonElement preprocessing = json.GetProperty("preprocessing");
        Assert.Equal("bgr", preprocessing.GetProperty("color").GetString());
        Assert.Equal("stretch", preprocessing.GetProperty("resize").GetString());
        Assert.Equal(2, preprocessing.GetProperty("mean")[1].GetSingle());
        Assert.Equal(255, preprocessing.GetProperty("std")[0].GetSingle());
    }

    [Fact]
    public void A_preprocessing_that_does_not_fit_the_model_is_refused()
    {
        CliRun run = CliRun.Of("classify", _files.Model(), _files.Data(perClass: 1), "--color", "gray");
        Assert.Equal(3, run.Code);
        Assert.Contains("3 channel(s)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_models_are_refused()
    {
        string data = _files.Data(perClass: 1);
        File.WriteAllText(_files["text.onnx"], "this is not a model");
        File.WriteAllBytes(_files["empty.tflite"], []);
        foreach ((string model, string expected) in new[]
        {
            (_files["missing.onnx"], "there is no such file"), (data, "this is a folder"), (_files["text.onnx"], "text.onnx"),
                (_files["empty.tflite"], "the file is empty"),
        })
        {
            CliRun run = CliRun.Of("classify", model, data);
            Assert.Equal(3, run.Code);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
            Assert.Empty(run.Out);
        }

        Assert.Contains("   at ", CliRun.Of("classify", _files["empty.tflite"], data, "--trace").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_whose_input_is_no_image_is_refused()
    {
        CliRun run = CliRun.Of("classify", _files.Model(channels: 5, withPreprocessing: false), _files.Data(perClass: 1));
        Assert.Equal(3, run.Code);
        Assert.Contains("an image has 4 axes (batch, height, width, channels) and 1 or 3 channels", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_the_file_leaves_open_is_asked_for_and_taken()
    {
        string open = OpenSize(_files.Model(withPreprocessing: false));
        CliRun run = CliRun.Of("classify", open, _files.Data(perClass: 1));
        Assert.Equal(3, run.Code);
        Assert.Contains("leaves the height and width of the images open", run.Error, StringComparison.Ordinal);
        Assert.Contains("--size N", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of("classify", open, _files.Data(perClass: 1), "--size", "16").Code);

        // A file that tells how its images are prepared has told their size.
        Assert.Equal(0, CliRun.Of("classify", OpenSize(_files.Model()), _files.Data(perClass: 1)).Code);
    }

    private static string OpenSize(string model)
    {
        ModelProto proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(model));
        foreach (TensorShapeProto.Types.Dimension dim in proto.Graph.Input[0].Type.TensorType.Shape.Dim)
        {
            if (dim.DimValue == CliFixture.Side) dim.DimParam = "side";
        }

        string path = Path.ChangeExtension(model, ".open.onnx");
        File.WriteAllBytes(path, proto.ToByteArray());
        return path;
    }

    [Fact]
    public void All_unsupported_operators_are_listed()
    {
        string model = _files.Changed("unsupported.onnx", proto =>
        {
            foreach (NodeProto node in proto.Graph.Node)
            {
                if (node.OpType == "Conv") node.OpType = "Det";
                if (node.OpType == "Softmax") node.OpType = "Hardmax";
            }
        });
        CliRun run = CliRun.Of("classify", model, _files.Data(perClass: 1));
        Assert.Equal(3, run.Code);
        Assert.Contains("Det", run.Error, StringComparison.Ordinal);
        Assert.Contains("Hardmax", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Damaged_weights_are_refused_and_named(float weight)
    {
        CliRun run = CliRun.Of("classify", _files.Model(firstWeight: weight), _files.Data(perClass: 1));
        Assert.Equal(3, run.Code);
        Assert.Contains("conv.weight", run.Error, StringComparison.Ordinal);
        Assert.Contains("not finite", run.Error, StringComparison.Ordinal);
    }
}
