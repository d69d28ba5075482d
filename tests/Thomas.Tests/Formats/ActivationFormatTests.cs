using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats;

/// <summary>Every activation of the catalog in both formats: as a node, and fused into every operator that applies one.</summary>
public sealed class ActivationFormatTests
{
    private static readonly Dictionary<string, Func<GraphBuilder, Value, Activation, Value>> Hosts = new()
    {
        ["node"] = static (b, x, f) => b.Add(OpCatalog.Activate, [x], new ActivateAttributes(f), "y"),
        ["convolution"] = static (b, x, f) => b.Add(
            OpCatalog.Conv2d, [x, b.Weights("w", 1, 4, 2, 2, 3), b.Weights("b", 2, 4)], new Conv2dAttributes(new Window2d(2, 2), HasBias: true, Activation: f),
            "y"),
        ["convolution with residual"] = static (b, x, f) => b.Add(
            OpCatalog.Conv2d, [x, b.Weights("w", 1, 3, 1, 1, 3), x], new Conv2dAttributes(new Window2d(1, 1), HasResidual: true, Activation: f), "y"),
        ["depthwise convolution"] = static (b, x, f) => b.Add(
            OpCatalog.DepthwiseConv2d, [x, b.Weights("w", 1, 1, 2, 2, 3)], new DepthwiseConv2dAttributes(new Window2d(2, 2), Activation: f), "y"),
        ["dense layer"] = static (b, x, f) =>
            b.Add(
                OpCatalog.Dense, [b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1))), b.Weights("w", 1, 9, 60)],
                new DenseAttributes(Activation: f), "y"),
        ["average pool"] = static (b, x, f) => b.Add(OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(new Window2d(2, 1), Activation: f), "y"),
        ["average pool that counts padding"] = static (b, x, f) =>
            b.Add(
                OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(new Window2d(2, 2, 1, 1, 1, 1, new Padding2d(1, 0, 0, 1)), CountPadding: true, f),
                "y"),
    };

    public static TheoryData<ModelFormat, string> Cases
    {
        get
        {
            TheoryData<ModelFormat, string> cases = [];
            foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
            {
                foreach (string host in Hosts.Keys) cases.Add(format, host);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_activation_is_written_and_read(ModelFormat format, string host)
    {
        foreach (Activation activation in ActivationSamples.All)
        {
            float[] expected = Run(Make(host, activation)), linear = Run(Make(host, Activation.None));
            using MemoryStream stream = new();
            new Model(Make(host, activation), new ModelInfo { Name = "m" }).Save(stream, format);
            stream.Position = 0;
            float[] actual = Run(Model.Load(stream, "m").Graph);
            float range = 0, change = 0;
            for (int i = 0; i < expected.Length; i++)
                (range, change) = (Math.Max(range, Math.Abs(expected[i])), Math.Max(change, Math.Abs(expected[i] - linear[i])));
            for (int i = 0; i < expected.Length; i++)
                Expect.True(Math.Abs(expected[i] - actual[i]) <= 2e-6f * range, $"{activation}: element {i} is {actual[i]}, expected {expected[i]}");

            // A writer that leaves the activation out would be seen.
            Expect.True(activation.Kind == ActivationKind.None || change > 0.1f * range, $"{activation} changes next to nothing here");
        }
    }

    [Fact]
    public void An_unknown_activation_and_an_empty_range_are_refused_by_every_operator()
    {
        foreach (string host in Hosts.Keys)
        {
            GraphException unknown = Assert.Throws<GraphException>(() => Make(host, new Activation((ActivationKind)1000)));
            Assert.Contains("there is no activation 1000", unknown.Message, StringComparison.Ordinal);
            GraphException empty = Assert.Throws<GraphException>(() => Make(host, Activation.Clip(2, 1)));
            Assert.Contains("clips to an empty range [2, 1]", empty.Message, StringComparison.Ordinal);
        }
    }

    private static Graph Make(string host, Activation activation)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 5, 3)));
        return b.Build(Hosts[host](b, b.Add(OpCatalog.Multiply, [x, b.Constant("wide", TensorData.FromFloats(new Shape(1), [5]))]), activation));
    }

    private static float[] Run(Graph graph) => TestGraphs.Run(graph, TestGraphs.Oracle);
}
