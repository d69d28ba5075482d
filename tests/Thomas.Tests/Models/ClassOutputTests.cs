using System;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Models;

public sealed class ClassOutputTests
{
    private static readonly float[] Numbers = [0.1f, 0.7f, 0.2f];

    [Theory]
    [InlineData(ModelFormat.Onnx, new string[0], "0", "1")]
    [InlineData(ModelFormat.TfLite, new string[0], "0", "1")]
    [InlineData(ModelFormat.Onnx, new[] { "red" }, "not red", "red")]
    [InlineData(ModelFormat.TfLite, new[] { "red" }, "not red", "red")]
    [InlineData(ModelFormat.Onnx, new[] { "green", "red" }, "green", "red")]
    [InlineData(ModelFormat.TfLite, new[] { "green", "red" }, "green", "red")]
    public void One_sigmoid_is_two_classes_also_out_of_a_file(ModelFormat format, string[] labels, string low, string high)
    {
        Model model = Reload(ColorModels.Sigmoid(labels), format);
        Assert.Equal(labels.Length == 0 ? null : labels, model.Info.Labels);
        using ImageClassifier classifier = new(model);
        Assert.Equal(
            (ScoreKind.Probability, 1, 2, true, false),
            (classifier.Output.Kind, classifier.Output.Numbers, classifier.Classes, classifier.Output.IsBinary, classifier.Output.IsIndependent));
        Assert.Equal(0.5, classifier.Output.Threshold);
        Assert.Equal([low, high], classifier.Labels);

        // 10 (0.8 - 0.6) + 0.5 = 2.5.
        double expected = 1 / (1 + Math.Exp(-2.5));
        ClassScore[] red = [.. classifier.Classify(ColorModels.Image(204, 153, 0))];
        Assert.Equal([(1, high), (0, low)], red.Select(static s => (s.Index, s.Label)));
        Assert.Equal(expected, red[0].Probability, 1e-5);
        Assert.Equal(1 - expected, red[1].Probability, 1e-5);
        Assert.Equal(classifier.Scores(ColorModels.Image(204, 153, 0))[0], red[0].Score);
        ClassScore green = classifier.Classify(ColorModels.Image(0, 204, 0), top: 1).Single();
        Assert.Equal((0, low), (green.Index, green.Label));
        Assert.InRange(green.Probability, 0.999, 1);
    }

