using System;
using System.IO;
using System.Linq;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>What tuned models and models of one sigmoid hand out, to us and to ONNX Runtime.</summary>
public sealed class OutputMeaningTests
{
    private static readonly SkiaImageDecoder Decoder = new();

    [Theory]
    [InlineData("onnx/mobilenet_v1_0.25_224_bn.onnx")]
    [InlineData("onnx/squeezenet1.1.onnx")]
    [InlineData("tflite/mobilenet_v2_1.0_224_quant.tflite")]
    [InlineData("tflite/mcunet_vww.tflite")]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite")]
    public void A_tuned_model_hands_out_probabilities_whatever_its_source_did(string file)
    {
        Model source = Model.Load(Assets.PathOf(["models", .. file.Split('/')]));
        TuningResult tuned = Tuner.Tune(source, Flowers(), Decoder, new TuningOptions { Head = TrainerOptions.LastLayer with { Epochs = 10 } });
        ClassOutput output = ClassOutput.Of(tuned.Model);
        Assert.Equal((ScoreKind.Probability, 2, false), (output.Kind, output.Numbers, output.IsIndependent));
        Assert.False(ClassOutput.IsFalseName(output.Name, isProbability: true), output.Name);
        CheckInOrt(tuned.Model, output => Assert.Equal(1, output.Sum(), 1e-5f));
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            Model again = Reload(tuned.Model, format);
            Assert.Equal(2, Tuner.Describe(again).KeepableClasses);
            Assert.Equal(ScoreKind.Probability, ClassOutput.Of(again).Kind);
        }
    }

    [Theory]
    [InlineData(ModelFormat.Onnx, false)]
    [InlineData(ModelFormat.TfLite, false)]
    [InlineData(ModelFormat.TfLite, true)]
    public void One_sigmoid_on_a_real_network_is_the_probability_of_the_second_class(ModelFormat format, bool quantized)
    {
        Model source = Model.Load(Assets.PathOf("models", "tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite"));
        Model model = Reload(Sigmoid(source, quantized), format);
        Assert.Equal(1, ClassOutput.Of(model).Numbers);
        using ImageClassifier classifier = new(model);
        Dataset flowers = Flowers();
        foreach (Sample sample in flowers.Samples.Take(3))
        {
            RgbImage image = Decoder.Decode(File.ReadAllBytes(sample.Image.Name));
            float p = classifier.Scores(image)[0];
            ClassScore[] scores = [.. classifier.Classify(image)];
            Assert.Equal(p > 0.5 ? ["yes", "no"] : new[] { "no", "yes" }, scores.Select(static s => s.Label));
            Assert.Equal(p, scores.Single(static s => s.Label == "yes").Probability);
            Assert.Equal(1, scores.Sum(static s => s.Probability), 1e-6f);
        }

        CheckInOrt(model, output => Assert.InRange(Assert.Single(output), 0, 1));
        TuningResult kept = Tuner.Tune(model, flowers, Decoder, new TuningOptions { KeepClasses = true, Head = TrainerOptions.LastLayer with { Epochs = 3 } });
        Assert.Equal(["no", "yes", "daisy", "roses"], kept.Labels);
        CheckInOrt(kept.Model, output => Assert.Equal(1, output.Sum(), 1e-5f));
    }

    /// <summary>Keras' Dense(1, activation="sigmoid") on the network's features.</summary>
    public static Model Sigmoid(Model source, bool quantized)
    {
        HeadSplit split = HeadSplit.Find(source);
        Graph features = split.FeatureGraph();
        GraphRewriter rewriter = new(features);
        foreach (Node node in features.Nodes) rewriter.Copy(node);
        float[] weights = new float[split.FeatureCount];
        Rng rng = new(3);
        for (int i = 0; i < weights.Length; i++) weights[i] = (rng.Next(2000) - 1000) / 4000f;
        GraphBuilder b = rewriter.Builder;
        Value w = b.Constant("dense_1/kernel", TensorData.FromFloats(new Shape(1, weights.Length), weights));
        Value z = b.Add(
            OpCatalog.Dense, [rewriter.Map(features.Outputs[0]), w, b.Constant("dense_1/bias", TensorData.FromFloats(new Shape(1), [0.1f]))],
            new DenseAttributes(HasBias: true), "dense_1/BiasAdd");
        Value p = b.Add(OpCatalog.Activate, [z], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "dense_1/Sigmoid");
        if (quantized) p = b.Add(OpCatalog.FakeQuantize, [p], new FakeQuantizeAttributes(new Quantization([1f / 256], [-128]), -128, 127), "Identity");
        return new Model(b.Build(p), source.Info with { Name = "sigmoid", Labels = ["no", "yes"] });
    }

    private static void CheckInOrt(Model model, Action<float[]> check)
    {
        using Ort ort = new(Ort.Export(model));
        Shape shape = model.Graph.Inputs[0].Shape;
        float[] input = new float[shape.ElementCount];
        Rng rng = new(5);
        for (int i = 0; i < input.Length; i++) input[i] = (rng.Next(2000) - 1000) / 1000f;
        check(ort.Run(input)[0]);
    }

    private static Model Reload(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        stream.Position = 0;
        return Model.Load(stream, "file");
    }

    private static Dataset Flowers()
    {
        ImageSet set = new();
        foreach (string name in new[] { "daisy", "roses" })
        {
            foreach (string file in Directory.EnumerateFiles(Assets.PathOf("datasets", "flowers5", "train", name)).Order(StringComparer.Ordinal).Take(6))
                set.Add(name, ImageSource.FromEncoded(file, File.ReadAllBytes(file)));
        }

        return set.ToDataset();
    }
}
