using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

/// <summary>Every layer with weights is described by <see cref="LinearNode"/>, and what it describes is known where layers matter.</summary>
public sealed class LinearNodeTests
{
    // Products without weights of their own, and what only compiling makes of layers.
    private static readonly Op[] NoLayers = [OpCatalog.MatMul, OpCatalog.InvertedResidual, OpCatalog.Conv2dMoments, OpCatalog.DepthwiseConv2dMoments];

    public static TheoryData<string> OpNames => new(OpCatalog.All.Where(op => !op.IsTrainingOnly && !NoLayers.Contains(op)).Select(op => op.Name));

    [Theory]
    [MemberData(nameof(OpNames))]
    public void What_multiplies_by_weights_is_a_layer_whose_weights_can_be_trained(string name)
    {
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name))
        {
            Graph graph = GraphOf(test);
            Node node = graph.Nodes[0];
            bool isLayer = LinearNode.TryGet(node, out LinearNode layer);
            Expect.True(isLayer == node.Op.MultiplyAdds(node) > 0, $"{test}: is a layer: {isLayer}");
            if (!isLayer) continue;
            Dictionary<Value, ParameterRole> roles = Parameter.Find(graph).ToDictionary(parameter => parameter.Constant, parameter => parameter.Role);
            Assert.Equal(ParameterRole.Weight, roles[layer.Weights]);
            if (layer.Bias is Value bias) Assert.Equal(ParameterRole.Bias, roles[bias]);
            Assert.Equal(layer.HasBias ? 2 : 1, roles.Count);
            if (layer.HasEpilogue) Assert.Equal(layer.Channels, layer.Weights.Shape[layer.ChannelAxis]);
        }
    }

    private static Graph GraphOf(OpCase test)
    {
        GraphBuilder builder = new();
        Value[] operands = [.. test.Shapes.Select((shape, i) => i is 0 or > 2 || (i == 2 && shape.Rank != 1)
            ? builder.Input($"x{i}", new TensorType(DType.F32, shape))
            : builder.Constant($"w{i}", TensorData.FromFloats(shape, new float[shape.ElementCount])))];
        return builder.Build([.. builder.AddNode(test.Op, operands, test.Attributes).Outputs]);
    }
}