    [Fact]
    public void Features_are_not_called_logits_where_there_is_evidence()
    {
        (string Evidence, Func<GraphBuilder, Value, Value> End)[] cases =
        [
            ("they come from an activation", static (b, c) => ColorModels.Activate(b, ColorModels.Three(b, c, "dense"), ActivationKind.Relu, "relu")),
            ("they come from an activation", static (b, c) => b.Add(
                OpCatalog.Reshape, [ColorModels.Activate(b, ColorModels.Three(b, c, "dense"), ActivationKind.Relu6, "relu")],
                new ReshapeAttributes(new IntList(1, 1, 1, 3)))),
            ("they are averages over the image", static (b, c) => b.Add(
                OpCatalog.Reduce, [b.Add(OpCatalog.Reshape, [c], new ReshapeAttributes(new IntList(1, 1, 1, 3)))],
                new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "out")),
            ("the output is called 'image_embedding'", static (b, c) => ColorModels.Three(b, c, "image_embedding")),
        ];
        foreach ((string evidence, Func<GraphBuilder, Value, Value> end) in cases)
        {
            Model model = ColorModels.Create((b, c) => [end(b, c)]);
            string description = ClassOutput.Of(model).Description;
            Assert.Contains("features: the file names no classes, and " + evidence, description, StringComparison.Ordinal);
            Assert.DoesNotContain("logits", description, StringComparison.Ordinal);
            Assert.Contains(
                "logits", ClassOutput.Of(new Model(model.Graph, model.Info with { Labels = ["a", "b", "c"] })).Description, StringComparison.Ordinal);
        }

        foreach (string name in new[] { "logits", "out" })
            Assert.Contains("logits", ClassOutput.Of(ColorModels.Create((b, c) => [ColorModels.Three(b, c, name)])).Description, StringComparison.Ordinal);
        Assert.Contains(
            "logits",
            ClassOutput.Of(ColorModels.Create((b, c) =>
                [ColorModels.Activate(b, ColorModels.Three(b, c, "dense"), ActivationKind.Relu, "scores")])).Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Identity_int8", "Identity")]
    [InlineData("StatefulPartitionedCall:0_uint8", "StatefulPartitionedCall:0")]
    [InlineData("_int8", "_int8")]
    [InlineData("print8", "print8")]
    public void A_tuned_output_is_not_called_8_bits(string name, string expected) =>
        Assert.Equal(
            expected,
            Tuner.WithNewHead(ColorModels.Create((b, c) => [ColorModels.Softmax(b, ColorModels.Three(b, c), name)]), ["a", "b"]).Graph.Outputs[0].Name);

    [Fact]
    public void One_number_may_be_a_probability_a_logit_or_lie_between_other_bounds()
    {
        (string Name, Func<GraphBuilder, Value, Value> End, ScoreKind Kind, double Threshold)[] cases =
        [
            ("logit", static (_, z) => z, ScoreKind.Logit, 0),
            ("quantized logit", static (b, z) => ColorModels.Grid(b, z, 0.05f, 0, -128, 127), ScoreKind.Logit, 0),
            ("sigmoid of shape 1x1x1x1", static (b, z) => b.Add(
                OpCatalog.Reshape, [ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p")], new ReshapeAttributes(new IntList(1, 1, 1, 1))),
                    ScoreKind.Probability, 0.5),
            ("sigmoid without batch", static (b, z) => b.Add(
                OpCatalog.Reshape, [ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p")], new ReshapeAttributes(new IntList(1))), ScoreKind.Probability,
                    0.5),
            ("uint8 sigmoid", static (b, z) => ColorModels.Grid(b, ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p"), 1f / 256, 0, 0, 255),
                ScoreKind.Probability, 0.5),
            ("int8 sigmoid", static (b, z) => ColorModels.Grid(b, ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p"), 1f / 256, -128, -128, 127),
                ScoreKind.Probability, 0.5),
            ("tanh", static (b, z) => ColorModels.Activate(b, b.Add(OpCatalog.Multiply, [z, ColorModels.Number(b, 0.5f)]), ActivationKind.Tanh, "t"),
                ScoreKind.Bounded, 0),
            ("percent", static (b, z) => b.Add(OpCatalog.Multiply, [ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p"), ColorModels.Number(b, 100)]),
                ScoreKind.Bounded, 50),
            ("log of a sigmoid", static (b, z) => b.Add(OpCatalog.Log, [ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p")]), ScoreKind.LogProbability,
                Math.Log(0.5)),
        ];
        foreach ((string name, Func<GraphBuilder, Value, Value> end, ScoreKind kind, double threshold) in cases)
        {
            using ImageClassifier classifier = new(ColorModels.Binary(end, "green", "red"));
            Assert.Equal((name, kind, threshold), (name, classifier.Output.Kind, classifier.Output.Threshold!.Value));
            foreach ((byte red, byte green) in new[] { ((byte)204, (byte)153), ((byte)102, (byte)153) })
            {
                double expected = 1 / (1 + Math.Exp(-((10 * ((red / 255.0) - (green / 255.0))) + 0.5)));
                ClassScore best = classifier.Classify(ColorModels.Image(red, green, 0))[0];
                Assert.Equal((name, red > green ? "red" : "green"), (name, best.Label));
                Assert.Equal(Math.Max(expected, 1 - expected), best.Probability, name.Contains("logit", StringComparison.Ordinal) ? 0.01 : 0.003);
            }
        }
    }

    [Fact]
    public void Probabilities_are_recognized_however_they_are_written()
    {
        (string Name, Func<GraphBuilder, Value, Value> End, ScoreKind Kind, bool Independent)[] cases =
        [
            ("logits", static (_, z) => z, ScoreKind.Logit, false),
            ("softmax", static (b, z) => ColorModels.Softmax(b, z), ScoreKind.Probability, false),
            ("reshaped", static (b, z) => b.Add(OpCatalog.Reshape, [ColorModels.Softmax(b, z)], new ReshapeAttributes(new IntList(1, 3, 1, 1))),
                ScoreKind.Probability, false),
            ("1x1x1xN", static (b, z) => ColorModels.Softmax(b, b.Add(OpCatalog.Reshape, [z], new ReshapeAttributes(new IntList(1, 1, 1, 3)))),
                ScoreKind.Probability, false),
            ("rounded", static (b, z) => ColorModels.Grid(b, ColorModels.Softmax(b, z), 1f / 256, -128, -128, 127), ScoreKind.Probability, false),
            ("clipped", static (b, z) => b.Add(OpCatalog.Activate, [ColorModels.Softmax(b, z)], new ActivateAttributes(Activation.Clip(1e-7f, 1 - 1e-7f))),
                ScoreKind.Probability, false),
            ("percent", static (b, z) => b.Add(OpCatalog.Multiply, [ColorModels.Softmax(b, z), ColorModels.Number(b, 100)]), ScoreKind.Bounded, false),
            ("mean of two", static (b, z) => b.Add(
                OpCatalog.Multiply, [b.Add(OpCatalog.Add, [ColorModels.Softmax(b, z), ColorModels.Softmax(b, z)]), ColorModels.Number(b, 0.5f)]),
                    ScoreKind.Probability, false),
            ("log-softmax", static (b, z) => b.Add(OpCatalog.Softmax, [z], new SoftmaxAttributes(Logarithm: true)), ScoreKind.LogProbability, false),
            ("written out", WrittenOut, ScoreKind.Probability, false),
            ("sigmoids", static (b, z) => ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p"), ScoreKind.Probability, true),
            ("rounded sigmoids", static (b, z) => ColorModels.Grid(b, ColorModels.Activate(b, z, ActivationKind.Sigmoid, "p"), 1f / 256, 0, 0, 255),
                ScoreKind.Probability, true),
        ];
        double[] logits = [0.25 + (4 * 0.8) - (2 * 0.4), (4 * 0.4) - (2 * 0.8), -0.5 - (2 * 1.2)];
        double sum = logits.Sum(Math.Exp);
        foreach ((string name, Func<GraphBuilder, Value, Value> end, ScoreKind kind, bool independent) in cases)
        {
            Model model = ColorModels.Create((b, colors) => [end(b, ColorModels.Three(b, colors))], "red", "green", "blue");
            using ImageClassifier classifier = new(model);
            Assert.Equal((name, kind, independent), (name, classifier.Output.Kind, classifier.Output.IsIndependent));
            ClassScore[] scores = [.. classifier.Classify(ColorModels.Image(204, 102, 0))];
            Assert.Equal(3, scores.Length);
            foreach (ClassScore score in scores)
            {
                double expected = independent ? 1 / (1 + Math.Exp(-logits[score.Index])) : Math.Exp(logits[score.Index]) / sum;
                Expect.True(Math.Abs(expected - score.Probability) < 0.003, $"{name}: {score} instead of {expected}");
            }
        }
    }

    private static Value WrittenOut(GraphBuilder b, Value z)
    {
        Value max = b.Add(OpCatalog.Reduce, [z], new ReduceAttributes(ReduceKind.Max, new IntList(1), KeepDims: true));
        Value e = b.Add(OpCatalog.Exp, [b.Add(OpCatalog.Subtract, [z, max])]);
        return b.Add(OpCatalog.Divide, [e, b.Add(OpCatalog.Reduce, [e], new ReduceAttributes(ReduceKind.Sum, new IntList(1), KeepDims: true))]);
    }

    [Fact]
    public void A_sigmoid_joined_with_its_complement_is_two_classes()
    {
        Model model = ColorModels.Create(
            static (b, colors) =>
            {
                Value p = ColorModels.Activate(b, ColorModels.Dense(b, colors, "logit", [10, -10, 0], [0.5f]), ActivationKind.Sigmoid, "p");
                return [b.Add(OpCatalog.Concat, [b.Add(OpCatalog.Subtract, [ColorModels.Number(b, 1), p]), p], new ConcatAttributes(1), "both")];
            },
            "green", "red");
        using ImageClassifier classifier = new(model);
        Assert.Equal((ScoreKind.Probability, false), (classifier.Output.Kind, classifier.Output.IsIndependent));
        Assert.Equal(1 / (1 + Math.Exp(-2.5)), classifier.Classify(ColorModels.Image(204, 153, 0))[0].Probability, 1e-5);
    }

    [Fact]
    public void Of_several_outputs_the_one_of_the_classes_is_read()
    {
        string[] three = ["red", "green", "blue"];
        Model features = ColorModels.Create((b, colors) => [colors, ColorModels.Softmax(b, ColorModels.Three(b, colors))]);
        Model wide = ColorModels.Create(
            (b, colors) => [ColorModels.Dense(b, colors, "wide", new float[12], new float[4]), ColorModels.Three(b, colors)], three);
        Model chain = ColorModels.Create((b, colors) => [colors, ColorModels.Three(b, colors)]);
        Model first = ColorModels.Create((b, colors) => [ColorModels.Three(b, colors), ColorModels.Dense(b, colors, "other", new float[9], new float[3])]);
        foreach ((Model model, int index, string why) in new[] { (features, 1, "it holds probabilities"), (wide, 1, "its size is the number of labels"),
            (chain, 1, "no other output is computed from it"), (first, 0, "output 1 of 2") })
        {
            using ImageClassifier classifier = new(model);
            Assert.Equal(index, classifier.Output.Index);
            Assert.Contains(why, classifier.Output.Description, StringComparison.Ordinal);
            Assert.Equal(0, classifier.Classify(ColorModels.Image(204, 0, 0))[0].Index);
            Assert.Equal(classifier.Classes, classifier.Scores(ColorModels.Image(0, 0, 0)).Length);
        }
    }

    [Fact]
    public void A_softmax_along_the_wrong_axis_does_not_make_all_classes_certain()
    {
        Model model = ColorModels.Create(
            static (b, colors) => [
                b.Add(
                    OpCatalog.Reshape,
                    [ColorModels.Softmax(b, b.Add(OpCatalog.Reshape, [ColorModels.Three(b, colors)], new ReshapeAttributes(new IntList(3, 1))))],
                    new ReshapeAttributes(new IntList(1, 3)))],
            "red", "green", "blue");
        using ImageClassifier classifier = new(model);
        Assert.Contains("runs along an axis of length 1", classifier.Output.Warning, StringComparison.Ordinal);
        Assert.Equal("green", classifier.Classify(ColorModels.Image(0, 204, 0))[0].Label);
    }

    [Fact]
    public void What_cannot_be_a_classifiers_output_is_refused_in_words()
    {
        Model single = ColorModels.Binary(static (b, z) => ColorModels.Softmax(b, z), "a", "b");
        Assert.Contains("softmax over a single number", Assert.Throws<ThomasException>(() => new ImageClassifier(single)).Message, StringComparison.Ordinal);
        Model map = ColorModels.Create(
            static (b, colors) => [
                b.Add(OpCatalog.Reshape, [ColorModels.Dense(b, colors, "map", new float[36], new float[12])], new ReshapeAttributes(new IntList(1, 2, 2, 3)))]);
        Assert.Contains("not one number per class", Assert.Throws<ThomasException>(() => new ImageClassifier(map)).Message, StringComparison.Ordinal);
        Model labels = ColorModels.Sigmoid("a", "b", "c");
        Assert.Contains("3 labels for a single output", Assert.Throws<ThomasException>(() => new ImageClassifier(labels)).Message, StringComparison.Ordinal);
        Model twice = ColorModels.Create(static (b, colors) => [ColorModels.Softmax(b, ColorModels.Softmax(b, ColorModels.Three(b, colors)))]);
        Assert.Contains("softmax of a softmax", ClassOutput.Of(twice).Warning, StringComparison.Ordinal);
        Model measure = ColorModels.Binary(static (b, z) => ColorModels.Activate(b, z, ActivationKind.Relu, "years"));
        Assert.Contains("never negative", ClassOutput.Of(measure).Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Ties_and_the_threshold_itself_go_to_the_lower_class()
    {
        ClassOutput sigmoid = ClassOutput.Of(ColorModels.Sigmoid("low", "high"));
        Assert.Equal("low", sigmoid.Rank([0.5f], 1)[0].Label);
        Assert.Equal("high", sigmoid.Rank([MathF.BitIncrement(0.5f)], 1)[0].Label);
        Assert.Equal(
            [1, 2, 0],
            ClassOutput.Of(ColorModels.Create((b, colors) => [ColorModels.Softmax(b, ColorModels.Three(b, colors))])).Rank(Numbers, 9)
                .Select(static s => s.Index));
        Assert.Throws<ArgumentException>(() => sigmoid.ToProbabilities([0.5f, 0.5f], new float[2]));
    }

    [Fact]
    public void A_long_chain_of_sums_costs_no_time()
    {
        Model model = ColorModels.Create(static (b, colors) =>
        {
            Value x = ColorModels.Softmax(b, ColorModels.Three(b, colors));
            for (int i = 0; i < 60; i++) x = b.Add(OpCatalog.Add, [x, x]);
            return [x];
        });
        Assert.Equal(3, ClassOutput.Of(model).Classes);
    }

    private static Model Reload(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        stream.Position = 0;
        return Model.Load(stream, "file");
    }
}
