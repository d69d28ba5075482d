using System;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Models;

public sealed class ModelTests
{
    [Fact]
    public void A_network_that_ends_in_global_pooling_takes_images_of_another_size()
    {
        Model model = TrainingSteps.Network, resized = model.WithImageSize(96, 48);
        GraphVerifier.Verify(resized.Graph);
        Assert.Equal(new Shape(1, 96, 48, 3), resized.Graph.Inputs[0].Shape);
        Assert.Equal(model.Graph.Outputs[0].Shape, resized.Graph.Outputs[0].Shape);
        Assert.Equal(model.Info.Preprocessing! with { Width = 48, Height = 96 }, resized.Info.Preprocessing);
        Assert.Equal(model.Graph.ParameterCount, resized.Graph.ParameterCount);

        Model back = resized.WithImageSize(TrainingSteps.Side, TrainingSteps.Side);
        Assert.Equal(TestGraphs.Run(model.Graph), TestGraphs.Run(back.Graph));
    }

    [Fact]
    public void A_network_that_flattens_its_feature_map_refuses_and_names_the_layer()
    {
        GraphBuilder b = new();
        Value y = b.Add(
            OpCatalog.Reshape, [b.Input("images", new TensorType(DType.F32, new Shape(1, 8, 8, 2)))], new ReshapeAttributes(new IntList(0, -1)), "flat");
        y = b.Add(OpCatalog.Dense, [y, b.Weights("weights", 1, 3, 128)], new DenseAttributes(), "scores");
        Model model = new(b.Build(y), new ModelInfo { Name = "flattening" });
        ThomasException e = Assert.Throws<ThomasException>(() => model.WithImageSize(10, 12));
        Assert.Contains("flattening works only for images of 8x8, not 12x10", e.Message, StringComparison.Ordinal);
        Assert.Contains("Dense 'scores'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_images_have_a_size_and_it_is_positive()
    {
        GraphBuilder b = new();
        Value x = b.Input("numbers", new TensorType(DType.F32, new Shape(1, 8)));
        Model numbers = new(b.Build(b.Add(OpCatalog.Abs, [x])), new ModelInfo { Name = "plain" });
        Assert.Contains("is not an image", Assert.Throws<ThomasException>(() => numbers.WithImageSize(8, 8)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>("height", () => TrainingSteps.Network.WithImageSize(0, 8));
        Assert.Throws<ArgumentOutOfRangeException>("width", () => TrainingSteps.Network.WithImageSize(8, -1));
    }
}
