using System;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Operators that are found again in what exporters make of them, and those that become others.</summary>
public sealed class OnnxSpelledTests
{
    private static readonly float[] Channels = [1, -2, 3, 0.5f, -1, 2];

    /// <summary>torch.nn.LocalResponseNorm over six channels of one pixel; <paramref name="divided"/> is what the quotient divides.</summary>
    private static OnnxFile LocalResponse(int size, string divided = "x") =>
        new OnnxFile(13).Input("x", 1, 6, 1, 1).Longs("one", 1).Floats("alpha", [], 0.5f).Floats("k", [], 2).Floats("beta", [], 0.75f)
        .Longs("pads", 0, 0, size / 2, 0, 0, 0, 0, (size - 1) / 2, 0, 0).Node("Neg", ["x"], ["negated"]).Node("Mul", ["x", "x"], ["squares"])
        .Node("Unsqueeze", ["squares", "one"], ["five"]).Node("Pad", ["five", "pads"], ["padded"])
        .Node("AveragePool", ["padded"], ["pooled"], ("kernel_shape", new[] { size, 1, 1 }), ("strides", new[] { 1, 1, 1 }))
        .Node("Squeeze", ["pooled", "one"], ["means"])
        .Node("Mul", ["means", "alpha"], ["scaled"]).Node("Add", ["scaled", "k"], ["raised"]).Node("Pow", ["raised", "beta"], ["power"])
        .Node("Div", [divided, "power"], ["y"]).Output("y");

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Local_response_normalization_is_one_operator_where_its_window_is_centered(int size)
    {
        OnnxFile file = LocalResponse(size);
        Graph graph = file.Load().Graph;
        Assert.Equal(size % 2, graph.Nodes.Count(static node => node.Op is LocalResponseNorm));
        if (size % 2 == 1) Assert.DoesNotContain(graph.Nodes, static node => node.Op is AveragePool2d or Power);
        float[] actual = file.Run(Channels);
        for (int c = 0; c < Channels.Length; c++)
        {
            double sum = 0;
            for (int i = Math.Max(0, c - (size / 2)); i <= Math.Min(5, c + ((size - 1) / 2)); i++) sum += Channels[i] * Channels[i];
            Assert.Equal(Channels[c] * Math.Pow(2 + (0.5 * sum / size), -0.75), actual[c], 1e-5);
        }
    }

    [Fact]
    public void Mish_is_one_activation()
    {
        OnnxFile file = new OnnxFile(18).Input("x", 1, 6).Node("Mish", ["x"], ["y"]).Output("y");
        Node node = Assert.Single(file.Load().Graph.Nodes);
        Assert.Equal(new ActivateAttributes(new Activation(ActivationKind.Mish)), node.Attributes);
        Assert.Equal(Channels.Select(static x => x * MathF.Tanh(MathF.Log(1 + MathF.Exp(x)))), file.Run(Channels), static (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void A_quotient_of_another_value_is_none()
    {
        OnnxFile file = LocalResponse(3, "negated");
        Assert.DoesNotContain(file.Load().Graph.Nodes, static node => node.Op is LocalResponseNorm);
        Assert.Equal(LocalResponse(3).Run(Channels).Select(static v => -v), file.Run(Channels), static (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Einsum_with_weights_is_a_dense_layer()
    {
        OnnxFile file = new OnnxFile(12).Input("x", 1, 2).Floats("w", [3, 2], 1, 4, 2, 5, 3, 6).Node("Einsum", ["x", "w"], ["y"], ("equation", "nc, dc -> nd"))
            .Output("y");
        Assert.Contains(file.Load().Graph.Nodes, static node => node.Op is Dense);
        Assert.DoesNotContain(file.Load().Graph.Nodes, static node => node.Op is MatMul);
        Assert.Equal([9f, 12, 15], file.Run([1, 2]));
    }

    [Theory]
    [InlineData("Einsum", "nn->n", "takes a diagonal")]
    [InlineData("Einsum", "na,nb,nc->n", "3 operands")]
    [InlineData("MatMul", "", "of a vector")]
    public void What_is_not_supported_is_refused_by_name(string op, string equation, string reason)
    {
        OnnxFile file = new OnnxFile(13).Input("x", 2, 2).Floats("v", [2], 1, 2);
        string[] operands = op == "MatMul" ? ["x", "v"] : [.. Enumerable.Repeat("x", equation.Split(',').Length)];
        file = op == "MatMul" ? file.Node(op, operands, ["y"]) : file.Node(op, operands, ["y"], ("equation", equation));
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => file.Output("y").Load());
        Assert.Contains(e.Operators, line => line.Contains(op, StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ab->ac")]
    [InlineData("a1->a")]
    [InlineData("abc->a")]
    [InlineData("a->a")]
    public void Equations_that_mean_nothing_are_errors(string equation) =>
        Assert.Throws<ModelFormatException>(() => new OnnxFile(13).Input("x", 2, 2).Node("Einsum", ["x"], ["y"], ("equation", equation)).Output("y").Load());

    [Fact]
    public void A_transposed_convolution_enlarges_and_can_be_trained()
    {
        OnnxFile file = new OnnxFile(11).Input("x", 1, 1, 1, 2).Floats("w", [1, 1, 1, 2], 3, 5).Floats("b", [1], 10)
            .Node("ConvTranspose", ["x", "w", "b"], ["y"], ("strides", new[] { 1, 2 })).Output("y");
        Assert.Equal([13f, 15, 16, 20], file.Run([1, 2]));
        Assert.Equal([ParameterRole.Weight, ParameterRole.Bias], Parameter.Find(file.Load().Graph).Select(static parameter => parameter.Role));
    }
}
