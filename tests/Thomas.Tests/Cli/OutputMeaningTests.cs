using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class OutputMeaningTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("one.onnx")]
    [InlineData("one.tflite")]
    public void One_sigmoid_is_shown_as_two_classes(string name)
    {
        string model = _files[name], red = _files["red.png"], data = _files.Data(perClass: 3, classes: 3);
        Directory.Delete(_files["data", "blue"], recursive: true);
        ColorModels.Sigmoid().Save(model);
        CliFixture.Image(red, 2, 1);
        File.WriteAllLines(_files["two.txt"], ["green", "red"]);
        File.WriteAllLines(_files["three.txt"], ["green", "red", "blue"]);

        CliRun plain = CliRun.Of("classify", model, red), named = CliRun.Of("classify", model, red, "--labels", _files["two.txt"], "--json");
        Assert.Matches("  1 +[0-9.]+%\n  0 +[0-9.]+%", plain.Out.ReplaceLineEndings("\n"));
        Assert.Contains("one number, the probability of '1'", plain.Error, StringComparison.Ordinal);
        JsonElement json = named.Json();
        Assert.Equal("red", json.GetProperty("images")[0].GetProperty("classes")[0].GetProperty("label").GetString());
        Assert.Equal("probability", json.GetProperty("classOutput").GetProperty("kind").GetString());
        Assert.Equal(0.5, json.GetProperty("classOutput").GetProperty("threshold").GetDouble());
        CliRun wrong = CliRun.Of("classify", model, red, "--labels", _files["three.txt"]);
        Assert.NotEqual(0, wrong.Code);
        Assert.Contains("has 3 lines, but one", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("give two lines, for its low and its high values", wrong.Error, StringComparison.Ordinal);

        CliRun inspect = CliRun.Of("inspect", model);
        Assert.Contains("one number, the probability of '1'; up to 0.5 it is '0'", inspect.Out, StringComparison.Ordinal);
        Assert.Contains("one output, which is two classes", inspect.Out, StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("plan", model, "--json", "--update", "last").Json().GetProperty("classes").GetInt32());

        string converted = _files["converted" + (Path.GetExtension(name) == ".onnx" ? ".tflite" : ".onnx")];
        Assert.Equal(0, CliRun.Of("convert", model, "-o", converted, "--labels", _files["two.txt"]).Code);
        Assert.Equal(["green", "red"], Thomas.Model.Load(converted).Info.Labels);
        Assert.Equal(1, ClassOutput.Of(Thomas.Model.Load(converted)).Numbers);
        CliRun evaluate = CliRun.Of("evaluate", converted, "--data", data, "--no-cache", "--json");
        Assert.Equal(6, evaluate.Json().GetProperty("result").GetProperty("correct").GetInt32());
        Assert.InRange(evaluate.Json().GetProperty("result").GetProperty("interval").GetProperty("low").GetDouble(), 0.6, 0.62);

        CliRun tune = CliRun.Of("tune", converted, "--data", data, "-o", _files["tuned.tflite"], "--no-cache", "--json");
        Assert.Equal(0, tune.Code);
        Assert.Equal(2, ClassOutput.Of(Thomas.Model.Load(_files["tuned.tflite"])).Numbers);
    }

    [Fact]
    public void Keeping_classes_reports_what_was_checked_and_a_small_count_has_its_interval()
    {
        string model = _files.Model(labels: ["ant", "bee", "cat", "dog"]), data = _files.Data();
        string[] args = ["tune", model, "--data", data, "-o", _files["out.onnx"], "--no-cache", "--keep-classes"];
        CliRun text = CliRun.Of(args), run = CliRun.Of([.. args, "--json"]);
        Assert.Contains("new classes", text.Out, StringComparison.Ordinal);
        Assert.Contains("validation images of the 3 new classes; the 4 old classes were not checked, 95% interval", text.Out, StringComparison.Ordinal);
        Assert.Contains("thomas: warning: the 4 old classes kept in the model were not checked", text.Error, StringComparison.Ordinal);
        JsonElement json = run.Json(), check = json.GetProperty("checked");
        Assert.Equal(["ant", "bee", "cat", "dog"], check.GetProperty("uncheckedClasses").EnumerateArray().Select(static e => e.GetString()));
        Assert.Equal(4, check.GetProperty("keptClasses").GetInt32());
        bool below = json.GetProperty("after").GetProperty("accuracy").GetDouble() < json.GetProperty("before").GetProperty("accuracy").GetDouble();
        Assert.Equal(below, json.GetProperty("isBelowBaseline").GetBoolean());
        Assert.Equal(below ? 2 : 1, json.GetProperty("warnings").GetArrayLength());
        Assert.Equal(below, text.Out.Contains("below the baseline", StringComparison.Ordinal));
    }

    [Fact]
    public void Logits_are_left_in_the_file_where_they_are_wanted()
    {
        string data = _files.Data();
        foreach ((string name, string[] more, ScoreKind kind) in new[] { ("p.tflite", Array.Empty<string>(), ScoreKind.Probability),
            ("l.tflite", ["--logits"], ScoreKind.Logit), ("all.onnx", ["--update", "all", "--epochs", "1", "--logits"], ScoreKind.Logit) })
        {
            Assert.Equal(0, CliRun.Of(["tune", _files.Model(), "--data", data, "-o", _files[name], "--no-cache", .. more]).Code);
            ClassOutput output = ClassOutput.Of(Thomas.Model.Load(_files[name]));
            Assert.Equal((name, kind, kind == ScoreKind.Logit ? "logits" : "probabilities"), (name, output.Kind, output.Name));
        }
    }

    [Fact]
    public void Evaluation_says_which_classes_were_not_checked()
    {
        CliRun run = CliRun.Of("evaluate", _files.Model(labels: ["Red", "green", "blue", "gray"]), "--data", _files.Data(perClass: 2), "--no-cache");
        Assert.Equal(0, run.Code);
        Assert.Contains("6 images of 3 classes; the model's other 1 class was not tested", run.Out, StringComparison.Ordinal);
        Assert.Contains("'red' is matched to the model's class 'Red' (they differ in case)", run.Error, StringComparison.Ordinal);
        Assert.Contains("95% interval", run.Out, StringComparison.Ordinal);
    }
}
