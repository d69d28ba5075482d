using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Formats.Onnx;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>A vision transformer as PyTorch exports it: read, tuned at its last layer or all through, written and read again.</summary>
public sealed class VisionTransformerTests
{
    private static readonly RgbImage Blue = new(TinyModels.Side, TinyModels.Side, TinyModels.Image(2, new Rng(99)));

    private static Model Transformer()
    {
        Model model = WholeFiles.All["PyTorch, vision transformer"]().Load();
        return new Model(model.Graph, model.Info with { Preprocessing = Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 } });
    }

    [Fact]
    public void Its_products_of_activations_stay_and_its_layers_are_dense()
    {
        Graph graph = Transformer().Graph;
        int products = 0, dense = 0;
        foreach (Node node in graph.Nodes)
        {
            products += node.Op is MatMul ? 1 : 0;
            dense += node.Op is Dense ? 1 : 0;
        }

        Assert.Equal((2, 5), (products, dense));
    }

    // PyTorch writes the bias of a layer over positions as the first operand of a sum, behind the product.
    [Fact]
    public void Biases_of_its_layers_are_parameters()
    {
        IReadOnlyList<Parameter> parameters = Parameter.Find(Transformer().Graph);
        foreach (string name in (string[])["/qkv.bias", "/proj.bias", "/fc1.bias", "/fc2.bias", "head.bias"])
            Assert.Contains(parameters, parameter => parameter.Constant.Name == name && parameter.Role == ParameterRole.Bias);
    }

    [Fact]
    public void Its_last_layer_is_tuned_and_written()
    {
        TuningResult result = Tuner.Tune(Transformer(), TinyModels.Images(20, 1, "red", "green", "blue").ToDataset(), new NoDecoder());
        Assert.True(result.After.Accuracy > 0.9, result.After.ToTable(result.Labels));
        AssertReadsBack(result.Model);
    }

    [Fact]
    public void All_its_layers_are_trained_and_written()
    {
        using TrainerJob job = new(perClass: 20);
        Model model = Transformer();
        TrainerResult result = job.Run(TrainerJob.Options with
        {
            Epochs = 12,
            Policy = UpdatePolicy.All,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW },
            LearningRate = 0.01f,
        }, model);
        Assert.True(result.After!.Accuracy > 0.9, result.After.ToTable(result.Labels));

        // Attention itself has learned, not the head alone.
        Assert.NotEqual(Weights(model, "/qkv.weight"), Weights(result.Model, "/qkv.weight"));
        Assert.NotEqual(Weights(model, "patch.weight"), Weights(result.Model, "patch.weight"));
        Assert.NotEqual(Weights(model, "/qkv.bias"), Weights(result.Model, "/qkv.bias"));
        AssertReadsBack(result.Model);
    }

    private static float[] Weights(Model model, string name)
    {
        foreach (Value value in model.Graph.Values)
        {
            if (value.Name == name && value.Constant is TensorData data) return data.Floats.ToArray();
        }

        throw new InvalidOperationException(name);
    }

    private static void AssertReadsBack(Model model)
    {
        using ImageClassifier original = new(model);
        IReadOnlyList<ClassScore> expected = original.Classify(Blue);
        Assert.Equal("blue", expected[0].Label);
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            using MemoryStream file = new();
            model.Save(file, format);
            file.Position = 0;
            using ImageClassifier classifier = new(Model.Load(file, $"saved.{format}"));
            IReadOnlyList<ClassScore> actual = classifier.Classify(Blue);
            for (int i = 0; i < expected.Count; i++)
            {
                Assert.Equal(expected[i].Label, actual[i].Label);
                Assert.Equal(expected[i].Probability, actual[i].Probability, 1e-5f);
            }
        }
    }
}
